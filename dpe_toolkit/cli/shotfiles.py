"""``dpe render --per-shot``: every edited shot as a file of its own, and the timeline that shows them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dpe_toolkit.cli.choices import AmountChoices, PartChoices
from dpe_toolkit.cli.named import as_usage, refuse_output
from dpe_toolkit.cli.naming import file_names
from dpe_toolkit.cli.outputs import RunChoices, ShotFileChoices, WriteChoices
from dpe_toolkit.cli.screen import note
from dpe_toolkit.cli.unfinished import FinishedFiles
from dpe_toolkit.cli.work import make_plan, narrow, output_settings, refuse_faults, shown_progress
from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.core.outputs import Output, expect_outputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dpe_toolkit.media import OutputSettings
    from dpe_toolkit.planning import ShotFile
    from dpe_toolkit.plans.problems import Problem
    from dpe_toolkit.plugins import Registry
    from dpe_toolkit.timeline import EditedMedia, TimelineFormat

__all__ = ["write_shot_files"]

_DEFAULT_SUFFIX = ".mov"


def write_shot_files(
    timeline: Path,
    output: Path | None,
    *,
    amounts: AmountChoices,
    parts: PartChoices,
    write: WriteChoices,
    run: RunChoices,
    shots: ShotFileChoices,
    registry: Registry,
) -> Path:
    """Renders the edited shots one by one, then writes the timeline that shows them, and returns its path.

    Every file appears when it is whole; the timeline comes last, so that it never names a file that is not there. Where
    a render stops, the files that are finished stay, and the same command goes on from there.

    Raises:
        PlanError: the plan has errors.
        OptionsError: something that was asked for cannot be written.
        DpeError: whatever stops a render.
    """
    from dpe_toolkit.planning import plan_shot_files
    from dpe_toolkit.timeline import write_relinked

    folder = shots.per_shot
    assert folder is not None, "asked for"
    _refuse_choices(write)
    kind, target = _timeline_output(timeline, output, shots)
    plan = narrow(make_plan(timeline, amounts, parts, registry=registry), write)
    files, problems = plan_shot_files(plan, shots.handles)
    if write.shot:
        files = [file for file in files if file.name in write.shot]
    refuse_faults(plan.model_copy(update={"problems": (*plan.problems, *problems)}))
    if not files:
        raise OptionsError("no shot is left that is edited", "an edited shot", "see 'dpe plan'", path=timeline)
    paths = _paths(files, folder, shots.template, write)
    _make_folder(folder)
    refuse_output(target, reads=[timeline])
    media = _media_of(files, paths, timeline)
    if kind.adapter:
        _try_format(timeline, media, kind)
    _render(files, paths, _settings(files, paths, write), run=run, registry=registry)
    write_relinked(timeline, target, media, kind=kind)
    FinishedFiles(folder).forget()
    if kind.loses and not run.quiet:
        note(f"{kind.one} does not keep {kind.loses}", label="note")
    if not run.quiet:
        note(f"{target} ({len(files)} edited shots)", label="wrote", style="green")
    return target


def _timeline_output(timeline: Path, output: Path | None, shots: ShotFileChoices) -> tuple[TimelineFormat, Path]:
    """The format and the place of the new timeline."""
    from dpe_toolkit.timeline import FORMATS, expect_adapter, format_of

    suffixes = [one.suffix for one in FORMATS.values()]
    if output is not None and shots.form is None and output.suffix.lower() not in suffixes:
        raise OptionsError(
            "with --per-shot, -o names the timeline",
            f"a name that ends in one of {', '.join(suffixes)}",
            "name it so, or give --format",
            path=output,
        )
    kind = format_of(output or timeline.with_suffix(".otio"), shots.form)
    assert shots.per_shot is not None, "asked for"
    target = output or shots.per_shot / f"{timeline.stem}{kind.suffix}"
    expect_adapter(kind, target)
    return kind, target


def _media_of(files: Sequence[ShotFile], paths: Sequence[Path], timeline: Path) -> list[EditedMedia]:
    from dpe_toolkit.planning import edited_media
    from dpe_toolkit.timeline import read_timeline, walk_clips

    clips = list(walk_clips(read_timeline(timeline).stack))
    return [edited_media(file, path, clips[file.clip_index]) for file, path in zip(files, paths, strict=True)]


def _try_format(timeline: Path, media: Sequence[EditedMedia], kind: TimelineFormat) -> None:
    """Writes the timeline for nobody: what its format cannot hold is to be known before hours of rendering."""
    from dpe_toolkit.timeline import write_relinked

    with tempfile.TemporaryDirectory(prefix="dpe-") as folder:
        write_relinked(timeline, Path(folder) / f"{timeline.stem}{kind.suffix}", media, kind=kind)


def _refuse_choices(write: WriteChoices) -> None:
    given = {"--frames": write.frames is not None, "--pass-through": write.pass_through}
    given |= {f"--codec {write.codec}": write.writes_pictures}
    for name, is_given in given.items():
        if is_given:
            raise OptionsError(
                f"{name} does not go with --per-shot", "whole shots, one video file each", f"leave {name} out"
            )


def _paths(files: Sequence[ShotFile], folder: Path, template: str, write: WriteChoices) -> list[Path]:
    from dpe_toolkit.media import CONTAINERS, codec_suffixes

    if not template.lower().endswith(tuple(CONTAINERS)):
        places = codec_suffixes(write.codec) if write.codec is not None else ()  # type: ignore[arg-type] # checked when typed
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
    return [folder / name for name in file_names(template, values)]


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


def _settings(files: Sequence[ShotFile], paths: Sequence[Path], write: WriteChoices) -> list[OutputSettings]:
    """How each file is encoded; what cannot be written, or not whole, is told before anything is rendered."""
    from dpe_toolkit.rendering.checks import check_output, judge_output

    settings = [output_settings(path, write) for path in paths]
    read = {media.path for file in files for media in file.plan.media()}
    losses: list[Problem] = []
    expect_outputs([Output(path=path) for path in paths], read, error=OptionsError)
    for file, path, asked in zip(files, paths, settings, strict=True):
        with as_usage():
            check_output(file.plan, path, asked)
            losses += judge_output(file.plan, path, asked)
    refuse_faults(files[0].plan.model_copy(update={"problems": tuple(losses)}))
    return settings


def _render(
    files: Sequence[ShotFile],
    paths: Sequence[Path],
    settings: Sequence[OutputSettings],
    *,
    run: RunChoices,
    registry: Registry,
) -> None:
    finished = FinishedFiles(paths[0].parent)
    for number, (file, path, asked) in enumerate(zip(files, paths, settings, strict=True)):
        try:
            kept = _render_file(file, path, asked, finished, run=run, registry=registry)
        except BaseException:
            if number:
                _tell_finished(paths[:number], len(files))
            raise
        if not run.quiet:
            had = f"{len(file.frames)} frames, handles of {file.lead} and {file.tail} frames"
            note(f"{path} ({had})", label="kept, since it was finished" if kept else "wrote", style="green")


def _render_file(
    file: ShotFile, path: Path, asked: OutputSettings, finished: FinishedFiles, *, run: RunChoices, registry: Registry
) -> bool:
    """Renders one file, unless a render that was stopped has finished it: then True."""
    from dpe_toolkit.rendering import edits_path, render_plan

    made_of = (file.plan.digest, asked.model_dump_json(), run.device, repr(run.colour))
    if finished.holds(path, made_of) and edits_path(path).exists():
        return True
    with shown_progress(run) as progress:
        render_plan(
            file.plan,
            path,
            registry=registry,
            device=run.device,
            settings=asked,
            cache_dir=run.cache_folder,
            progress=progress,
            colour=run.colour,
        )
    finished.add(path, made_of)
    return False


def _tell_finished(done: Sequence[Path], total: int) -> None:
    names = ", ".join(path.name for path in done)
    note(
        f"{len(done)} of {total} files are finished and stay: {names}. No timeline names them yet. The same command "
        "keeps them, renders what is missing, and writes the timeline",
        label="note",
    )
