"""One picture as a clip of one frame, analysed for the components that edit footage."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dpe_toolkit.api import (
    ColorInfo,
    ComponentChoice,
    Detections,
    FaceBatch,
    FaceTrack,
    FrameBatch,
    MotionTrack,
    PixelLayout,
)
from dpe_toolkit.api.components import (
    DETECTOR,
    ENCODER,
    MOTION,
    ComponentPool,
    WindowPlan,
    cut_faces,
    guard_plugin,
    plan_windows,
    taken_codes,
    taken_motion,
    window_shape,
)

__all__ = ["AnalysedStill", "analyse_still", "still_frames"]

_RATE = Fraction(25)
_LAYOUT = PixelLayout("gbrp", "rgb", 8)
_COLOR = ColorInfo(matrix=0, transfer=13, primaries=1, range=2)

RgbPicture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class AnalysedStill:
    """A picture with the face in it."""

    frames: FrameBatch
    """One frame, at the size that components work at."""
    track: FaceTrack
    """One row."""
    motion: MotionTrack
    """One row."""
    windows: WindowPlan

    def faces(self, device: torch.device) -> FaceBatch:
        """The native window around the face."""
        return cut_faces(self.frames, self.track, np.zeros(1, np.int64), self.windows, device)


def still_frames(picture: Tensor, smallest_px: int) -> FrameBatch:
    """A uint8 picture (3, S, S) as a decoded frame, enlarged where it is smaller than components can work with."""
    rgb = np.ascontiguousarray(picture.permute(1, 2, 0).numpy())
    if rgb.shape[0] < smallest_px:
        rgb = np.asarray(cv2.resize(rgb, (smallest_px, smallest_px), interpolation=cv2.INTER_CUBIC), np.uint8)
    planes = tuple(np.ascontiguousarray(rgb[None, :, :, channel]) for channel in (1, 2, 0))
    index = np.zeros(1, np.int64)
    return FrameBatch(planes, _LAYOUT, _COLOR, index, index, 1 / _RATE, _RATE)


def analyse_still(
    frames: FrameBatch, choices: dict[str, ComponentChoice], pool: ComponentPool, clip: str
) -> AnalysedStill | None:
    """The largest face of a frame and its motion; None where no face is found."""
    detector, extractor = choices["detector"], choices["motion"]
    with guard_plugin(detector, clip):
        (found,) = pool.get(DETECTOR, detector, clip).detect(frames, None)
    if not len(found):
        return None
    track = _track(found)
    motion = pool.get(MOTION, extractor, clip)
    with guard_plugin(extractor, clip):
        faces = cut_faces(frames, track, np.zeros(1, np.int64), plan_windows(track, window_shape(motion)), pool.device)
        codes = taken_codes("extract()", motion.extract(faces), len(faces))
        settled = taken_motion(motion.settle(codes, track, _RATE, None), track)
    windows = plan_windows(track, window_shape(pool.get(ENCODER, choices["encoder"], clip)))
    return AnalysedStill(frames, track, settled, windows)


def _track(found: Detections) -> FaceTrack:
    sides = found.boxes_px[:, 2:] - found.boxes_px[:, :2]
    best = [int(sides.prod(axis=1).argmax())]
    return FaceTrack(
        np.zeros(1, np.int64),
        found.boxes_px[best],
        found.landmarks_px[best],
        found.scores[best],
        np.ones(1, np.bool_),
        found.blendshapes[best],
    )
