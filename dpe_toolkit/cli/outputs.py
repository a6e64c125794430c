"""Options of what is written, for `expand_options`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from dpe_toolkit.cli.screen import print_table
from dpe_toolkit.core.errors import OptionsError, nearest_names
from dpe_toolkit.delivery.choices import Part

__all__ = [
    "AudioTracks",
    "Chroma",
    "OptionalOutput",
    "OutputOption",
    "Preset",
    "WriteChoices",
]

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"]
AudioTracks = Literal["mix", "separate"]
Chroma = Literal["420", "422", "444"]

_OUTPUT = "Output"
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
    from dpe_toolkit.delivery.video import usable_codecs

    codecs = {codec.name: codec for codec in usable_codecs()}
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
    def part(self) -> Part:
        """The part of the timeline that is wanted."""
        return Part(self.frames, tuple(self.shot or ()))

    @property
    def settings(self) -> dict[str, object]:
        """Field of `dpe_toolkit.media.OutputSettings` to value, for what was typed."""
        given: dict[str, object] = {name: getattr(self, name) for name in _FIELDS}
        given["depth"] = None if self.depth is None else int(self.depth)
        given |= {name: getattr(self, name) or None for name in ("strict_colour", "pass_through")}
        return {name: value for name, value in given.items() if value is not None}
