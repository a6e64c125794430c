"""``dpe conform``: the edits of one cut go into the next."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_toolkit.cli.screen import help_text, note, print_problems, print_table, say
from dpe_toolkit.delivery.files import refuse_output

if TYPE_CHECKING:
    from dpe_toolkit.planning.conform import Conformed
    from dpe_toolkit.timeline import TimelineDoc

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
_UNSETTLED = ("lost", "ambiguous")


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
    from dpe_toolkit.planning.conform import conform
    from dpe_toolkit.timeline import format_of, read_sidecar, read_timeline, write_conformed

    kind = format_of(output, form)
    refuse_output(output, reads=(old, new))
    former = read_timeline(old)
    rate = _rate(former)
    sidecar, faults = read_sidecar(old)
    found = conform(former, sidecar, read_timeline(new, rate=rate))
    print_problems((*faults, *found.problems))
    write_conformed(old, new, output, found.edits, kind=kind, rate=rate)
    if as_json:
        say(
            json.dumps(
                {"output": str(output), "shots": [shot.model_dump(mode="json") for shot in found.shots]}, indent=2
            )
        )
    else:
        _print(found)
    if kind.loses:
        note(f"{kind.one} does not keep {kind.loses}", label="note")
    note(str(output), label="wrote", style="green")
    if faults or found.problems or any(shot.status in _UNSETTLED for shot in found.shots):
        raise typer.Exit(_NOT_ALL)


def _rate(doc: TimelineDoc) -> Fraction | None:
    """Frames a second in which most clips of a cut count."""
    from dpe_toolkit.timeline import walk_clips

    ranges = [clip.range or clip.media.available for clip in walk_clips(doc.stack)]
    counted = Counter(held.rate for held in ranges if held is not None)
    return counted.most_common(1)[0][0] if counted else None


def _print(found: Conformed) -> None:
    rows = [(shot.id, shot.clip, shot.status, shot.by, ", ".join(shot.clips), shot.detail) for shot in found.shots]
    print_table(("edit", "clip", "what became of it", "found by", "clips now", "detail"), rows)
    counts = Counter(shot.status for shot in found.shots)
    note(", ".join(f"{counts[status]} {status}" for status in ("kept", "moved", "lost", "ambiguous")))
