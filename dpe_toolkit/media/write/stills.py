"""Writing single images, and still clips: one image for the length of a film."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.codec import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.shapes import expect_shape
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media.probe import probe
from dpe_toolkit.media.read.video import VideoReader
from dpe_toolkit.media.settings import CodecName, OutputSettings
from dpe_toolkit.media.sound.mix import AudioMix, AudioPart
from dpe_toolkit.media.write.output_files import written_whole
from dpe_toolkit.media.write.output_format import fit_format
from dpe_toolkit.media.write.writer import VideoWriter

__all__ = ["write_png", "write_still_clip"]

_BATCH = 8


def write_png(path: Path, rgb: npt.NDArray[np.uint8]) -> None:
    """Writes an (H, W, 3) uint8 RGB image without loss; the file appears whole or not at all.

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


def write_still_clip(still: Path, output: Path, *, like: Path) -> None:
    """Writes a film without loss that shows ``still`` as long as ``like`` runs, with its rate and sound.

    Args:
        still: an image; of a film, the first frame.
        output: an .mkv file.
        like: the film whose length, rate and sound it gets.

    Raises:
        MediaError: a file cannot be read or written.
    """
    info, film = probe(still), probe(like)
    if film.num_frames < 2:
        raise MediaError(f"it has {film.num_frames} frame", "a film that moves", "give a video", path=like)
    with VideoReader(still) as reader:
        frame = reader.read(Span(0, 1))
    # Frames that do not change cost H.264 next to nothing; not every format goes into it without loss.
    held = fit_format("h264", info.layout, info.color, (info.width, info.height), OutputSettings()).layout
    codec: CodecName = "h264" if held == info.layout else "ffv1"
    length_s = Fraction(film.num_frames) / film.rate
    sound = [
        AudioMix((AudioPart(like, number, Fraction(0), length_s, Fraction(0)),), length_s)
        for number in range(film.audio_streams)
    ]
    with VideoWriter(
        output,
        OutputSettings(codec=codec, crf=0),
        width=info.width,
        height=info.height,
        rate=film.rate,
        layout=info.layout,
        color=info.color,
        audio=sound,
    ) as writer:
        for span in Span(0, film.num_frames).split(_BATCH):
            writer.write(frame.take(frame.index.repeat(len(span))))
