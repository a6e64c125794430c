"""One picture stream of an output: frame arrays in, packets out."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from dpe_toolkit.errors import MediaError
from dpe_toolkit.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.video.color import as_video, conversion_arguments, same_meaning, tag_encoder, tag_frame
from dpe_toolkit.video.layouts import copy_into, layout_of
from dpe_toolkit.video.settings import CodecName, OutputSettings, encoder_format

__all__ = ["PictureEncoder"]

_INTERPOLATION = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


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

    Raises:
        MediaError: the codec has no such pixel format.
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
    ) -> None:
        self._path, self._size, self._rate = path, size_px, rate
        self._format = encoder_format(codec, layout, *size_px)
        encoder, options = _encoder_options(codec, settings, size_px)
        known = [form.name for form in av.Codec(encoder, "w").video_formats or ()]
        if self._format not in known:
            raise MediaError(
                f"{codec} cannot hold {self._format} here",
                f"one of {', '.join(known)}",
                "choose another codec",
                path=path,
            )
        self._layout = layout_of(self._format)
        self._color = as_video(color, layout) if self._layout.family != layout.family else color
        if codec == "prores":
            # ProRes has no full range: players take every file as limited.
            self._color = replace(self._color, range=1)
        stream = container.add_stream(encoder, rate=rate, options=options)
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
        if batch.size_px != self._size:
            raise MediaError(
                f"A frame of {batch.size_px[0]}x{batch.size_px[1]} is to be written",
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
        moved = conversion_arguments((batch.color, batch.layout), (self._color, self._layout))
        return self._reformatter.reformat(frame, format=self._format, interpolation=_INTERPOLATION, threads=1, **moved)


def _encoder_options(
    codec: CodecName, settings: OutputSettings, size_px: tuple[int, int]
) -> tuple[str, dict[str, str]]:
    if codec == "h264":
        return "libx264", {"crf": str(settings.crf), "preset": settings.preset}
    if codec == "ffv1":
        # The number of slices is left to the encoder: of odd sizes it takes only some.
        return "ffv1", {"level": "3", "coder": "range_def", "slicecrc": "1", "g": "1"}
    # Of FFmpeg's two encoders the first is four times as fast; it takes no odd widths.
    return ("prores_ks" if size_px[0] % 2 else "prores_aw"), {"profile": "3", "vendor": "apl0"}
