from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import OutputSettings, VideoReader, probe
from dpe_toolkit.testing.clips import ClipSpec, make_clip
from dpe_toolkit.testing.pictures import LAYOUTS, read_frame_number


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "h264"), ("mov", "prores"), ("mkv", "ffv1")])
def test_a_clip_shows_its_frame_numbers_in_every_codec(tmp_path: Path, suffix: str, codec: str) -> None:
    path = make_clip(tmp_path / f"clip.{suffix}", ClipSpec(num_frames=11, size_px=(160, 120)))
    assert probe(path).codec == codec
    with VideoReader(path) as reader:
        batch = reader.read(Span(0, 11))
    assert [read_frame_number(plane) for plane in batch.planes[0]] == list(range(11))


def test_a_clip_has_the_rate_sound_and_timecode_asked_for(tmp_path: Path) -> None:
    spec = ClipSpec(num_frames=6, size_px=(160, 120), rate=Fraction(30000, 1001), tone_hz=440, start_frame=30)
    info = probe(make_clip(tmp_path / "clip.mov", spec))
    assert info.rate == Fraction(30000, 1001)
    assert (info.audio_streams, info.start_frame, info.num_frames) == (1, 30, 6)


def test_a_lossless_clip_keeps_its_layout(tmp_path: Path) -> None:
    spec = ClipSpec(num_frames=2, size_px=(160, 120), layout=LAYOUTS["yuv422p10le"], settings=OutputSettings())
    assert probe(make_clip(tmp_path / "clip.mkv", spec)).layout.name == "yuv422p10le"


def test_an_empty_room_has_no_face(tmp_path: Path) -> None:
    spec = ClipSpec(num_frames=1, size_px=(160, 120), faces=lambda frame: (), numbered=False)
    with VideoReader(make_clip(tmp_path / "clip.mkv", spec)) as reader:
        luma = reader.read(Span(0, 1)).planes[0]
    assert luma.std() < 30
