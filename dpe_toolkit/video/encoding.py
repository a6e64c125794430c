"""One picture stream of an output: frame arrays in, packets out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from dpe_toolkit.errors import MediaError
from dpe_toolkit.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.video.color import conversion_arguments, same_meaning, tag_encoder, tag_frame
from dpe_toolkit.video.encoders import ENCODERS, can_encode, encoder_options
from dpe_toolkit.video.keeping import check_container, fit_picture, lossless_codecs
from dpe_toolkit.video.layouts import copy_into
from dpe_toolkit.video.opening import media_fault
from dpe_toolkit.video.rgb import rgb_frame
from dpe_toolkit.video.settings import CodecName, OutputSettings

__all__ = ["PictureEncoder"]

_INTERPOLATION = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT

_LIST = "choose another codec; 'dpe render --codec list' shows those of this machine"


class PictureEncoder:
    """Encodes frames in order, the first at time 0.

    Args:
        container: output container, before anything is written to it.
        path: the output's name, for messages.
        codec: what to encode with.
        settings: quality and threads.
        size_px: (width, height).
        rate: frames a second.
        layout: planes of the frames to come.
        color: their tags.
        sample_aspect: width of a pixel over its height.

    Raises:
        MediaError: the codec is not there, or cannot hold what must be kept.
    """

    def __init__(
        self,
        container: OutputContainer,
        path: Path,
        *,
        codec: CodecName,
        settings: OutputSettings,
        size_px: tuple[int, int],
        rate: Fraction,
        layout: PixelLayout,
        color: ColorInfo,
        sample_aspect: Fraction = Fraction(1),
    ) -> None:
        self._path, self._size, self._rate = path, size_px, rate
        self._codec, self._aspect = ENCODERS[codec], sample_aspect
        fitted = fit_picture(codec, layout, color, size_px, settings)
        self._layout, self._color = fitted.layout, fitted.color
        if not can_encode(codec):
            raise MediaError(f"{codec} cannot be written on this machine", "a codec that it has", _LIST, path=path)
        if fitted.losses and settings.strict_colour:
            raise MediaError(
                f"{codec} cannot hold what the source has: {', '.join(fitted.losses)}",
                "an output that keeps the source's pixels and colour",
                f"choose {' or '.join(lossless_codecs(layout, color, size_px, settings))}, or leave out strict colour",
                path=path,
            )
        check_container(path, codec, sample_aspect)
        self._format = self._codec.encoded_as.get(self._layout.name, self._layout.name)
        library, options = encoder_options(codec, settings, size_px[0])
        try:
            stream = container.add_stream(library, rate=rate, options=options)
        except ValueError as error:
            raise media_fault(error, path, f"{codec} does not go into this container", _LIST) from error
        assert isinstance(stream, VideoStream)
        self.stream = stream
        self._configure(settings.threads)
        self._reformatter = VideoReformatter()
        self._count = 0

    def _configure(self, threads: int) -> None:
        context = self.stream.codec_context
        context.width, context.height = self._size
        context.pix_fmt = self._format
        context.time_base = 1 / self._rate
        context.thread_count = threads
        if self._aspect != 1:
            context.sample_aspect_ratio = self._aspect
        if self._codec.tag and self._path.suffix.lower() != ".mkv":
            context.codec_tag = self._codec.tag
        if context.name != "libx264":
            # Slices bound the memory: frame threads would hold one picture each.
            context.thread_type = "SLICE"
        tag_encoder(context, self._color)

    @property
    def written_s(self) -> Fraction:
        """Seconds of picture handed in so far."""
        return self._count / self._rate

    def encode(self, batch: FrameBatch, row: int) -> list[Packet[VideoStream]]:
        """Packets that became ready with this frame.

        Raises:
            MediaError: a frame of another size.
        """
        if batch.stored_size_px != self._size:
            raise MediaError(
                f"A frame of {batch.stored_size_px[0]}x{batch.stored_size_px[1]} is to be written",
                f"{self._size[0]}x{self._size[1]} as the first",
                "give all shots one size",
                path=self._path,
                frame=self._count,
            )
        frame = self._picture(batch, row)
        tag_frame(frame, self._color)
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._count += 1
        return self.stream.encode(frame)

    def finish(self) -> list[Packet[VideoStream]]:
        """The packets still inside the encoder."""
        return self.stream.encode(None)

    def _picture(self, batch: FrameBatch, row: int) -> VideoFrame:
        frame = VideoFrame(*self._size, batch.layout.name)
        copy_into(batch.planes, row, frame)
        tag_frame(frame, batch.color)
        if batch.layout.name == self._format and same_meaning(batch.color, self._color, self._layout):
            return frame
        if self._layout.family != "yuv":
            return self._moved(rgb_frame(batch.take(slice(row, row + 1)), self._layout))
        height = self._size[1]
        moved = conversion_arguments((batch.color, batch.layout), (self._color, self._layout), height)
        return self._reformatter.reformat(frame, format=self._format, interpolation=_INTERPOLATION, threads=1, **moved)

    def _moved(self, frame: VideoFrame) -> VideoFrame:
        """The same values in the format that the encoder takes."""
        tag_frame(frame, self._color)
        if frame.format.name == self._format:
            return frame
        return self._reformatter.reformat(frame, format=self._format, interpolation=Interpolation.POINT, threads=1)
