"""A still held for the length of a film, as a film of its own."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media.keeping import fit_picture
from dpe_toolkit.media.mixing import AudioMix, AudioPart
from dpe_toolkit.media.probe import probe
from dpe_toolkit.media.reader import VideoReader
from dpe_toolkit.media.settings import CodecName, OutputSettings
from dpe_toolkit.media.writer import VideoWriter

__all__ = ["write_held_still"]

_BATCH = 8


def write_held_still(still: Path, output: Path, *, like: Path) -> None:
    """Writes a film without loss that shows ``still`` as long as ``like`` runs, with its rate and sound.

    Args:
        still: a picture; of a film, the first frame.
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
    held = fit_picture("h264", info.layout, info.color, (info.width, info.height), OutputSettings()).layout
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
