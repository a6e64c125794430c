"""``dpe conform``: the edits of one cut go into the next."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_toolkit.cli.screen import help_text, note, print_problems, print_table, say

if TYPE_CHECKING:
    from dpe_toolkit.delivery.cuts import ConformReport

__all__ = ["HELP", "run"]

HELP = help_text(
    "Carry the edits of a cut over to a newer cut.",
    "Each edit is found by its effect, else its marker dpe:ID, else the media and range that its clip shows. A clip "
    "that was trimmed keeps its performance in place. Where several clips may be meant, that is said and nothing is "
    "guessed. Exits with 2 where an edit was lost or is ambiguous; the new timeline is written all the same.",
    "Formats other than .otio need OpenTimelineIO's adapters: pip install 'dpe-toolkit[nle]'.",
    examples=(
        "dpe conform cut_v1.otio cut_v2.otio -o cut_v2_dpe.otio",
        "dpe conform cut_v1.otio from_premiere.xml -o cut_v2_dpe.otio",
        "dpe conform cut_v1.otio cut_v2.edl -o v2.otio --json > report.json",
    ),
)
_NOT_ALL = 2


def run(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The cut that holds the edits, with its .dpe.json.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The newer cut, as the editing program exported it.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Timeline to write.")],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="otio, fcp7, edl, fcpx, kdenlive or aaf; by default what the suffix of the output says.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Finds, writes and reports."""
    from dpe_toolkit.delivery.cuts import conform_cut

    found = conform_cut(old, new, output, form=form)
    print_problems(found.problems)
    if as_json:
        shots = [shot.model_dump(mode="json") for shot in found.shots]
        say(json.dumps({"output": str(output), "shots": shots}, indent=2))
    else:
        _print(found)
    if found.loses:
        note(found.loses, label="note")
    note(str(output), label="wrote", style="green")
    if not found.is_settled:
        raise typer.Exit(_NOT_ALL)


def _print(found: ConformReport) -> None:
    rows = [(shot.id, shot.clip, shot.status, shot.by, ", ".join(shot.clips), shot.detail) for shot in found.shots]
    print_table(("edit", "clip", "what became of it", "found by", "clips now", "detail"), rows)
    counts = Counter(shot.status for shot in found.shots)
    note(", ".join(f"{counts[status]} {status}" for status in ("kept", "moved", "lost", "ambiguous")))
