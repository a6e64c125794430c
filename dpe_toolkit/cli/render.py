"""``dpe render``: a timeline becomes a video."""

from __future__ import annotations

from dpe_toolkit.cli.choices import AmountChoices, PartChoices, TimelineArgument
from dpe_toolkit.cli.machine import MachineChoices
from dpe_toolkit.cli.outputs import OptionalOutput, WriteChoices
from dpe_toolkit.cli.screen import help_text
from dpe_toolkit.cli.shot_files import ShotFileChoices, print_files
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
    where: MachineChoices,
    shots: ShotFileChoices,
) -> None:
    """Plans, refuses what is wrong, renders, and says where the results are."""
    from dpe_toolkit.cli.asked import plan_choices, print_report, running
    from dpe_toolkit.delivery.render import render_part
    from dpe_toolkit.delivery.shot_files import write_shot_files
    from dpe_toolkit.delivery.video import settings_of

    choices, settings = plan_choices(amounts, parts), settings_of(write.settings)
    if shots.per_shot is not None:
        with running(where) as run:
            wanted = shots.files(shots.per_shot)
            found = write_shot_files(timeline, output, wanted, choices, write.part, settings=settings, run=run)
        if not where.quiet:
            print_files(found)
        return
    if output is None:
        raise OptionsError("no output is named", "--output FILE (or -o FILE), or --per-shot FOLDER", "add one")
    with running(where) as run:
        report = render_part(timeline, output, choices, write.part, settings=settings, run=run)
    if not where.quiet:
        print_report(report)
