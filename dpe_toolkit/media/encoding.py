"""One picture stream of an output: frame arrays in, packets out."""

from __future__ import annotations

from fractions import Fraction

from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.media.encoders import encoder_options
from dpe_toolkit.media.opening import media_fault
from dpe_toolkit.media.preparing import LIST_CODECS, FramePreparer, PictureSpec

__all__ = ["PictureEncoder"]


class PictureEncoder:
    """Encodes frames in order, the first at time 0.

    Args:
        container: output container, before anything is written to it.
        spec: what is written.

    Raises:
        MediaError: the codec is not there, or cannot hold what must be kept.
    """

    def __init__(self, container: OutputContainer, spec: PictureSpec) -> None:
        self._rate = spec.rate
        self._preparer = FramePreparer(spec)
        library, options = encoder_options(spec.codec, spec.settings, spec.size_px[0])
        if spec.codec == "h265" and spec.hdr is not None and spec.hdr.is_static:
            options["x265-params"] += f":{spec.hdr.x265_parameters()}"
        try:
            stream = container.add_stream(library, rate=spec.rate, options=options)
        except ValueError as error:
            wrong = f"{spec.codec} does not go into this container"
            raise media_fault(error, spec.path, wrong, LIST_CODECS) from error
        assert isinstance(stream, VideoStream)
        self.stream = stream
        self._preparer.configure(stream.codec_context)
        self._count = 0

    @property
    def written_s(self) -> Fraction:
        """Seconds of picture handed in so far."""
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
