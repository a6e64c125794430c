from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from unittest import SkipTest

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dpe_toolkit.api import Component, ComponentKind, FaceReading
from dpe_toolkit.editing.stages import STAGES
from dpe_toolkit.media import VideoReader
from dpe_toolkit.plugins import Registry
from dpe_toolkit.testing import (
    SUITES,
    CheckResult,
    ClipSpec,
    CompositorConformance,
    ConformanceWarning,
    KnownClip,
    NetworkReachedError,
    acted_clip,
    drawn_clip,
    fake_component,
    ms_per_frame,
    no_network,
    photograph_clip,
    plugin_of,
    run_suite,
    suite_for,
)
from dpe_toolkit.testing.conformance import checks_of
from dpe_toolkit.testing.conformance.filming import find_partner
from dpe_toolkit.testing.conformance.spelling import toml_value


@pytest.mark.parametrize("by_name", [True, False])
def test_the_network_is_refused_and_the_attempt_is_told(by_name: bool) -> None:
    with no_network() as tried, socket.socket() as line:
        reach = socket.create_connection if by_name else line.connect
        with pytest.raises(NetworkReachedError, match=r"components work without one"):
            reach(("127.0.0.1", 9))
    assert len(tried) == 1
    assert socket.getaddrinfo("127.0.0.1", 9)


def test_a_clips_boxes_move_and_mirror_with_its_pictures() -> None:
    clip = photograph_clip()
    moved = clip.shifted(10, 4)
    assert np.array_equal(moved.pictures[:, 4:, 10:], clip.pictures[:, :-4, :-10])
    assert np.allclose(moved.boxes_px - clip.boxes_px, [10, 4, 10, 4])
    twice = clip.mirrored().mirrored()
    assert np.array_equal(twice.pictures, clip.pictures)
    assert np.allclose(twice.boxes_px, clip.boxes_px)
    assert np.ptp(clip.blank().pictures) == 0


def test_the_acted_clip_moves_the_jaw_and_nothing_above_it() -> None:
    clip = acted_clip()
    apart = np.abs(clip.pictures[3].astype(int) - clip.pictures[0]).max(axis=(1, 2))
    assert apart[130:150].max() > 40
    assert apart[:118].max() == 0


def test_a_track_of_known_places_lies_in_its_boxes() -> None:
    for clip in (photograph_clip(), drawn_clip()):
        track = clip.track()
        assert (track.landmarks_px[:, :, :2].min(axis=1) >= track.boxes_px[:, :2]).all()
        assert (track.landmarks_px[:, :, :2].max(axis=1) <= track.boxes_px[:, 2:]).all()


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.5, "1.5"), (True, "true"), ('a "b"', '"a \\"b\\""'), ([1, "x"], '[1, "x"]'), ({"a": 1}, '{"a" = 1}')],
)
def test_values_are_written_as_toml(value: object, text: str) -> None:
    assert toml_value(value) == text


def test_toml_has_no_none() -> None:
    with pytest.raises(TypeError, match="TOML cannot hold None"):
        toml_value(None)


def test_a_suite_goes_on_after_a_failure_and_tells_skips() -> None:
    class Suite(CompositorConformance):
        component = fake_component("compositor")

        def test_an_edit_is_shown(self) -> None:
            raise KeyError("no")

        def test_results_are_finite(self) -> None:
            raise SkipTest("no reason")

    results = {result.check: result for result in run_suite(Suite)}
    assert results["an edit is shown"] == CheckResult("an edit is shown", "failed", "KeyError: 'no'")
    assert results["results are finite"].state == "skipped"
    assert results["a face half outside its frame is composited"].state == "ok"
    assert ms_per_frame(Suite, rounds=1) > 0


def test_a_check_that_does_not_end_fails_and_ends_the_run() -> None:
    ended = Event()

    class Suite(CompositorConformance):
        component = fake_component("compositor")

        def test_an_edit_is_shown(self) -> None:
            ended.wait(60)

    names = [name.removeprefix("test_").replace("_", " ") for name in checks_of(Suite)]
    behind = names[names.index("an edit is shown") + 1]
    results = list(run_suite(Suite, only=["the record is complete", "an edit is shown", behind], limit_s=0.5))
    ended.set()
    assert [(result.check, result.state) for result in results] == [
        ("the record is complete", "ok"),
        ("an edit is shown", "failed"),
    ]
    assert "not done after 0.5 s" in results[-1].detail


