"""Every edited shot as a file of its own, and the timeline that shows them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.core.outputs import Output
from dpe_toolkit.delivery.choices import MOST_HANDLES, Part, PlanChoices, RunChoices
from dpe_toolkit.delivery.events import FileWritten, Remark
from dpe_toolkit.delivery.files import as_usage, refuse_over_plan
from dpe_toolkit.delivery.naming import file_names
from dpe_toolkit.delivery.plan import narrow, open_plan, refuse_faults, registry_for
from dpe_toolkit.delivery.plan_files import PLAN_SUFFIX
from dpe_toolkit.delivery.unfinished import FinishedFiles
from dpe_toolkit.delivery.video import check_settings, render_into
from dpe_toolkit.media import CONTAINERS, SEQUENCES, OutputSettings, codec_suffixes
from dpe_toolkit.planning import ShotFile, edited_media, plan_shot_files
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.rendering import RenderRegistry, edits_path
from dpe_toolkit.rendering.checks import check_output, output_problems, video_outputs
from dpe_toolkit.timeline import (
    FORMATS,
    EditedMedia,
    TimelineFormat,
    expect_adapter,
    format_of,
    read_timeline,
    walk_clips,
    write_relinked,
)

__all__ = ["DeliveredFile", "ShotFiles", "ShotFilesReport", "write_shot_files"]

_DEFAULT_SUFFIX = ".mov"


@dataclass(frozen=True, slots=True)
class ShotFiles:
    """How the files of edited shots are to be."""

    folder: Path
    """Where they are written; it is made where it is not there."""
    handles: int = 0
    """Media frames before and behind each shot, as far as there are any."""
    template: str = "{shot}_{id}"
    """Their names, from ``{shot}``, ``{id}``, ``{source}`` and ``{timeline}``; a suffix chooses the container."""
    form: str | None = None
    """Format of the timeline; None takes that of its suffix."""

    def __post_init__(self) -> None:
        """Refuses handles that are none, as the command does.

        Raises:
            OptionsError: they are below 0 or above `MOST_HANDLES`.
        """
        if not 0 <= self.handles <= MOST_HANDLES:
            raise OptionsError(
                f"handles of {self.handles} frames are not accepted", f"0 to {MOST_HANDLES}", "correct the handles"
            )


@dataclass(frozen=True, slots=True)
class DeliveredFile:
    """One edited shot as media of its own."""

    shot: str
    path: Path
    edits: Path
    """The record of what was edited."""
    num_frames: int
    """Handles included."""
    lead: int
    """Frames of the handle before the shot."""
    tail: int
    """Frames of the handle behind it."""
    kept: bool
    """An earlier call that was stopped had rendered it."""


@dataclass(frozen=True, slots=True)
class ShotFilesReport:
    """The files of all edited shots, and the timeline that shows them."""

    timeline: Path
    files: tuple[DeliveredFile, ...]
    loses: str
    """What the format of the timeline does not keep, in words; empty where it keeps all."""


def write_shot_files(
    timeline: Path | RenderPlan,
    output: Path | None,
    wanted: ShotFiles,
    choices: PlanChoices,
    part: Part,
    *,
    settings: OutputSettings,
    run: RunChoices,
) -> ShotFilesReport:
    """Renders the edited shots one by one, then writes the timeline that shows them.

    Every file appears when it is whole; the timeline comes last, so that it never names a file that is not there. Where
    a render stops, the files that are finished stay, and the same call goes on from there.

    Args:
        timeline: the timeline; no plan, since the clips of the timeline are to show the files.
        output: the new timeline; None puts it into the folder, under the name of the old one.
        wanted: the files.
        choices: of the plan.
        part: the shots that are wanted; frames are refused.
        settings: how the files are encoded.
        run: where the work is done, and who is told.

    Raises:
        PlanError: the plan has errors.
        OptionsError: something that was asked for cannot be written.
        DpeError: whatever stops a render.
    """
    if isinstance(timeline, RenderPlan) or timeline.suffix.lower() == PLAN_SUFFIX:
        raise OptionsError(
            "--per-shot does not go with a plan", "a timeline, whose clips are to show the files", "name the timeline"
        )
    registry = registry_for(timeline, choices)
    _refuse_choices(part, settings)
    kind, target = _timeline_output(timeline, output, wanted)
    whole = open_plan(timeline, choices, registry=registry, tell=run.tell)
    plan = narrow(whole, part, tell=run.tell)
    files, problems = plan_shot_files(plan, wanted.handles)
    if part.shots:
        files = [file for file in files if file.name in part.shots]
    refuse_faults(plan.model_copy(update={"problems": (*plan.problems, *problems)}), tell=run.tell)
    if not files:
        raise OptionsError("no shot is left that is edited", "an edited shot", "see 'dpe plan'", path=timeline)
    paths = _paths(files, wanted, settings)
    _make_folder(wanted.folder)
    written = [output for path in paths for output in video_outputs(path, settings)]
    refuse_over_plan([Output(path=target, name="the new timeline"), *written], timeline, whole)
    media = _media_of(files, paths, timeline)
    if kind.adapter:
        _try_format(timeline, media, kind)
    _check_files(files, paths, settings, run)
    delivered = _render(files, paths, settings, run=run, registry=registry)
    write_relinked(timeline, target, media, kind=kind)
    FinishedFiles(wanted.folder).forget()
    return ShotFilesReport(target, tuple(delivered), kind.loss)


def _timeline_output(timeline: Path, output: Path | None, wanted: ShotFiles) -> tuple[TimelineFormat, Path]:
    """The format and the place of the new timeline."""
    suffixes = [one.suffix for one in FORMATS.values()]
    if output is not None and wanted.form is None and output.suffix.lower() not in suffixes:
        raise OptionsError(
            "with --per-shot, -o names the timeline",
            f"a name that ends in one of {', '.join(suffixes)}",
            "name it so, or give --format",
            path=output,
        )
    kind = format_of(output or timeline.with_suffix(".otio"), wanted.form)
    target = output or wanted.folder / f"{timeline.stem}{kind.suffix}"
    expect_adapter(kind, target)
    return kind, target


def _media_of(files: Sequence[ShotFile], paths: Sequence[Path], timeline: Path) -> list[EditedMedia]:
    clips = list(walk_clips(read_timeline(timeline).stack))
    return [edited_media(file, path, clips[file.clip_index]) for file, path in zip(files, paths, strict=True)]


def _try_format(timeline: Path, media: Sequence[EditedMedia], kind: TimelineFormat) -> None:
    """Writes the timeline for nobody: what its format cannot hold is to be known before hours of rendering."""
    with tempfile.TemporaryDirectory(prefix="dpe-") as folder:
        write_relinked(timeline, Path(folder) / f"{timeline.stem}{kind.suffix}", media, kind=kind)


def _refuse_choices(part: Part, settings: OutputSettings) -> None:
    given = {"--frames": part.frames is not None, "--pass-through": settings.pass_through}
    given |= {f"--codec {settings.codec}": settings.codec in SEQUENCES}
    for name, is_given in given.items():
        if is_given:
            raise OptionsError(
                f"{name} does not go with --per-shot", "whole shots, one video file each", f"leave {name} out"
            )


def _paths(files: Sequence[ShotFile], wanted: ShotFiles, settings: OutputSettings) -> list[Path]:
    template = wanted.template
    if not template.lower().endswith(tuple(CONTAINERS)):
        places = codec_suffixes(settings.codec) if settings.codec is not None else ()
        template += _DEFAULT_SUFFIX if not places or _DEFAULT_SUFFIX in places else places[0]
    values = [
        {
            "shot": file.name,
            "id": "_".join(file.ids),
            "source": file.source.path.stem,
            "timeline": file.plan.timeline,
        }
        for file in files
    ]
    return [wanted.folder / name for name in file_names(template, values)]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OptionsError(
            f"the folder cannot be made: {error.strerror}",
            "a new or an existing folder in one that exists",
            "choose another for --per-shot",
            path=folder,
        ) from error


def _check_files(files: Sequence[ShotFile], paths: Sequence[Path], settings: OutputSettings, run: RunChoices) -> None:
    """Tells what cannot be written, or not whole, before anything is rendered."""
    for path in paths:
        check_settings(path, settings)
    losses: list[Problem] = []
    for file, path in zip(files, paths, strict=True):
        with as_usage():
            check_output(file.plan, path, settings)
            losses += output_problems(file.plan, path, settings)
    refuse_faults(files[0].plan.model_copy(update={"problems": tuple(losses)}), tell=run.tell)


def _render(
    files: Sequence[ShotFile],
    paths: Sequence[Path],
    settings: OutputSettings,
    *,
    run: RunChoices,
    registry: RenderRegistry,
) -> list[DeliveredFile]:
    finished = FinishedFiles(paths[0].parent)
    delivered: list[DeliveredFile] = []
    for file, path in zip(files, paths, strict=True):
        try:
            kept = _render_file(file, path, settings, finished, run=run, registry=registry)
        except BaseException:
            if delivered:
                run.tell(_what_is_finished(delivered, len(files)))
            raise
        num_frames = len(file.frames)
        delivered.append(DeliveredFile(file.name, path, edits_path(path), num_frames, file.lead, file.tail, kept))
        had = f"{num_frames} frames, handles of {file.lead} and {file.tail} frames"
        run.tell(FileWritten(path, had, kept=kept))
    return delivered


def _render_file(
    file: ShotFile,
    path: Path,
    settings: OutputSettings,
    finished: FinishedFiles,
    *,
    run: RunChoices,
    registry: RenderRegistry,
) -> bool:
    """Renders one file, unless a render that was stopped has finished it: then True."""
    made_of = (file.plan.digest, settings.model_dump_json(), run.device, repr(run.colour))
    if finished.holds(path, made_of) and edits_path(path).exists():
        return True
    render_into(file.plan, path, registry=registry, settings=settings, run=run)
    finished.add(path, made_of)
    return False


def _what_is_finished(done: Sequence[DeliveredFile], total: int) -> Remark:
    names = ", ".join(one.path.name for one in done)
    return Remark(
        f"{len(done)} of {total} files are finished and stay: {names}. No timeline names them yet. The same command "
        "keeps them, renders what is missing, and writes the timeline"
    )
