"""``dpe edit``: two clips, no timeline needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_toolkit.cli.choices import AmountChoices, PartChoices, PerformanceChoices
from dpe_toolkit.cli.named import as_usage, earlier_kept, refuse_output
from dpe_toolkit.cli.outputs import OutputOption, RunChoices, WriteChoices
from dpe_toolkit.cli.screen import help_text, note
from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.editing.settings import EditSettings

if TYPE_CHECKING:
    from dpe_toolkit.timeline import Performance

__all__ = ["HELP", "read_performance", "run"]

HELP = help_text(
    "Give the face in SOURCE the expression of the face in DRIVER.",
    "Makes the timeline for you and keeps it beside the output, as OUTPUT.otio: open it in your editor, or render it "
    "again with other settings. Faces that were found once are not looked for again.",
    examples=(
        "dpe edit actor.mp4 smile.mp4 -o edited.mp4",
        "dpe edit actor.mp4 smile.mp4 -o out.mov --start 2s --expression 0.8",
        "dpe edit actor.mp4 smile.mp4 -o out.mkv --regions mouth,brows",
    ),
)


def run(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Footage to edit.")],
    driver: Annotated[Path, typer.Argument(metavar="DRIVER", help="Footage of the performance.")],
    *,
    output: OutputOption,
    performance: PerformanceChoices,
    amounts: AmountChoices,
    parts: PartChoices,
    write: WriteChoices,
    where: RunChoices,
) -> None:
    """Writes the timeline, then renders it as ``dpe render`` does."""
    from dpe_toolkit.cli.allowed import allowed_registry
    from dpe_toolkit.cli.work import make_plan, narrow, output_settings, print_report, write_video
    from dpe_toolkit.media import media_plan
    from dpe_toolkit.timeline import sidecar_path, write_edit_timeline

    refuse_output(output, reads=(source, driver), pictures=write.writes_pictures)
    output_settings(output, write)
    registry = allowed_registry(parts.project, output)
    with as_usage():
        shown = media_plan(source)
    if shown.num_frames == 1:
        raise OptionsError("it is a still", "footage to edit", "make it move with 'dpe animate'", path=source)
    played = read_performance(driver, performance, amounts, parts)
    timeline = output.with_name(output.name + ".otio")
    with earlier_kept(timeline, sidecar_path(timeline)):
        write_edit_timeline(timeline, source=shown, performance=played)
        # What was typed of the edit stands in the timeline now, and is judged there, once.
        elsewhere = PartChoices(project=parts.project, media_root=parts.media_root, weights_dir=parts.weights_dir)
        plan = narrow(make_plan(timeline, EditSettings(), elsewhere, registry=registry), write)
        report = write_video(plan, output, registry=registry, run=where, choices=write)
    if not where.quiet:
        note(str(timeline), label="wrote", style="green")
        print_report(report)


def read_performance(
    driver: Path, choices: PerformanceChoices, amounts: AmountChoices, parts: PartChoices | None = None
) -> Performance:
    """The driver's file and all that was typed of the edit, as a timeline stores it.

    Raises:
        OptionsError: the driver cannot be read, or something typed is not accepted.
    """
    from dpe_toolkit.core.timing import parse_time
    from dpe_toolkit.media import media_plan
    from dpe_toolkit.timeline import Performance

    with as_usage():
        media = media_plan(driver)
    return Performance(
        driver=media,
        start=parse_time(choices.start, media.rate, start_frame=media.start_frame),
        settings=amounts,
        retime=choices.retime,
        neutral=choices.neutral,
        components={} if parts is None else parts.components,
        options={} if parts is None else parts.options,
    )
