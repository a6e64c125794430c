"""From a timeline or a plan to a video, or to a file for every edited shot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Unpack, overload

from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.delivery.choices import Part, PlanChoices, RunChoices, WorkKeywords, plan_choices, run_choices
from dpe_toolkit.delivery.plan import frames_text, open_plan, registry_for
from dpe_toolkit.delivery.shot_files import ShotFiles, ShotFilesReport, write_shot_files
from dpe_toolkit.delivery.video import settings_of, write_video
from dpe_toolkit.media import OutputSettings
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.rendering import ColourChoice, RenderReport
from dpe_toolkit.rendering.checks import video_outputs

__all__ = ["ColourChoice", "render", "render_part"]


@overload
def render(
    timeline: str | PathLike[str] | RenderPlan,
    output: str | PathLike[str] | None = None,
    *,
    frames: str | range | tuple[int, int] | None = None,
    shots: Sequence[str] = (),
    settings: OutputSettings | Mapping[str, object] | None = None,
    per_shot: None = None,
    **fields: Unpack[WorkKeywords],
) -> RenderReport: ...


@overload
def render(
    timeline: str | PathLike[str],
    output: str | PathLike[str] | None = None,
    *,
    shots: Sequence[str] = (),
    settings: OutputSettings | Mapping[str, object] | None = None,
    per_shot: ShotFiles | str | PathLike[str],
    **fields: Unpack[WorkKeywords],
) -> ShotFilesReport: ...


def render(
    timeline: str | PathLike[str] | RenderPlan,
    output: str | PathLike[str] | None = None,
    *,
    frames: str | range | tuple[int, int] | None = None,
    shots: Sequence[str] = (),
    settings: OutputSettings | Mapping[str, object] | None = None,
    per_shot: ShotFiles | str | PathLike[str] | None = None,
    **fields: Unpack[WorkKeywords],
) -> RenderReport | ShotFilesReport:
    """Renders a timeline to a video, or each edited shot to a file of its own.

    >>> report = dpe_toolkit.render("cut.otio", "edited.mov", expression=0.8)  # doctest: +SKIP
    >>> report.output, report.edits  # doctest: +SKIP

    What is written appears under its name only when it is whole. A render shot by shot that was stopped goes on where
    it was when it is called again.

    Args:
        timeline: an .otio, .otioz or .otiod file, the .json file of a plan, or a plan.
        output: the video, or a folder for a sequence of images; with ``per_shot`` the timeline that shows the files,
            which then has a name of its own if it is left out.
        frames: only these output frames: ``"48:96"``, ``"2s:4s"``, timecode, or a range.
        shots: only the shots of these names.
        settings: how to encode; by default as the suffix of the output asks for.
        per_shot: the folder for a file of each edited shot, or that and more in a `ShotFiles`.
        fields: see `dpe_toolkit.delivery.choices.WorkKeywords`: fields of the edit, components and their options,
            ``device``, ``cache_dir``, ``progress`` and ``tell``. A plan takes none that it has in it already.

    Raises:
        PlanError: the plan has errors.
        OptionsError: an argument is not accepted, or the output cannot be written as asked.
        DpeError: whatever stops a render, by its place in the tree.
    """
    choices, run, asked = plan_choices(fields), run_choices(fields), settings_of(settings)
    part = Part(frames_text(frames), tuple(shots))
    source = timeline if isinstance(timeline, RenderPlan) else Path(timeline)
    named = None if output is None else Path(output)
    if per_shot is not None:
        wanted = per_shot if isinstance(per_shot, ShotFiles) else ShotFiles(Path(per_shot))
        return write_shot_files(source, named, wanted, choices, part, settings=asked, run=run)
    if named is None:
        raise OptionsError("no output is named", "a file, or per_shot with a folder", "name one")
    return render_part(source, named, choices, part, settings=asked, run=run)


def render_part(
    source: Path | RenderPlan,
    output: Path,
    choices: PlanChoices,
    part: Part,
    *,
    settings: OutputSettings,
    run: RunChoices,
) -> RenderReport:
    """As `render` to one video, with its arguments read."""
    registry, writes = registry_for(source, choices), video_outputs(output, settings)
    made = open_plan(source, choices, part, registry=registry, writes=writes, tell=run.tell)
    return write_video(made, output, registry=registry, settings=settings, run=run)
