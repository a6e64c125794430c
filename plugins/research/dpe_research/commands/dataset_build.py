"""``dpe dataset build``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dpe_toolkit.api import DatasetError, OptionsError
from dpe_toolkit.api.commands import counted_frames, help_text, note, print_table

if TYPE_CHECKING:
    from dpe_research.dataset.entries import ListEntry, VideoShelf
    from dpe_research.dataset.report import BuildReport
    from dpe_research.dataset.settings import BuildSettings

__all__ = ["HELP", "ClipChoices", "run"]

HELP = help_text(
    "Find, track and crop talking heads into a dataset for training.",
    "Each clip is cut with one fixed box in which the head moves freely. Footage is split at scene cuts and where the "
    "face is lost; what cannot be used is left out, and the report says why. Stop it at any time: the same command "
    "goes on where it stopped, and more videos may be added later.",
    "Only use footage of people who agreed to it.",
    examples=(
        "dpe dataset build footage/ -o faces",
        "dpe dataset build a.mp4 b.mov -o faces --jobs 4 --split test=0.2",
        "dpe dataset build videos/ -o vox --list vox-metadata.csv",
    ),
)
_KEPT = "What is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipChoices:
    """Which clips are kept; what is not given is as `dpe_research.dataset.settings` says."""

    size: Annotated[
        int | None, typer.Option(metavar="PX", help="Side of the pictures; 256.", rich_help_panel=_KEPT)
    ] = None
    margin: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Room around the face on each side; 0.3 of it.", rich_help_panel=_KEPT),
    ] = None
    min_face: Annotated[
        int | None, typer.Option(metavar="PX", help="Smallest face, longer side; 128.", rich_help_panel=_KEPT)
    ] = None
    min_frames: Annotated[int | None, typer.Option(metavar="N", help="Shortest clip; 48.", rich_help_panel=_KEPT)] = (
        None
    )
    max_frames: Annotated[
        int | None, typer.Option(metavar="N", help="Longest clip, longer ones are split; 1024.", rich_help_panel=_KEPT)
    ] = None
    max_yaw: Annotated[
        float | None, typer.Option(metavar="DEG", help="Largest turn to a side; 60.", rich_help_panel=_KEPT)
    ] = None
    max_pitch: Annotated[float | None, typer.Option(metavar="DEG", help="Largest nod; 40.", rich_help_panel=_KEPT)] = (
        None
    )
    max_travel: Annotated[
        float | None,
        typer.Option(metavar="FACES", help="Area a head may roam before a new clip; 1.8.", rich_help_panel=_KEPT),
    ] = None
    max_blur: Annotated[
        float | None, typer.Option(metavar="B", help="Largest blur, 0 sharp to 1 flat; 0.65.", rich_help_panel=_KEPT)
    ] = None

    @property
    def given(self) -> dict[str, object]:
        """Fields of the settings that were typed."""
        named = {
            "size_px": self.size,
            "margin": self.margin,
            "min_face_px": self.min_face,
            "min_frames": self.min_frames,
            "max_frames": self.max_frames,
            "max_yaw_deg": self.max_yaw,
            "max_pitch_deg": self.max_pitch,
            "max_travel": self.max_travel,
            "max_blur": self.max_blur,
        }
        return {name: value for name, value in named.items() if value is not None}


def run(
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEOS...", help="Videos, and folders with videos.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the dataset.")],
    clip_list: Annotated[
        Path | None,
        typer.Option("--list", metavar="LIST", help="Clips to take: a CSV table, VoxCeleb's texts, or HDTF's times."),
    ] = None,
    identity_from: Annotated[
        Literal["name", "folder", "list"] | None,
        typer.Option(help="Who a video shows: by its name (default), its folder, or the list (default with --list)."),
    ] = None,
    split: Annotated[
        str, typer.Option(metavar="test=SHARE", help="Share of identities held out, chosen by their names.")
    ] = "test=0.1",
    jobs: Annotated[int, typer.Option(min=1, max=256, metavar="N", help="Processes.")] = 1,
    detector: Annotated[str, typer.Option(metavar="NAME", help="Who finds faces.")] = "face_mesh",
    regressor: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who reads pose; by default it is that of the tracked mesh.")
    ] = None,
    pictures: Annotated[Literal["jpg", "png"], typer.Option(help="How pictures are stored.")] = "jpg",
    shard_mb: Annotated[int, typer.Option(min=1, metavar="MB", help="About how large a shard is.")] = 256,
    clips: ClipChoices,
) -> None:
    """Builds, and says for each video what was kept."""
    from dpe_research.dataset.building import build_dataset
    from dpe_research.dataset.entries import VideoShelf, find_videos
    from dpe_research.dataset.stretches import plan_stretches
    from dpe_toolkit.api.commands import allowed_registry

    registry = allowed_registry()
    parts = {"detector": registry.choose("detector", detector)}
    parts |= {"regressor": registry.choose("regressor", regressor)} if regressor else {}
    stored = {"pictures": pictures, "shard_bytes": shard_mb * 2**20, "test_share": _test_share(split)}
    settings = _settings({**clips.given, **stored, **parts})
    shelf = VideoShelf(find_videos(videos))
    entries = _entries(shelf, clip_list, identity_from)
    stretches, refused = plan_stretches(
        entries, shelf, stretch_frames=settings.stretch_frames, test_share=settings.test_share
    )
    if not stretches:
        raise _nothing_usable(len(entries), [one.dropped[0].detail for one in refused], output)
    total = sum(len(stretch.span) for stretch in stretches)
    with counted_frames("find and crop", total) as advanced, _say_when_stopped(output):
        report = build_dataset(stretches, refused, output, settings, maker=registry, jobs=jobs, advanced=advanced)
    _print_report(report, output)


def _settings(values: dict[str, object]) -> BuildSettings:
    from pydantic import ValidationError

    from dpe_research.dataset.settings import BuildSettings

    try:
        settings = BuildSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "the settings"
        raise OptionsError(f"{name} = {first['input']!r} is not accepted", first["msg"], "correct the value") from error
    if settings.min_frames > settings.max_frames:
        bounds = f"--min-frames {settings.min_frames} is more than --max-frames {settings.max_frames}"
        raise OptionsError(
            f"{bounds}: no clip can be kept", "a longest clip at least as long as the shortest", "correct one of them"
        )
    return settings


def _test_share(text: str) -> float:
    name, _, value = text.partition("=")
    try:
        share = float(value)
        if name.strip() != "test" or not 0 <= share <= 1:
            raise ValueError(text)
    except ValueError as error:
        raise OptionsError(
            f"--split {text} is no split", "test= and a share from 0 to 1, such as test=0.1", "correct it"
        ) from error
    return share


def _entries(shelf: VideoShelf, clip_list: Path | None, identity_from: str | None) -> list[ListEntry]:
    from dpe_research.dataset.lists import read_list
    from dpe_research.dataset.stretches import whole_videos

    if clip_list is None:
        if identity_from == "list":
            raise OptionsError("--identity-from list is given without a list", "--list LIST", "name the list")
        return whole_videos(shelf.paths, by_folder=identity_from == "folder")
    entries = read_list(clip_list)
    if identity_from in (None, "list"):
        return entries
    named = []
    for entry in entries:
        path = shelf.find(entry.video)
        folder = path.resolve().parent.name if path is not None else ""
        named.append(
            replace(entry, identity=folder if identity_from == "folder" and folder else Path(entry.video).stem)
        )
    return named


def _nothing_usable(count: int, details: list[str], output: Path) -> DatasetError:
    return DatasetError(
        f"none of the {count} clips asked for can be looked at ({details[0] if details else 'they have no frames'})",
        "videos that can be read, with the names that the list gives",
        "name the folder that holds the videos, or correct the list",
        path=output,
    )


@contextmanager
def _say_when_stopped(output: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as interrupt:
        note(f"stopped; the same command goes on in {output}", label="interrupted", style="yellow")
        raise typer.Exit(1) from interrupt


def _print_report(report: BuildReport, folder: Path) -> None:
    from dpe_research.dataset.index import read_index
    from dpe_research.dataset.report import report_path, report_rows

    index = read_index(folder)
    print_table(("video", "frames", "kept", "dropped (frames)"), report_rows(report, index))
    frames = sum(clip.num_frames for clip in index.clips)
    identities = len({clip.identity for clip in index.clips})
    if not index.clips:
        note("no clip was kept; the table says why", label="warning", style="yellow")
    note(f"{folder} ({len(index.clips)} clips, {frames} frames, {identities} identities)", label="wrote", style="green")
    note(str(report_path(folder)), label="wrote", style="green")
