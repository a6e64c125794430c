from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest

from dpe_toolkit.api import CheckpointError, ComponentContext, OptionsError, PluginOptions
from dpe_toolkit.testing import DetectorConformance
from dpe_toolkit.testing.pictures import batch_from_rgb
from dpe_yunet_detect import plugin
from dpe_yunet_detect.detector import YunetDetector, open_network
from dpe_yunet_detect.options import YunetOptions
from tests.plugins.yunet_detect.standin import SIDE_PX, write_brightest

(COMPONENT,) = plugin.dpe_register_detectors()
WEIGHTS = os.environ.get("DPE_TEST_YUNET", "")


def by_colour(picture: np.ndarray) -> np.ndarray:
    """A stand-in for the network, which gives what YuNet gives: the largest patch of skin."""
    luma, *chroma = cv2.split(
        cv2.cvtColor(cv2.GaussianBlur(picture, (9, 9), 0), cv2.COLOR_BGR2YCrCb).astype(np.float32)
    )
    apart = np.max([np.abs(plane - skin) for plane, skin in zip(chroma, (150, 110), strict=True)], axis=0)
    patches = cv2.connectedComponentsWithStats(((apart < 14) & (luma > 80)).astype(np.uint8))[2][1:]
    if not len(patches):
        return np.zeros((0, 15), np.float32)
    left, top, width, height, _ = max(patches.tolist(), key=lambda patch: patch[4])
    points = [
        (left + width * x, top + height * y) for x, y in ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.4, 0.8), (0.6, 0.8))
    ]
    return np.array([[left, top, width, height, *np.ravel(points), 0.9]], np.float32)


def create(options: PluginOptions, context: ComponentContext) -> YunetDetector:
    assert isinstance(options, YunetOptions)
    return YunetDetector(options, by_colour)


create.__module__ = COMPONENT.create.__module__


class TestYunetWithAStandIn(DetectorConformance):
    component = replace(COMPONENT, create=create, space_of=None)
    # A threshold on colour moves its edge a little with the depth of the planes; the network is not so coarse.
    shift_tolerance_px = 6


class TestYunetShrunken(DetectorConformance):
    component = replace(COMPONENT, create=create, space_of=None)
    options: ClassVar = {"longest_px": 200}
    shift_tolerance_px = 5


@pytest.mark.skipif(not WEIGHTS, reason="DPE_TEST_YUNET names no weights")
class TestYunetItself(DetectorConformance):
    component = COMPONENT
    weights = Path(WEIGHTS)


def test_boxes_and_points_are_in_frame_pixels_whatever_the_network_saw() -> None:
    def seen(picture: np.ndarray) -> np.ndarray:
        assert picture.shape == (60, 80, 3)
        small = [1, 1, 2, 2, *range(10), 0.8]
        return np.array([small, [10, 20, 30, 15, *range(10), 1.2], [0, 0, -1, 4, *range(10), 0.9]], np.float32)

    frames = batch_from_rgb(np.zeros((1, 120, 160, 3), np.uint8))
    (found,) = YunetDetector(YunetOptions(longest_px=80), seen).detect(frames, None)
    np.testing.assert_allclose(found.boxes_px, [[20, 40, 80, 70], [2, 2, 6, 6]])
    np.testing.assert_allclose(found.landmarks_px[0, :, :2], np.arange(10).reshape(5, 2) * 2)
    np.testing.assert_allclose(found.scores, [1, 0.8])


def test_opencv_reads_a_network_with_the_inputs_and_outputs_of_yunet(tmp_path: Path) -> None:
    picture = np.full((1, 240, 320, 3), 60, np.uint8)
    picture[:, 64:96, 160:192] = 250
    options = YunetOptions()
    detector = YunetDetector(options, open_network(options, write_brightest(tmp_path / "yunet.onnx")))
    (found,) = detector.detect(batch_from_rgb(picture), None)
    middle = np.array([176, 80])
    np.testing.assert_allclose(found.boxes_px, [[*(middle - SIDE_PX / 2), *(middle + SIDE_PX / 2)]], atol=0.1)
    np.testing.assert_allclose(found.landmarks_px[0, 2, :2], middle, atol=0.1)
    np.testing.assert_allclose(found.scores, 1, atol=0.01)
    (none,) = detector.detect(batch_from_rgb(np.zeros((1, 240, 320, 3), np.uint8)), None)
    assert len(none) == 0


def test_missing_weights_are_asked_for_by_name() -> None:
    with pytest.raises(OptionsError, match=r"'yunet' has no weights.*name it with --yunet.weights FILE"):
        COMPONENT.create(COMPONENT.options(), ComponentContext(None))  # type: ignore[arg-type] # not reached
    assert COMPONENT.space_of is not None
    with pytest.raises(OptionsError, match="'yunet' has no weights"):
        COMPONENT.space_of(COMPONENT.options(), None)


def test_a_file_that_is_no_network_is_named(tmp_path: Path) -> None:
    path = tmp_path / "yunet.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(CheckpointError, match=r"yunet\.onnx.*OpenCV cannot read it.*YuNet's ONNX file"):
        open_network(YunetOptions(), path)


def test_other_weights_are_another_fingerprint(tmp_path: Path) -> None:
    digests = set()
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode())
        assert COMPONENT.space_of is not None
        digests.add(COMPONENT.space_of(COMPONENT.options(), tmp_path / name).checkpoint_digest)
    assert len(digests) == 2


def test_its_boxes_feed_the_default_method_by_the_landmarker_that_draws_the_mesh(tmp_path: Path) -> None:
    from dpe_toolkit.planning.components import choose_components
    from dpe_toolkit.plugins import load_registry

    (tmp_path / "yunet.onnx").write_bytes(b"weights")
    registry = load_registry(allow=("face_mesh", "feather_blend", "yunet_detect"))
    names = {"default": registry.defaults, "command line": {"detector": "yunet"}}
    options = {"command line": {"yunet": {"weights": str(tmp_path / "yunet.onnx")}}}
    chosen = choose_components(registry, names, options, where="shot")
    assert chosen.problems == ()
    assert chosen.choices["landmark"].name == "face_mesh"
    assert chosen.origins["components.landmark"] == "needed by motion mesh"
