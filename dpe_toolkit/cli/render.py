"""``dpe render``: a timeline becomes a video."""

from __future__ import annotations

from dpe_toolkit.cli.choices import AmountChoices, PartChoices, TimelineArgument
from dpe_toolkit.cli.outputs import OptionalOutput, RunChoices, ShotFileChoices, WriteChoices
from dpe_toolkit.cli.screen import help_text
from dpe_toolkit.core.errors import OptionsError

__all__ = ["HELP", "run"]

HELP = help_text(
    "Render a timeline to a video.",
    "Shots with a dpe.expression effect, or under a track named DPE..., get their driver's expression; all others "
    "pass through. The suffix of the output chooses the codec: .mp4 H.264, .mov ProRes 422 HQ, .mkv FFV1, "
    "which is lossless; --codec chooses any other, and --codec list shows them. What an output cannot hold of its "
    "sources is said before the render starts. An edits file beside the output says what was changed.",
    "--per-shot writes each edited shot as media of its own instead, and a timeline for your editing program that "
    "shows them, with speeds, dissolves and the originals kept.",
    examples=(
        "dpe render cut.otio -o edited.mp4",
        "dpe render cut.otio -o test.mp4 --shot sh010 --expression 0.8",
        "dpe render cut.otio -o part.mov --frames 2s:4s --codec h264 --crf 20",
        "dpe render cut.otio -o master.mov --codec prores4444 --strict-colour",
        "dpe render cut.otio -o edited.mp4 --pass-through --audio-tracks separate",
        "dpe render cut.otio --per-shot shots --handles 12 -o cut_edited.otio",
    ),
)


def run(
    timeline: TimelineArgument,
    *,
    output: OptionalOutput = None,
    amounts: AmountChoices,
    parts: PartChoices,
    write: WriteChoices,
    where: RunChoices,
    shots: ShotFileChoices,
) -> None:
    """Plans, refuses what is wrong, renders, and says where the results are."""
    from dpe_toolkit.cli.allowed import allowed_registry
    from dpe_toolkit.cli.shotfiles import write_shot_files
    from dpe_toolkit.cli.work import make_plan, narrow, print_report, write_video

    registry = allowed_registry(parts.project, timeline)
    if shots.per_shot is not None:
        write_shot_files(
            timeline, output, amounts=amounts, parts=parts, write=write, run=where, shots=shots, registry=registry
        )
        return
    if output is None:
        raise OptionsError("no output is named", "--output FILE (or -o FILE), or --per-shot FOLDER", "add one")
    plan = narrow(make_plan(timeline, amounts, parts, registry=registry), write)
    report = write_video(plan, output, registry=registry, run=where, choices=write)
    if not where.quiet:
        print_report(report)
