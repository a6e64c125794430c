"""The output format: which pixels an output is written in, and what of the source that gives up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import ColorInfo, PixelLayout
from dpe_toolkit.media.color import as_rgb, as_video, color_name, is_ordinary, resolve_range
from dpe_toolkit.media.settings import SEQUENCES, CodecName, OutputSettings
from dpe_toolkit.media.write.codecs import ENCODERS, Encoder, formats_of
from dpe_toolkit.media.write.containers import container_of

__all__ = ["OutputFormat", "check_container", "fit_format", "lossless_codecs", "unmet_wishes", "wanted_layout"]

_SHIFTS = {"420": (1, 1), "422": (1, 0), "444": (0, 0)}
_NAMES = {(1, 1): "4:2:0", (1, 0): "4:2:2", (0, 0): "4:4:4", (0, 1): "4:4:0"}
_FULL, _LIMITED = 2, 1
_HALF_FLOAT_BITS = 11
_BT709 = 1
_LINEAR, _FLOAT_DEPTH = 8, 32
_OFFERED: tuple[CodecName, ...] = ("h265", "prores4444", "ffv1", "tiff")


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """What an output is written in."""

    layout: PixelLayout
    color: ColorInfo
    losses: tuple[str, ...]
    """What the source has and the output has not, in words; what was asked for is no loss."""


def fit_format(
    codec: CodecName, layout: PixelLayout, color: ColorInfo, size_px: tuple[int, int], settings: OutputSettings
) -> OutputFormat:
    """The codec's pixel format that keeps the most of a source, and its tags.

    Sizes that a codec cannot hold with subsampled colour get colour at full resolution rather than losing a row.
    RGB becomes 4:2:0 in codecs made for players, which every player shows.

    Args:
        codec: what is written.
        layout: planes of the source.
        color: its tags.
        size_px: (width, height) stored.
        settings: depth and chroma that were asked for.
    """
    encoder = ENCODERS[codec]
    wanted = wanted_layout(layout, settings)
    aim = (
        replace(wanted, family="yuv", chroma_shift=_SHIFTS[settings.chroma or "420"])
        if _shrinks(encoder, wanted)
        else wanted
    )
    held = min(_possible(codec, size_px), key=lambda one: _cost(aim, one))
    tags = color
    if held.family != layout.family:
        tags = as_rgb(color) if held.family == "rgb" else as_video(color, layout) if held.family == "yuv" else color
    if held.depth == _FLOAT_DEPTH and is_ordinary(color):
        tags = replace(tags, transfer=_LINEAR)
    if encoder.limited_only:
        tags = replace(tags, range=_LIMITED)
    losses = [*_losses(wanted, held), *_tag_losses(codec, resolve_range(color, layout), tags, held)]
    if held.depth == _FLOAT_DEPTH and not (is_ordinary(color) or color.transfer == _LINEAR):
        losses.append(f"the curve of {color_name(color)} stays on values that readers take for linear light")
    return OutputFormat(held, tags, tuple(losses))


def check_container(path: Path, codec: CodecName, sample_aspect: Fraction) -> None:
    """Refuses an output that could not say which shape its pixels have.

    Raises:
        MediaError: with what to write instead.
    """
    suffix = "" if codec in SEQUENCES else path.suffix.lower()
    if sample_aspect != 1 and codec in container_of(path, codec).shapeless:
        raise MediaError(
            f"{codec} in {f'a {suffix} file' if suffix else 'a folder'} cannot say that pixels have the shape "
            f"{sample_aspect}",
            "a container that can",
            "write FFV1 to an .mp4, or choose another codec",
            path=path,
        )


def wanted_layout(layout: PixelLayout, settings: OutputSettings) -> PixelLayout:
    """The source's layout, less what was asked to be given up; its name is then only a label."""
    depth = min(settings.depth or layout.depth, layout.depth)
    shift = layout.chroma_shift
    if settings.chroma is not None and layout.family == "yuv":
        asked = _SHIFTS[settings.chroma]
        shift = (max(shift[0], asked[0]), max(shift[1], asked[1]))
    return replace(layout, depth=depth, chroma_shift=shift)


