"""Detector ``yunet``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dpe_toolkit.api import CheckpointError, Detections, FrameBatch, sample_rgb
from dpe_yunet_detect.options import YunetOptions

__all__ = ["Network", "YunetDetector", "open_network"]

FloatArray = npt.NDArray[np.float32]
Network = Callable[[npt.NDArray[np.uint8]], FloatArray]
"""Gives (M, 15) for a BGR image: left, top, width, height, five points (x, y), score, in its pixels."""
_NUM_POINTS = 5


def open_network(options: YunetOptions, weights: Path) -> Network:
    """YuNet as OpenCV runs it.

    Raises:
        CheckpointError: OpenCV cannot read the file.
    """
    try:
        network = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), options.score, options.overlap)
    except cv2.error as error:
        raise CheckpointError(
            f"OpenCV cannot read it: {str(error).strip().splitlines()[-1]}",
            "YuNet's ONNX file",
            "get face_detection_yunet_2023mar.onnx again",
            path=weights,
        ) from error

    def find(image: npt.NDArray[np.uint8]) -> FloatArray:
        network.setInputSize((image.shape[1], image.shape[0]))
        _, faces = network.detect(image)
        return np.zeros((0, 15), np.float32) if faces is None else np.asarray(faces, np.float32)

    return find


class YunetDetector:
    """Each frame on its own, shrunk to what the network takes."""

    def __init__(self, options: YunetOptions, network: Network) -> None:
        self._options = options
        self._network = network

    def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
        """The faces of each frame, the largest first; ``previous`` is not needed."""
        return [self._find(frames, row) for row in range(len(frames))]

    def _find(self, frames: FrameBatch, row: int) -> Detections:
        width, height = frames.size_px
        scale = max(1.0, max(width, height) / self._options.longest_px)
        size = (max(round(width / scale), 1), max(round(height / scale), 1))
        factor = np.array([width / size[0], height / size[1]], np.float32)
        to_frame = np.array([[factor[0], 0, 0], [0, factor[1], 0]], np.float32)
        image = (sample_rgb(frames, row, to_frame, size)[:, :, ::-1] * 255 + 0.5).astype(np.uint8)
        found = self._network(np.ascontiguousarray(image))
        found = found[(found[:, 2] > 0) & (found[:, 3] > 0)]
        found = found[np.argsort(-found[:, 2] * found[:, 3], kind="stable")]
        points = np.zeros((len(found), _NUM_POINTS, 3), np.float32)
        points[:, :, :2] = found[:, 4:14].reshape(-1, _NUM_POINTS, 2) * factor
        corners = np.concatenate([found[:, :2], found[:, :2] + found[:, 2:4]], axis=1)
        boxes = (corners * np.tile(factor, 2)).astype(np.float32)
        scores = found[:, 14].clip(0, 1).astype(np.float32)
        return Detections(boxes, points, scores, np.zeros((len(found), 0), np.float32))
