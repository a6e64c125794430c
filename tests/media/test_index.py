from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import VideoReader
from dpe_toolkit.media.index import FrameIndex, at_constant_rate


def write_uneven(path: Path, times_ms: list[int]) -> Path:
    """A clip whose n-th frame shows a bar at cell n."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1000, options={"bf": "2", "preset": "fast"})
        stream.width, stream.height = 160, 32
        for number, at in enumerate(times_ms):
            frame = av.VideoFrame(160, 32, "yuv420p")
            for plane in frame.planes:
                np.frombuffer(memoryview(plane), np.uint8)[:] = 0
            rows = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(32, -1)
            rows[:16, :] = 30
            rows[:16, 16 * number : 16 * number + 16] = 220
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_uneven_frames_are_shown_for_as_long_as_they_last(tmp_path: Path, name: str) -> None:
    path = write_uneven(tmp_path / name, [0, 40, 80, 200, 240, 250, 280, 400])
    with VideoReader(path) as reader:
        assert (reader.info.variable_rate, reader.info.rate, reader.info.num_frames) == (True, 25, 11)
        shown = [0, 1, 2, 2, 2, 3, 4, 6, 6, 6, 7]

        def cell(index: int) -> int:
            return int(reader.read(Span(index, index + 1)).planes[0][0, 4].argmax()) // 16

        assert [cell(index) for index in range(11)] == shown
        assert [cell(index) for index in (10, 3, 7, 0)] == [7, 2, 6, 0]
        batch = reader.read(Span(1, 5))
        assert (batch.pts.tolist(), batch.time_base) == ([1, 2, 3, 4], Fraction(1, 25))


@given(
    st.lists(st.integers(1, 6), min_size=8, max_size=60),
    st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)]),
)
def test_a_frame_is_on_screen_at_its_time_within_half_a_tick(gaps: list[int], rate: Fraction) -> None:
    time_base = Fraction(1, 90000)
    # Most frames last one frame, as of a camera that drops some.
    steps = [1] * (len(gaps) + 1) + gaps
    positions = np.cumsum([0, *steps])
    pts = np.array([round(int(at) / rate / time_base) for at in positions], np.int64) + 777
    index, found = at_constant_rate(FrameIndex(pts, np.zeros(1, np.int64), timed=True), time_base)
    assert found == rate
    assert index.num_shown == positions[-1] + 1
    expected = np.searchsorted(positions, np.arange(positions[-1] + 1), side="right") - 1
    np.testing.assert_array_equal(index.shown, expected)
    assert index.stored(range(2, 5)) == expected[2:5].tolist()
