from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dpe_toolkit.analysis import ClipAnalysis, ClipRequest, ComponentPool, ProgressSink, analyse_clip, analyse_pair
from dpe_toolkit.core.errors import AnalysisError
from tests.analysis.fakes import Registry, Shelf, Square, SquareMotion, draw
from tests.analysis.test_clip import PATH, Sink, media, request

OTHER = Path("/clips/bert.mkv")
SHELF = {
    PATH: draw(lambda frame: [Square(10 + frame, 12, mood=60 + frame)], 30),
    OTHER: draw(lambda frame: [Square(12, 10 + frame, mood=90 + frame)], 30),
}


def driver(**changes: object) -> ClipRequest:
    medium = media().model_copy(update={"path": OTHER, "digest": "sha256:2"})
    return replace(request(), role="driver", media=medium, **changes)  # type: ignore[arg-type] # fields of the request


class Work:
    """Analyses a clip and notes in which thread."""

    def __init__(self) -> None:
        self.threads: dict[str, str] = {}

    def __call__(self, asked: ClipRequest, pool: ComponentPool, progress: ProgressSink) -> ClipAnalysis:
        self.threads[asked.role] = threading.current_thread().name
        return analyse_clip(asked, pool, progress=progress, open_reader=Shelf(SHELF))


def pair(second: ClipRequest, work: Work, sink: Sink, **parts: object) -> tuple[ClipAnalysis, ClipAnalysis]:
    pool = ComponentPool(Registry(**parts), torch.device("cpu"))
    return analyse_pair(request(), second, pool, analyse=work, progress=sink)


def test_two_clips_are_analysed_at_once_and_give_what_each_gives_alone() -> None:
    work, sink = Work(), Sink()
    both = pair(driver(), work, sink)
    assert work.threads["source"] != work.threads["driver"]
    for asked, found in zip((request(), driver()), both, strict=True):
        alone = analyse_clip(asked, ComponentPool(Registry(), torch.device("cpu")), open_reader=Shelf(SHELF))
        np.testing.assert_array_equal(found.track.landmarks_px, alone.track.landmarks_px)
        assert torch.equal(found.motion.codes.expression, alone.motion.codes.expression)


def test_progress_tells_of_the_source_first_and_then_of_the_driver() -> None:
    sink = Sink()
    pair(driver(), Work(), sink)
    stages = [told for told in sink.told if not isinstance(told, int)]
    assert stages == [("source", "shot 1", 26), "finished", ("driver", "shot 1", 26), "finished"]
    assert sum(told for told in sink.told if isinstance(told, int)) == 52


@pytest.mark.parametrize(
    ("second", "parts"),
    [(replace(request(), role="driver"), {}), (driver(), {"motion": SquareMotion(needs_pixels=True)})],
    ids=["one file", "pixels"],
)
def test_clips_that_share_work_or_fill_the_machine_go_one_after_the_other(
    second: ClipRequest, parts: dict[str, object]
) -> None:
    work = Work()
    pair(second, work, Sink(), **parts)
    assert work.threads["source"] == work.threads["driver"]


def test_a_fault_of_the_driver_is_raised() -> None:
    def work(asked: ClipRequest, pool: ComponentPool, progress: ProgressSink) -> ClipAnalysis:
        if asked.role == "driver":
            raise AnalysisError("the driver shows no face")
        return Work()(asked, pool, progress)

    with pytest.raises(AnalysisError, match="the driver shows no face"):
        analyse_pair(request(), driver(), ComponentPool(Registry(), torch.device("cpu")), analyse=work, progress=Sink())


def test_a_fault_of_the_source_stops_the_driver_at_its_next_step() -> None:
    begun, steps = threading.Event(), []

    def work(asked: ClipRequest, pool: ComponentPool, progress: ProgressSink) -> ClipAnalysis:
        if asked.role == "source":
            assert begun.wait(10)
            raise AnalysisError("the source shows no face")
        for step in range(1000):
            steps.append(step)
            progress.advanced(1)
            begun.set()
            threading.Event().wait(0.01)
        raise AssertionError("nobody stopped it")

    with pytest.raises(AnalysisError, match="the source shows no face"):
        analyse_pair(request(), driver(), ComponentPool(Registry(), torch.device("cpu")), analyse=work, progress=Sink())
    assert len(steps) < 1000
