"""One video stream of an output: frame arrays in, with the right pixels and tags; packets out."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.container import OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.media.color import HdrInfo, conversion_arguments, same_meaning, tag_encoder, tag_frame
from dpe_toolkit.media.opening import media_fault
from dpe_toolkit.media.pixels import copy_into
from dpe_toolkit.media.settings import CodecName, OutputSettings
from dpe_toolkit.media.write.codecs import ENCODERS, can_encode, encoder_options
from dpe_toolkit.media.write.containers import container_of
from dpe_toolkit.media.write.output_format import check_container, fit_format, lossless_codecs
from dpe_toolkit.media.write.rgb import rgb_frame

__all__ = ["FramePreparer", "VideoEncoder", "VideoSpec"]

_INTERPOLATION = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT

_LIST_CODECS = "choose another codec; 'dpe render --codec list' shows those of this machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSpec:
    """What the video stream of an output is."""

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
        spec: the output's video stream.

    Raises:
        MediaError: the codec is not there, or cannot hold what must be kept.
    """

    def __init__(self, spec: VideoSpec) -> None:
        self._spec, settings, codec = spec, spec.settings, spec.codec
        fitted = fit_format(codec, spec.layout, spec.color, spec.size_px, settings)
        self._layout, self._color = fitted.layout, fitted.color
        if not can_encode(codec):
            wrong = f"{codec} cannot be written on this machine"
            raise MediaError(wrong, "a codec that it has", _LIST_CODECS, path=spec.path)
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
        if encoder.tag and container_of(spec.path, spec.codec).tagged:
            context.codec_tag = encoder.tag
        if context.name != "libx264":
            # Slices bound the memory: frame threads would hold one frame each.
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
        frame = self._converted(batch, row)
        tag_frame(frame, self._color)
        return frame

    def _converted(self, batch: FrameBatch, row: int) -> VideoFrame:
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


class VideoEncoder:
    """Encodes frames in order, the first at time 0.

    Args:
        container: output container, before anything is written to it.
        spec: what is written.

    Raises:
        MediaError: the codec is not there, or cannot hold what must be kept.
    """

    def __init__(self, container: OutputContainer, spec: VideoSpec) -> None:
        self._rate = spec.rate
        self._preparer = FramePreparer(spec)
        library, options = encoder_options(spec.codec, spec.settings, spec.size_px[0])
        if spec.codec == "h265" and spec.hdr is not None and spec.hdr.is_static:
            options["x265-params"] += f":{spec.hdr.x265_parameters()}"
        try:
            stream = container.add_stream(library, rate=spec.rate, options=options)
        except ValueError as error:
            wrong = f"{spec.codec} does not go into this container"
            raise media_fault(error, spec.path, wrong, _LIST_CODECS) from error
        assert isinstance(stream, VideoStream)
        self.stream = stream
        self._preparer.configure(stream.codec_context)
        self._count = 0

    @property
    def written_s(self) -> Fraction:
        """Seconds of frames handed in so far."""
        return self._count / self._rate

    def encode(self, batch: FrameBatch, row: int) -> list[Packet[VideoStream]]:
        """Packets that became ready with this frame.

        Raises:
            MediaError: a frame of another size.
        """
        frame = self._preparer.prepare(batch, row, self._count)
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._count += 1
        return self.stream.encode(frame)

    def finish(self) -> list[Packet[VideoStream]]:
        """The packets still inside the encoder."""
        return self.stream.encode(None)
