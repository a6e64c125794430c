"""Which frames a file really has: built from its packets, since headers may be silent or wrong."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av.error
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.stream import VideoStream

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.timing import snap_rate
from dpe_toolkit.media.opening import exact_ratio, open_media, video_stream

__all__ = ["FrameIndex", "at_constant_rate", "build_index", "exact_rate"]

# VP8 has packets that show nothing, so that packets do not count its frames.
_HIDES_FRAMES = frozenset({"vp8"})
STILL_RATE = Fraction(25)
_USUAL_RATES = tuple(Fraction(*rate) for rate in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (50, 1)))
_USUAL_RATES += (Fraction(60000, 1001), Fraction(60))
_NEAR_RATE = Fraction(1, 100)


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """Presentation times of a file's frames; 16 bytes a frame at most."""

    pts: npt.NDArray[np.int64]
    """(N,) in the stream's time base, rising."""
    keys: npt.NDArray[np.int64]
    """(K,) indices of the frames at which decoding can start, rising."""
    timed: bool
    """False where the file's times cannot tell frames apart: frames are then counted from its start."""
    shown: npt.NDArray[np.int64] | None = None
    """(M,) the stored frame of each frame at a constant rate, rising; None where they are the same."""

    @property
    def num_shown(self) -> int:
        """Frames at a constant rate."""
        return len(self.pts if self.shown is None else self.shown)

    def stored(self, frames: range) -> list[int]:
        """The stored frames of a run of frames at a constant rate."""
        if self.shown is None:
            return list(frames)
        return [int(found) for found in self.shown[frames.start : frames.stop]]

    def __len__(self) -> int:
        return len(self.pts)

    def at(self, pts: int) -> int:
        """The index of the frame shown at ``pts``, or the nearest."""
        right = int(np.searchsorted(self.pts, pts))
        if right == len(self.pts):
            return right - 1
        if right and pts - self.pts[right - 1] < self.pts[right] - pts:
            return right - 1
        return right


def build_index(container: InputContainer, stream: VideoStream, path: Path) -> FrameIndex:
    """The index of ``stream``, by reading (not decoding) every packet of a container just opened.

    Packets that an edit list hides are not frames; nor is a last packet cut off in the middle.

    Raises:
        MediaError: there is no frame at all.
    """
    times, keys, cut = array("q"), array("q"), False
    timed = stream.codec_context.name not in _HIDES_FRAMES
    try:
        for packet in container.demux(stream):
            if packet.size == 0 or packet.is_discard:
                continue
            timed = timed and packet.pts is not None
            times.append(packet.pts or 0)
            cut = packet.is_corrupt
            if packet.is_keyframe:
                keys.append(packet.pts or 0)
    except av.error.FFmpegError:
        cut = False  # The file ends in the middle; what was read before is good.
    if cut and len(times) > 1:
        if keys and keys[-1] == times[-1]:
            keys.pop()
        times.pop()
    pts = np.sort(np.frombuffer(times, np.int64)) if times else np.zeros(0, np.int64)
    if not len(pts):
        raise MediaError("The file has no picture", "at least one frame", "choose another file", path=path)
    if not timed or (np.diff(pts) <= 0).any():
        return _count_by_decoding(path)
    starts = np.searchsorted(pts, np.unique(np.frombuffer(keys, np.int64))) if keys else np.zeros(1, np.int64)
    return FrameIndex(pts, starts.astype(np.int64), timed=True)


def _count_by_decoding(path: Path) -> FrameIndex:
    count = 0
    with open_media(path) as container:
        stream = video_stream(container, path)
        try:
            for _ in container.decode(stream):
                count += 1
        except av.error.FFmpegError:
            pass  # Frames before the fault are there; the reader names the first that is not.
    if not count:
        raise MediaError("No frame can be decoded", "at least one frame", "choose another file", path=path)
    return FrameIndex(np.arange(count, dtype=np.int64), np.zeros(1, np.int64), timed=False)


def exact_rate(stream: VideoStream, index: FrameIndex) -> tuple[Fraction, bool]:
    """The frame rate, and whether the frames are unevenly spaced.

    The rates that the header offers and the one that the times say are tried in turn: the first that
    puts each frame within half a frame of its time is the rate.
    """
    offered = [rate for found in (stream.average_rate, stream.guessed_rate) if (rate := exact_ratio(found))]
    if len(index) == 1 or not index.timed:
        return (snap_rate(offered[0]) if offered else STILL_RATE), False
    time_base = exact_ratio(stream.time_base) or Fraction(1, 1000)
    elapsed = index.pts - index.pts[0]
    measured = (len(index) - 1) / (int(elapsed[-1]) * time_base)
    rates = [snap_rate(rate) for rate in (*offered, measured) if rate > 0]
    position = np.arange(len(index))
    for rate in dict.fromkeys(rates):
        if np.abs(elapsed * float(time_base * rate) - position).max() < 0.5:
            return rate, False
    return snap_rate(measured), True


def at_constant_rate(index: FrameIndex, time_base: Fraction) -> tuple[FrameIndex, Fraction]:
    """The index with, for every frame at a constant rate, the stored frame that is on screen at its time.

    The rate is the one that most frames keep: that of the median duration, taken as the usual rate that lies
    within a hundredth of it, if one does. Frames that last longer are repeated, those in between are left out.

    Args:
        index: with times that tell frames apart, at least two.
        time_base: seconds in a tick of its times.
    """
    steps = np.diff(index.pts)
    usual = int(np.median(steps))
    measured = 1 / (usual * time_base)
    # The usual rates lie a thousandth apart: rounded times cannot tell 30 from 30000/1001, the long run can.
    near = [rate for rate in _USUAL_RATES if abs(rate - measured) <= measured * _NEAR_RATE]
    regular = steps[np.abs(steps - usual) <= max(1, usual // 50)]
    mean = 1 / (Fraction(int(regular.sum()), len(regular)) * time_base)
    rate = min(near, key=lambda one: abs(one - mean)) if near else snap_rate(measured)
    elapsed = index.pts - index.pts[0]
    num_frames = round(int(elapsed[-1]) * time_base * rate) + 1
    ticks_a_frame = 1 / (rate * time_base)
    # A frame counts from its start, give or take the rounding of its time to a tick.
    starts = np.array([round(number * ticks_a_frame) + 1 for number in range(num_frames)], np.int64)
    shown = np.searchsorted(elapsed, starts, side="right") - 1
    return replace(index, shown=shown.astype(np.int64)), rate
