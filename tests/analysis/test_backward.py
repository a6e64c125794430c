from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.analysis import AnalysisStore
from dpe_toolkit.analysis.backward import follow_backward
from dpe_toolkit.analysis.detect import guarded_detection
from dpe_toolkit.core.errors import PluginError
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.face.tracks import Detections
from tests.analysis.fakes import BERT, CHOICES, MemoryReader, Registry, Square, SquareDetector, draw
from tests.analysis.test_clip import analyse, request

RATE = Fraction(25)


@dataclass
class ShySquares(SquareDetector):
    """Follows whom it knows from the frame before, and finds people by itself only in some frames."""

    searches: frozenset[int] = frozenset()
    seen: list[int] = field(default_factory=list)

    def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
        found: list[Detections] = []
        for frame, here in zip(frames.index.tolist(), super().detect(frames, previous), strict=True):
            self.seen.append(frame)
            if frame not in self.searches:
                known = [] if previous is None else previous.boxes_px.tolist()
                near = [i for i, box in enumerate(here.boxes_px) if any(abs(box - old).max() < 8 for old in known)]
                here = pick(here, near)
            found.append(here)
            previous = here
        return found


def pick(faces: Detections, kept: list[int]) -> Detections:
    return Detections(faces.boxes_px[kept], faces.landmarks_px[kept], faces.scores[kept], faces.blendshapes[kept])


def followed(
    clip: FrameBatch, detector: ShySquares, span: Span
) -> tuple[list[Detections], list[Detections], list[Span]]:
    detect = guarded_detection(detector, CHOICES["detector"], "shot", torch.device("cpu"))
    reader = MemoryReader(clip)
    forward = list(detect(reader.frames.take(slice(span.start, span.stop)), None))
    detector.seen.clear()
    return forward, follow_backward(reader, span, forward, RATE, detect), reader.asked


@settings(deadline=None)
@given(late=st.integers(0, 45), start=st.integers(0, 5))
def test_a_face_that_is_found_late_is_followed_back_to_the_first_frame(late: int, start: int) -> None:
    clip = draw(lambda frame: [Square(10 + frame, 12)], 56)
    detector = ShySquares(searches=frozenset({start + late}))
    forward, filled, _ = followed(clip, detector, Span(start, start + 50))
    assert [row for row, faces in enumerate(forward) if not len(faces)] == list(range(late))
    assert [faces.boxes_px[0, 0] for faces in filled] == [10 + start + row for row in range(50)]


def test_a_clip_whose_face_is_never_missed_is_not_read_again() -> None:
    detector = ShySquares(searches=frozenset({0}))
    _, _, asked = followed(draw(lambda frame: [Square(10, 12)], 30), detector, Span(0, 30))
    assert (asked, detector.seen) == ([], [])


def test_somebody_who_walks_in_costs_one_block() -> None:
    detector = ShySquares(searches=frozenset(range(100)))
    clip = draw(lambda frame: [Square(10, 12)] if frame >= 60 else [], 70)
    _, filled, asked = followed(clip, detector, Span(0, 70))
    assert asked == [Span(44, 60)]
    assert detector.seen == list(range(59, 43, -1))
    assert not any(len(faces) for faces in filled[:60])


def test_a_stretch_is_read_in_blocks_of_one_size_however_long_it_is() -> None:
    detector = ShySquares(searches=frozenset({70}))
    _, filled, asked = followed(draw(lambda frame: [Square(10, 12)], 80), detector, Span(0, 80))
    assert all(len(faces) == 1 for faces in filled)
    assert asked == [Span(54, 70), Span(38, 54), Span(22, 38), Span(6, 22), Span(0, 6)]


def test_a_face_lost_in_the_middle_is_followed_back_from_where_it_is_seen_again() -> None:
    jump = 30

    def scene(frame: int) -> list[Square]:
        return [Square(10, 12) if frame < jump else Square(30, 12)]

    detector = ShySquares(searches=frozenset({0, 40}))
    forward, filled, _ = followed(draw(scene, 50), detector, Span(0, 50))
    assert [row for row, faces in enumerate(forward) if not len(faces)] == list(range(30, 40))
    assert all(len(faces) == 1 for faces in filled)
    assert filled[30].boxes_px[0, 0] == 30


def test_who_was_known_already_stays_as_he_was_seen() -> None:
    def scene(frame: int) -> list[Square]:
        return [Square(10, 12), Square(60, 40, who=BERT)]

    class OneAtATime(ShySquares):
        def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
            if previous is None:
                return [
                    pick(faces, [0] if frame < 20 else [0, 1])
                    for frame, faces in enumerate(super().detect(frames, None))
                ]
            return super().detect(frames, previous)

    forward, filled, _ = followed(draw(scene, 30), OneAtATime(searches=frozenset(range(30))), Span(0, 30))
    assert [len(faces) for faces in forward] == [1] * 20 + [2] * 10
    assert [len(faces) for faces in filled] == [2] * 30
    for before, after in zip(forward, filled, strict=True):
        np.testing.assert_array_equal(before.boxes_px[0], after.boxes_px[0])


def test_a_detector_that_fails_going_backward_is_named_with_its_frames() -> None:
    class Failing(ShySquares):
        def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
            if len(frames) > 1 and frames.index[0] > frames.index[-1]:
                raise ZeroDivisionError("oh")
            return super().detect(frames, previous)

    with pytest.raises(PluginError, match="'square' failed on frames 4 to 19: ZeroDivisionError"):
        followed(draw(lambda frame: [Square(10, 12)], 30), Failing(searches=frozenset({20})), Span(0, 30))


def test_an_analysis_knows_the_face_before_it_was_found(tmp_path: Path) -> None:
    registry = Registry(detector=ShySquares(searches=frozenset({12})))
    store = AnalysisStore(tmp_path)
    result, _ = analyse(registry, request(), store=store)
    assert result.track.present.all()
    np.testing.assert_allclose(result.track.landmarks_px[:, 4, 0], 18 + np.arange(2, 28))
    assert analyse(Registry(), store=store)[1].readers == []