def test_of_a_family_with_two_extractors_one_is_taken_by_name_and_said() -> None:
    generator = replace(fake_component("generator"), name="drawn")
    motions = [fake_component("motion", name=name) for name in ("slow", "quick")]
    family = Registry.of({"kin": plugin_of(*motions, fake_component("encoder"))}, version="1")
    suite = suite_for(generator, installed=family)
    with pytest.warns(ConformanceWarning, match=r"2 of kind motion: 'quick', 'slow'; tested with 'quick'"):
        found = find_partner(suite, "motion")
    assert found is motions[1]


class Lightness:
    """Every judge in one: expression and features are shrunk pictures, identity their direction."""

    expression_size = 64
    higher_is_better = False

    def read(self, pictures: Tensor, near_px: Tensor | None = None) -> FaceReading:
        small = F.adaptive_avg_pool2d(pictures.mean(dim=1), 8).flatten(1)
        count, none = len(pictures), pictures.new_zeros(len(pictures), 0)
        zeros = pictures.new_zeros(count, 3)
        return FaceReading(small, zeros, zeros, none.reshape(count, 0, 3), none.reshape(count, 0, 3), none, zeros[:, 0])

    def features(self, pictures: Tensor) -> Sequence[Tensor]:
        return [F.avg_pool2d(pictures, size) for size in (2, 4)]

    def embed(self, pictures: Tensor, near_px: Tensor | None = None) -> Tensor:
        return F.normalize(self.read(pictures).expression, dim=1)

    def compare(self, results: Tensor, references: Tensor) -> Tensor:
        return (results - references).abs().mean(dim=(1, 2, 3))


class Backwards(Lightness):
    higher_is_better = True

    def read(self, pictures: Tensor, near_px: Tensor | None = None) -> FaceReading:
        return super().read(pictures.detach(), near_px)

    def features(self, pictures: Tensor) -> Sequence[Tensor]:
        return super().features(pictures)[::-1]

    def embed(self, pictures: Tensor, near_px: Tensor | None = None) -> Tensor:
        return super().embed(pictures) * 2


def judge(kind: ComponentKind, product: Callable[[], object]) -> Component[object]:
    return replace(fake_component(kind, lambda options: product()), space=None, family="")


JUDGES: dict[ComponentKind, str] = {
    "regressor": "expression is differentiable",
    "features": "maps go from fine to coarse",
    "identity": "vectors have length 1",
    "metric": "a better picture has the better value",
}


@pytest.mark.parametrize("kind", JUDGES)
def test_what_judges_pictures_has_a_suite_that_finds_its_fault(kind: ComponentKind) -> None:
    right = suite_for(judge(kind, Lightness), size_px=32)
    assert [result for result in run_suite(right) if result.state == "failed"] == []
    wrong = suite_for(judge(kind, Backwards), size_px=32)
    assert JUDGES[kind] in [result.check for result in run_suite(wrong) if result.state == "failed"]


def test_every_kind_has_a_suite() -> None:
    assert list(SUITES) == [row.kind for row in STAGES]


def test_the_pytest_plugin_gives_clips_and_refuses_the_network(
    dpe_photograph: KnownClip, dpe_no_network: list[str], dpe_clip_file: Callable[..., Path]
) -> None:
    assert len(dpe_photograph.pictures) == len(dpe_photograph.boxes_px)
    with socket.socket() as line, pytest.raises(NetworkReachedError):
        line.connect(("127.0.0.1", 9))
    assert dpe_no_network == ["('127.0.0.1', 9)"]
    with VideoReader(dpe_clip_file("clip.mkv", ClipSpec(num_frames=3))) as reader:
        assert reader.info.num_frames == 3


def test_a_mesh_without_gradient_is_no_reading() -> None:
    assert not Backwards().read(torch.rand(1, 3, 16, 16, requires_grad=True)).expression.requires_grad
