from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import VideoReader, probe, write_png, write_still_clip
from dpe_toolkit.testing import ClipSpec, make_clip


def picture(path: Path, width: int = 63, height: int = 41) -> Path:
    write_png(path, np.random.default_rng(2).integers(0, 255, (height, width, 3), np.uint8))
    return path


def test_a_still_is_a_clip_without_loss_as_long_as_the_film(tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    make_clip(film, ClipSpec(num_frames=11, rate=Fraction(30000, 1001)))
    still = picture(tmp_path / "still.png")
    write_still_clip(still, tmp_path / "held.mkv", like=film)
    held = probe(tmp_path / "held.mkv")
    assert (held.num_frames, held.rate) == (11, Fraction(30000, 1001))
    with VideoReader(still) as one, VideoReader(tmp_path / "held.mkv") as many:
        wanted, shown = one.read(Span(0, 1)), many.read(Span(0, 11))
    for plane, held_plane in zip(wanted.planes, shown.planes, strict=True):
        np.testing.assert_array_equal(np.broadcast_to(plane, held_plane.shape), held_plane)


def test_a_jpeg_is_a_clip_without_loss_in_a_small_file(tmp_path: Path) -> None:
    film, still = tmp_path / "film.mkv", tmp_path / "still.jpg"
    make_clip(film, ClipSpec(num_frames=50))
    ramp = np.linspace(0, 255, 256, dtype=np.uint8)
    rgb = np.stack([np.broadcast_to(ramp, (128, 256))] * 3, axis=2)
    with av.open(str(still), "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 256, 128, "yuvj420p"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    write_still_clip(still, tmp_path / "held.mkv", like=film)
    with VideoReader(still) as one, VideoReader(tmp_path / "held.mkv") as many:
        wanted, shown = one.read(Span(0, 1)), many.read(Span(40, 41))
    np.testing.assert_array_equal(wanted.planes[0], shown.planes[0])
    assert (tmp_path / "held.mkv").stat().st_size < 100_000


def test_a_driver_that_is_a_still_itself_is_refused(tmp_path: Path) -> None:
    still = picture(tmp_path / "still.png")
    with pytest.raises(MediaError, match=r"it has 1 frame.*a film that moves"):
        write_still_clip(still, tmp_path / "held.mkv", like=still)
    assert not (tmp_path / "held.mkv").exists()
