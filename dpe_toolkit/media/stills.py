"""Writing single pictures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.codec import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from dpe_toolkit.core.shapes import expect_shape
from dpe_toolkit.media.replacing import written_whole

__all__ = ["write_png"]


def write_png(path: Path, rgb: npt.NDArray[np.uint8]) -> None:
    """Writes an (H, W, 3) uint8 RGB picture without loss; the file appears whole or not at all.

    Raises:
        MediaError: the folder cannot be written.
    """
    expect_shape("rgb", rgb, ("H", "W", 3))
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb, dtype=np.uint8), format="rgb24")
    context = CodecContext.create("png", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = frame.width, frame.height, "rgb24"
    context.time_base = Fraction(1, 25)
    packets = [*context.encode(frame), *context.encode(None)]
    with written_whole(path) as part:
        part.write_bytes(b"".join(bytes(packet) for packet in packets))
