"""Options of what is written and of where the work is done, for `expand_options`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dpe_toolkit.cli.folders import user_cache_dir
from dpe_toolkit.cli.screen import print_table
from dpe_toolkit.core.errors import OptionsError, nearest_names

if TYPE_CHECKING:
    from dpe_toolkit.rendering import ColourChoice

__all__ = [
    "AudioTracks",
    "Chroma",
    "OptionalOutput",
    "OutputOption",
    "Preset",
    "RunChoices",
    "ShotFileChoices",
    "WriteChoices",
]

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"]
AudioTracks = Literal["mix", "separate"]
Chroma = Literal["420", "422", "444"]

_WHERE = "Where it runs"
_OUTPUT = "Output"
_SHOTS = "Shot by shot"
_COLOUR = "Colour"
_LIST = "list"
_FIELDS = ("codec", "crf", "preset", "chroma", "audio_tracks")

OutputOption = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="Video to write, or folder for an image sequence.")
]

OptionalOutput = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Video to write, or folder for an image sequence."),
]


def _list_codecs(asked: str | None) -> str | None:
    """Prints the codecs and leaves where ``list`` is asked for; refuses what is none."""
    if asked is None:
        return None
    from dpe_toolkit.media import written_codecs

    codecs = {codec.name: codec for codec in written_codecs() if codec.available}
    if asked == _LIST:
        rows = [(codec.name, codec.title, " ".join(codec.containers), codec.pixels) for codec in codecs.values()]
        print_table(("codec", "what it is", "written to", "pixels"), rows)
        raise typer.Exit
    if asked not in codecs:
        raise OptionsError(
            f"no codec {asked!r} can be written on this machine",
            nearest_names(asked, codecs),
            "see 'dpe render --codec list'",
        )
    return asked


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChoices:
    """Where and how the work is done."""

    device: Annotated[
        str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=_WHERE)
    ] = "auto"
    cache_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="DPE_CACHE_DIR",
            metavar="FOLDER",
            help="Where analysis results are kept, for the next render; by default the user's cache folder.",
            rich_help_panel=_WHERE,
        ),
    ] = None
    ocio: Annotated[
        str | None,
        typer.Option(
            metavar="CONFIG",
            help="OpenColorIO config, a file or ocio://NAME: faces are found and drawn in its --ocio-working space. "
            "Without it they see the encoded values as they are. What is not edited stays as it is either way.",
            rich_help_panel=_COLOUR,
        ),
    ] = None
    ocio_source: Annotated[
        str | None,
        typer.Option(
            metavar="SPACE",
            help="Colour space of the footage; by default what the config's rules say of its file name.",
            rich_help_panel=_COLOUR,
        ),
    ] = None
    ocio_working: Annotated[
        str | None,
        typer.Option(
            metavar="SPACE",
            help="Colour space or role that faces are shown in; by default the config's role color_picking.",
            rich_help_panel=_COLOUR,
        ),
    ] = None
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no summary.", rich_help_panel=_WHERE)
    ] = False

    @property
    def cache_folder(self) -> Path:
        """The folder asked for, else the user's."""
        return self.cache_dir or user_cache_dir()

    @property
    def colour(self) -> ColourChoice | None:
        """How colours are shown to analysis and networks, None for the encoded values.

        Raises:
            OptionsError: a colour space without a config.
        """
        if self.ocio is None:
            if self.ocio_source is not None or self.ocio_working is not None:
                raise OptionsError("a colour space is named without a config", "--ocio CONFIG", "add it")
            return None
        from dpe_toolkit.rendering import ColourChoice

        return ColourChoice(self.ocio, self.ocio_source, self.ocio_working)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteChoices:
    """What is written, and how."""

    shot: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this shot; may be given again.", rich_help_panel=_OUTPUT),
    ] = None
    frames: Annotated[
        str | None,
        typer.Option(
            metavar="A:B",
            help="Only the output frames from A up to B, B left out: frames (48:96), seconds (2s:4s) or timecode.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    codec: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|list",
            help="Codec; by default what the suffix of the output asks for. 'list' shows those of this machine and "
            "leaves. png, tiff and exr write numbered images into a folder.",
            callback=_list_codecs,
            is_eager=True,
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    crf: Annotated[
        int | None,
        typer.Option(
            min=0, max=51, metavar="0-51", help="H.264 and H.265 quality: lower is better.", rich_help_panel=_OUTPUT
        ),
    ] = None
    preset: Annotated[
        Preset | None,
        typer.Option(help="H.264 and H.265 effort: slower ones give smaller files.", rich_help_panel=_OUTPUT),
    ] = None
    audio_tracks: Annotated[
        AudioTracks | None,
        typer.Option(
            help="The timeline's sound tracks: mixed into one, or each an audio stream of its own.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    pass_through: Annotated[
        bool,
        typer.Option(
            "--pass-through",
            help="Smart render: copy ranges of frames that nothing changes as they are stored, where codec and pixels "
            "are those of the output. Fast, and without a generation of loss.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False
    depth: Annotated[
        Literal["8", "10", "12", "16"] | None,
        typer.Option(help="Bits a value; by default the source's.", rich_help_panel=_COLOUR),
    ] = None
    chroma: Annotated[
        Chroma | None,
        typer.Option(
            help="Resolution of colour, 420 being a quarter; by default the source's.", rich_help_panel=_COLOUR
        ),
    ] = None
    strict_colour: Annotated[
        bool,
        typer.Option(
            "--strict-colour",
            help="Refuse, instead of warning, an output that cannot hold the source's depth, colour resolution, "
            "range, tags or transparency.",
            rich_help_panel=_COLOUR,
        ),
    ] = False

    @property
    def writes_pictures(self) -> bool:
        """Whether the output is a folder of pictures."""
        return self.codec in ("png", "tiff", "exr")

    @property
    def settings(self) -> dict[str, object]:
        """Field of `dpe_toolkit.media.OutputSettings` to value, for what was typed."""
        given: dict[str, object] = {name: getattr(self, name) for name in _FIELDS}
        given["depth"] = None if self.depth is None else int(self.depth)
        given |= {name: getattr(self, name) or None for name in ("strict_colour", "pass_through")}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotFileChoices:
    """Each edited shot as a file of its own."""

    per_shot: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write each edited shot as a file of its own into this folder, at its media's rate and size, and a "
            "timeline that shows these files; -o names the timeline.",
            rich_help_panel=_SHOTS,
        ),
    ] = None
    handles: Annotated[
        int,
        typer.Option(
            min=0,
            max=1000,
            metavar="FRAMES",
            help="With --per-shot: media frames before and behind each shot, as far as there are any.",
            rich_help_panel=_SHOTS,
        ),
    ] = 0
    template: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="With --per-shot: names of the files, from {shot}, {id}, {source} and {timeline}. Its suffix, .mov "
            "unless it has one, and --codec choose the codec.",
            rich_help_panel=_SHOTS,
        ),
    ] = "{shot}_{id}"
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="With --per-shot: format of the timeline, otio, fcp7, edl, fcpx, kdenlive or aaf; by default what the "
            "suffix of -o says. What the format loses is said.",
            rich_help_panel=_SHOTS,
        ),
    ] = None