def unmet_wishes(layout: PixelLayout, held: PixelLayout, settings: OutputSettings) -> tuple[str, ...]:
    """What was asked for and is not written because the source has less, in words: nothing is made up."""
    found = []
    if settings.depth is not None and held.depth < settings.depth and layout.depth < settings.depth:
        found.append(f"{settings.depth} bits a value are asked for, and {held.depth} are written")
    if settings.chroma is not None and layout.family == held.family == "yuv":
        finer = [ours < theirs for ours, theirs in zip(_SHIFTS[settings.chroma], held.chroma_shift, strict=True)]
        if any(finer) and all(one >= two for one, two in zip(layout.chroma_shift, held.chroma_shift, strict=True)):
            found.append(
                f"colour at {_NAMES[_SHIFTS[settings.chroma]]} is asked for, and {_NAMES[held.chroma_shift]} written"
            )
    return tuple(found)


def lossless_codecs(
    layout: PixelLayout, color: ColorInfo, size_px: tuple[int, int], settings: OutputSettings
) -> tuple[CodecName, ...]:
    """Codecs that hold all that the source has."""
    return tuple(name for name in _OFFERED if not fit_format(name, layout, color, size_px, settings).losses)


def _shrinks(encoder: Encoder, wanted: PixelLayout) -> bool:
    return encoder.broadcast and wanted.family != "yuv"


def _possible(codec: CodecName, size_px: tuple[int, int]) -> list[PixelLayout]:
    formats = formats_of(codec)
    if not ENCODERS[codec].even_only:
        return list(formats)
    return [
        one
        for one in formats
        if not (one.chroma_shift[0] and size_px[0] % 2) and not (one.chroma_shift[1] and size_px[1] % 2)
    ]


def _cost(wanted: PixelLayout, held: PixelLayout) -> tuple[int, ...]:
    """Smaller is better: first what is lost, then what is added for nothing."""
    grey = held.family == "gray" and wanted.family != "gray"
    steps = [theirs - ours for theirs, ours in zip(held.chroma_shift, wanted.chroma_shift, strict=True)]
    lost = sum(step for step in steps if step > 0) if wanted.family != "gray" else 0
    return (
        int(wanted.alpha and not held.alpha),
        int(grey),
        lost,
        max(0, wanted.depth - held.depth),
        int(wanted.family != held.family),
        max(0, held.depth - wanted.depth),
        sum(-step for step in steps if step < 0) * (-1 if wanted.family == "gray" else 1),
        int(held.alpha and not wanted.alpha),
    )


def _losses(wanted: PixelLayout, held: PixelLayout) -> list[str]:
    found = []
    if wanted.alpha and not held.alpha:
        found.append("transparency is dropped")
    if held.depth < wanted.depth:
        found.append(f"{wanted.depth} bits a value become {held.depth}")
    if wanted.family == "rgb" and held.family == "yuv":
        found.append(f"RGB becomes {_NAMES[held.chroma_shift]} YCbCr")
    elif wanted.family == "yuv" and held.family == "rgb":
        found.append("YCbCr becomes RGB, which rounds values")
    elif wanted.family == "yuv" and any(
        ours > theirs for ours, theirs in zip(held.chroma_shift, wanted.chroma_shift, strict=True)
    ):
        found.append(f"colour at {_NAMES[wanted.chroma_shift]} becomes {_NAMES[held.chroma_shift]}")
    if held.name.endswith("f32le") and wanted.depth > _HALF_FLOAT_BITS:
        found.append(f"{wanted.depth} bits a value become half floats, which have {_HALF_FLOAT_BITS}")
    return found


def _tag_losses(codec: CodecName, had_range: int, tags: ColorInfo, held: PixelLayout) -> list[str]:
    found = []
    if held.family == "yuv" and had_range == _FULL and tags.range == _LIMITED and ENCODERS[codec].limited_only:
        found.append("full range becomes limited")
    if codec.startswith("dnxhr") and tags.matrix not in (0, 2, _BT709):
        found.append("the DNxHR stream itself says BT.709, and only its MOV file says which matrix is meant")
    return found
