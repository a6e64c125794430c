"""Frames made ready for an encoder: the right pixels, the right tags."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.media.color import conversion_arguments, same_meaning, tag_encoder, tag_frame
from dpe_toolkit.media.encoders import ENCODERS, can_encode
from dpe_toolkit.media.hdr import HdrInfo
from dpe_toolkit.media.keeping import check_container, fit_picture, lossless_codecs
from dpe_toolkit.media.layouts import copy_into
from dpe_toolkit.media.rgb import rgb_frame
from dpe_toolkit.media.settings import CodecName, OutputSettings

__all__ = ["LIST_CODECS", "FramePreparer", "PictureSpec"]

_INTERPOLATION = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT

LIST_CODECS = "choose another codec; 'dpe render --codec list' shows those of this machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSpec:
    """What the picture stream of an output is."""

    path: Path
    """The output, for messages."""
    codec: CodecName
    settings: OutputSettings
    size_px: tuple[int, int]
    """(width, height) stored."""
    rate: Fraction
    """Frames a second."""
    layout: PixelLayout
    """Planes of the frames to come."""
    color: ColorInfo
    """Their tags."""
    sample_aspect: Fraction = Fraction(1)
    """Width of a pixel over its height."""
    hdr: HdrInfo | None = None
    """HDR metadata, which H.265 holds."""


class FramePreparer:
    """Turns rows of batches into frames that the encoder takes.

    Args:
        spec: the output's picture.

    Raises:
        MediaError: the codec is not there, or cannot hold what must be kept.
    """

    def __init__(self, spec: PictureSpec) -> None:
        self._spec, settings, codec = spec, spec.settings, spec.codec
        fitted = fit_picture(codec, spec.layout, spec.color, spec.size_px, settings)
        self._layout, self._color = fitted.layout, fitted.color
        if not can_encode(codec):
            wrong = f"{codec} cannot be written on this machine"
            raise MediaError(wrong, "a codec that it has", LIST_CODECS, path=spec.path)
        if fitted.losses and settings.strict_colour:
            keep = " or ".join(lossless_codecs(spec.layout, spec.color, spec.size_px, settings))
            raise MediaError(
                f"{codec} cannot hold what the source has: {', '.join(fitted.losses)}",
                "an output that keeps the source's pixels and colour",
                f"choose {keep}, or leave out strict colour",
                path=spec.path,
            )
        check_container(spec.path, codec, spec.sample_aspect)
        self._format = ENCODERS[codec].encoded_as.get(self._layout.name, self._layout.name)
        self._reformatter = VideoReformatter()

    def configure(self, context: VideoCodecContext) -> None:
        """Size, format, rate, threads and tags of an encoder that is not open yet."""
        spec, encoder = self._spec, ENCODERS[self._spec.codec]
        context.width, context.height = spec.size_px
        context.pix_fmt = self._format
        context.time_base = 1 / spec.rate
        context.thread_count = spec.settings.threads
        if spec.sample_aspect != 1:
            context.sample_aspect_ratio = spec.sample_aspect
        if encoder.tag and spec.path.suffix.lower() != ".mkv":
            context.codec_tag = encoder.tag
        if context.name != "libx264":
            # Slices bound the memory: frame threads would hold one picture each.
            context.thread_type = "SLICE"
        tag_encoder(context, self._color)

    def prepare(self, batch: FrameBatch, row: int, number: int) -> VideoFrame:
        """One frame for the encoder, without a time.

        Args:
            batch: frames.
            row: row of the batch.
            number: of the frame in the output, for messages.

        Raises:
            MediaError: a frame of another size.
        """
        if batch.stored_size_px != self._spec.size_px:
            raise MediaError(
                f"A frame of {batch.stored_size_px[0]}x{batch.stored_size_px[1]} is to be written",
                f"{self._spec.size_px[0]}x{self._spec.size_px[1]} as the first",
                "give all shots one size",
                path=self._spec.path,
                frame=number,
            )
        frame = self._picture(batch, row)
        tag_frame(frame, self._color)
        return frame

    def _picture(self, batch: FrameBatch, row: int) -> VideoFrame:
        frame = VideoFrame(*self._spec.size_px, batch.layout.name)
        copy_into(batch.planes, row, frame)
        tag_frame(frame, batch.color)
        if batch.layout.name == self._format and same_meaning(batch.color, self._color, self._layout):
            return frame
        if self._layout.family != "yuv":
            return self._moved(rgb_frame(batch.take(slice(row, row + 1)), self._layout))
        height = self._spec.size_px[1]
        moved = conversion_arguments((batch.color, batch.layout), (self._color, self._layout), height)
        return self._reformatter.reformat(frame, format=self._format, interpolation=_INTERPOLATION, threads=1, **moved)

    def _moved(self, frame: VideoFrame) -> VideoFrame:
        """The same values in the format that the encoder takes."""
        tag_frame(frame, self._color)
        if frame.format.name == self._format:
            return frame
        return self._reformatter.reformat(frame, format=self._format, interpolation=Interpolation.POINT, threads=1)
