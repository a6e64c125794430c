"""Smart render: the video stream of an output that is partly copied, ranges of a source between encoded ones."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import cast

from av.codec import CodecContext
from av.container import OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.media.copy.h264 import free_parameter_id, length_prefixed
from dpe_toolkit.media.copy.ranges import CopiedRange, CopySource, range_packets
from dpe_toolkit.media.opening import exact_ratio, open_media, video_stream
from dpe_toolkit.media.write.codecs import encoder_options
from dpe_toolkit.media.write.encoder import FramePreparer, VideoSpec

__all__ = ["SmartRenderEncoder"]


class SmartRenderEncoder:
    """Writes frames in order, the first at time 0: copied ones as they are, others encoded in ranges of their own.

    Every encoded range begins with a frame at which decoding can start and refers to nothing outside of it.

    Args:
        container: output container, before anything is written to it.
        spec: what is written.
        source: a file whose frames are copied; all others that are must have its extradata.

    Raises:
        MediaError: the codec is not there, or cannot stand beside the copied frames.
    """

    def __init__(self, container: OutputContainer, spec: VideoSpec, source: CopySource) -> None:
        self._spec, self._rate, self._source = spec, spec.rate, source
        self._preparer = FramePreparer(spec)
        with open_media(source.path) as template:
            self.stream: VideoStream = container.add_stream_from_template(video_stream(template, source.path))
        self.stream.time_base = 1 / spec.rate
        self._context: VideoCodecContext | None = None
        self._range_start = 0
        self._shown = 0
        self._stored = 0

    @property
    def written_s(self) -> Fraction:
        """Seconds of frames handed in so far."""
        return self._shown / self._rate

    def encode(self, batch: FrameBatch, row: int) -> list[Packet[VideoStream]]:
        """Packets that became ready with this frame.

        Raises:
            MediaError: a frame of another size.
        """
        if self._context is None:
            self._context, self._range_start = self._encoder(), self._shown
        frame = self._preparer.prepare(batch, row, self._shown)
        frame.pts, frame.time_base = self._shown - self._range_start, 1 / self._rate
        self._shown += 1
        return [self._placed(packet) for packet in self._context.encode(frame)]

    def copy(self, copied: CopiedRange) -> Iterator[Packet[VideoStream]]:
        """The packets of a range, after those still inside the encoder.

        Raises:
            MediaError: the source cannot be read.
        """
        yield from self.finish()
        first = self._shown
        self._shown += len(copied.span)
        for frame, packet in range_packets(copied):
            yield self._stamped(packet, first + frame)

    def finish(self) -> list[Packet[VideoStream]]:
        """The packets still inside the encoder; the next frame begins a new range."""
        if self._context is None:
            return []
        packets = [self._placed(packet) for packet in self._context.encode(None)]
        self._context = None
        return packets

    def _encoder(self) -> VideoCodecContext:
        library, options = encoder_options(self._spec.codec, self._spec.settings, self._spec.size_px[0])
        if self._spec.codec == "h264":
            # Sets of its own number, repeated in the stream, leave those of the copied ranges as they are.
            # Without frames out of order the ranges meet in time whatever the source does.
            number = free_parameter_id(self._source.extradata)
            options |= {"bf": "0", "x264-params": f"sps-id={number}:repeat-headers=1:annexb=1"}
        context = CodecContext.create(library, "w")
        assert isinstance(context, VideoCodecContext)
        context.options = options
        context.framerate = self._rate
        self._preparer.configure(context)
        context.open()
        own = bytes(context.extradata or b"")
        if self._spec.codec == "ffv1" and own != self._source.extradata:
            raise MediaError(
                f"FFV1 of {self._source.path.name!r} is stored in another way than it is written here",
                "a source that this program wrote at the same size",
                "render without pass-through",
                path=self._spec.path,
            )
        return context

    def _placed(self, packet: Packet[VideoStream]) -> Packet[VideoStream]:
        assert packet.pts is not None
        at = self._range_start + round(packet.pts * (exact_ratio(packet.time_base) or 1 / self._rate) * self._rate)
        if self._spec.codec != "h264":
            return self._stamped(packet, at)
        moved = cast("Packet[VideoStream]", Packet(length_prefixed(bytes(packet))))
        moved.is_keyframe = packet.is_keyframe
        return self._stamped(moved, at)

    def _stamped(self, packet: Packet[VideoStream], frame: int) -> Packet[VideoStream]:
        """The packet at its place: shown as a frame, stored behind the last."""
        packet.stream = self.stream
        packet.time_base = 1 / self._rate
        packet.pts, packet.dts, packet.duration = frame, self._stored - self._source.reorder, 1
        self._stored += 1
        return packet
