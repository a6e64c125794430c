"""The edit of two files: the timeline is made for whoever asks, then rendered. A still may be one of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Unpack

from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.core.outputs import Output, expect_outputs
from dpe_toolkit.delivery.allowed import allowed_registry
from dpe_toolkit.delivery.choices import (
    WHOLE,
    Part,
    Placement,
    PlanChoices,
    RunChoices,
    WorkKeywords,
    plan_choices,
    run_choices,
)
from dpe_toolkit.delivery.events import FileWritten
from dpe_toolkit.delivery.files import as_usage, earlier_kept
from dpe_toolkit.delivery.performance import read_performance
from dpe_toolkit.delivery.plan import frames_text, open_plan
from dpe_toolkit.delivery.video import check_settings, settings_of, write_video
from dpe_toolkit.editing.checking import read_model
from dpe_toolkit.editing.stages import GENERATOR
from dpe_toolkit.media import OutputSettings, media_plan, probe, write_still_clip
from dpe_toolkit.planning.picking import family_of
from dpe_toolkit.plugins import DEFAULT_EXTRA, Registry
from dpe_toolkit.rendering import RenderReport
from dpe_toolkit.rendering.checks import video_outputs
from dpe_toolkit.timeline import sidecar_path, write_edit_timeline

__all__ = ["EditReport", "animate", "edit", "edit_files", "edit_still"]


@dataclass(frozen=True, slots=True)
class EditReport:
    """The edit of two files."""

    timeline: Path
    """The timeline of it, to open or to render again."""
    render: RenderReport

    @property
    def output(self) -> Path:
        """The video."""
        return self.render.output


def edit(
    source: str | PathLike[str],
    driver: str | PathLike[str],
    output: str | PathLike[str],
    *,
    start: int | str = 0,
    retime: float = 1.0,
    source_neutral: int | str | None = None,
    driver_neutral: int | str | None = None,
    frames: str | range | tuple[int, int] | None = None,
    settings: OutputSettings | Mapping[str, object] | None = None,
    **fields: Unpack[WorkKeywords],
) -> EditReport:
    """Gives the face in one file the expression of the face in another; no timeline is needed.

    >>> dpe_toolkit.edit("actor.mp4", "smile.mp4", "edited.mp4", expression=0.8)  # doctest: +SKIP

    The timeline is made, and kept beside the output as ``OUTPUT.otio``.

    Args:
        source: footage to edit.
        driver: footage of the performance.
        output: the video, or a folder for a sequence of images.
        start: where in the driver to begin: a frame, or text with seconds or timecode.
        retime: driver seconds that pass in one second.
        source_neutral: moment at which the source's face rests, as ``start``; found if left out.
        driver_neutral: likewise of the driver's.
        frames: only these output frames: ``"48:96"``, ``"2s:4s"``, timecode, or a range.
        settings: how to encode; by default as the suffix of the output asks for.
        fields: see `dpe_toolkit.delivery.choices.WorkKeywords`.

    Raises:
        OptionsError: an argument is not accepted, or a file cannot be used.
        PlanError: the plan has errors.
        DpeError: whatever stops a render, by its place in the tree.
    """
    place = _placement(start=start, retime=retime, source_neutral=source_neutral, driver_neutral=driver_neutral)
    return edit_files(
        Path(source),
        Path(driver),
        Path(output),
        place,
        plan_choices(fields),
        part=Part(frames_text(frames)),
        settings=settings_of(settings),
        run=run_choices(fields),
    )


def animate(
    portrait: str | PathLike[str],
    driver: str | PathLike[str],
    output: str | PathLike[str],
    *,
    start: int | str = 0,
    retime: float = 1.0,
    driver_neutral: int | str | None = None,
    frames: str | range | tuple[int, int] | None = None,
    settings: OutputSettings | Mapping[str, object] | None = None,
    **fields: Unpack[WorkKeywords],
) -> EditReport:
    """Makes the face of a still move as the face in a driver does; the result is as long as the driver.

    >>> dpe_toolkit.animate("portrait.jpg", "speech.mp4", "talking.mp4", weights="dpe")  # doctest: +SKIP

    Needs weights of the DPE network, unless ``components`` names another generator.

    Args:
        portrait: image of a face. As a film it is kept beside the output, as ``OUTPUT.portrait.mkv``.
        driver: as for `edit`, and so all others.
        output: the video.
        start: where in the driver to begin.
        retime: driver seconds that pass in one second.
        driver_neutral: moment at which the driver's face rests.
        frames: only these output frames.
        settings: how to encode.
        fields: see `dpe_toolkit.delivery.choices.WorkKeywords`.

    Raises:
        DpeError: as for `edit`.
    """
    place = _placement(start=start, retime=retime, driver_neutral=driver_neutral)
    return edit_still(
        Path(portrait),
        Path(driver),
        Path(output),
        place,
        plan_choices(fields),
        part=Part(frames_text(frames)),
        settings=settings_of(settings),
        run=run_choices(fields),
    )


def edit_files(
    source: Path,
    driver: Path,
    output: Path,
    place: Placement,
    choices: PlanChoices,
    *,
    part: Part = WHOLE,
    settings: OutputSettings,
    run: RunChoices,
    registry: Registry | None = None,
) -> EditReport:
    """As `edit`, with its arguments read; the plugins may be loaded already."""
    timeline = output.with_name(output.name + ".otio")
    beside = [Output(path=path, name="the timeline beside it") for path in (timeline, sidecar_path(timeline))]
    expect_outputs([*video_outputs(output, settings), *beside], (source, driver), error=OptionsError)
    check_settings(output, settings)
    registry = registry or allowed_registry(choices.project, output)
    with as_usage():
        shown = media_plan(source)
    if shown.num_frames == 1:
        raise OptionsError("it is a still", "footage to edit", "make it move with 'dpe animate'", path=source)
    played = read_performance(driver, place, choices)
    with earlier_kept(timeline, sidecar_path(timeline)):
        write_edit_timeline(timeline, source=shown, performance=played)
        # What was asked of the edit stands in the timeline now, and is checked there, once.
        elsewhere = PlanChoices(
            project=choices.project,
            media_roots=choices.media_roots,
            weights_dir=choices.weights_dir,
            fit=choices.fit,
            gaps=choices.gaps,
        )
        plan = open_plan(timeline, elsewhere, part, registry=registry, tell=run.tell)
        report = write_video(plan, output, registry=registry, settings=settings, run=run)
    return EditReport(timeline, report)


def edit_still(
    portrait: Path,
    driver: Path,
    output: Path,
    place: Placement,
    choices: PlanChoices,
    *,
    part: Part = WHOLE,
    settings: OutputSettings,
    run: RunChoices,
) -> EditReport:
    """As `animate`, with its arguments read."""
    registry = allowed_registry(choices.project, output)
    choices = _for_stills(choices, registry)
    film = output.with_name(output.name + ".portrait.mkv")
    written = [*video_outputs(output, settings), Output(path=film, name="the film of the portrait")]
    expect_outputs(written, (portrait, driver), error=OptionsError)
    check_settings(output, settings)
    with as_usage():
        for given in (portrait, driver):
            probe(given)
    write_still_clip(portrait, film, like=driver)
    run.tell(FileWritten(film))
    return edit_files(film, driver, output, place, choices, part=part, settings=settings, run=run, registry=registry)


def _for_stills(choices: PlanChoices, registry: Registry) -> PlanChoices:
    """The choices with what plugins mark for stills, where no generator of another family is named.

    Raises:
        OptionsError: none is named, and none is marked.
    """
    usual = registry.defaults_for("still")
    named = {**usual, **choices.components}
    if GENERATOR.kind not in named:
        raise OptionsError(
            "no generator is named, and none is installed that is taken for stills",
            "one that draws the head as well",
            f"install {DEFAULT_EXTRA}, or name one with --generator",
        )
    known = registry.components(GENERATOR.kind)
    families = {
        family_of(known[name].component)
        for name in (str(named[GENERATOR.kind]), usual.get(GENERATOR.kind, ""))
        if name in known
    }
    if not usual or len(families) > 1:
        return choices
    # The head moves, so more than the face is shown; a shot's default pose amount is 0.
    edit = choices.edit
    if "pose" not in edit.model_fields_set:
        edit = edit.model_copy(update={"pose": 1.0})
    return dataclasses.replace(choices, components=named, edit=edit)


def _placement(*, retime: float, **moments: int | str | None) -> Placement:
    """How the driver lies, from arguments: moments may be frames.

    Raises:
        OptionsError: a value is not accepted.
    """
    named = {name: str(moment) for name, moment in moments.items() if moment is not None}
    return read_model(Placement, {"retime": retime, **named}, action="correct the argument")
