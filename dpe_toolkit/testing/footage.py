"""Short clips of one face of which it is known where it is, as decoded frames: what the conformance kit looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data

from dpe_toolkit.core.frames import FrameBatch, PixelLayout
from dpe_toolkit.face.topology import NUM_MESH_VERTICES
from dpe_toolkit.face.tracks import FaceTrack, FloatArray
from dpe_toolkit.testing.clips import ClipSpec, draw_picture
from dpe_toolkit.testing.faces import performance
from dpe_toolkit.testing.pictures import LAYOUTS, RgbPicture, batch_from_rgb

__all__ = ["NUM_FRAMES", "NUM_POINTS", "KnownClip", "acted_clip", "drawn_clip", "photograph_clip"]

NUM_FRAMES = 7
"""Frames of a clip: a number that no other axis is likely to have, so that axes of rows can be told."""
NUM_POINTS = NUM_MESH_VERTICES
"""Landmarks of a track that no detector made: as many as the face mesh has, so that positions exist."""

_SIZE_PX = (320, 240)
_CORNER = (66, 20)
_FACE = (178.0, 66.0, 274.0, 180.0)
"""The face of the photograph, in its pixels; looked up by eye."""
_JAW_PX = 6.0


@dataclass(frozen=True, slots=True)
class KnownClip:
    """N pictures of one face, and where it is in each."""

    pictures: RgbPicture
    """(N, H, W, 3)."""
    boxes_px: FloatArray
    """(N, 4) xyxy around the face, from chin to brow at least and to the crown at most."""

    def frames(self, layout: PixelLayout = LAYOUTS["yuv420p"]) -> FrameBatch:
        """The pictures as a decoder gives them."""
        return batch_from_rgb(self.pictures, layout=layout)

    def shifted(self, right_px: int, down_px: int) -> KnownClip:
        """The clip moved as a whole; what leaves on one side comes in on the other."""
        moved = np.ascontiguousarray(np.roll(self.pictures, (down_px, right_px), (1, 2)))
        boxes = self.boxes_px + np.array([right_px, down_px] * 2, np.float32)
        return KnownClip(moved, boxes)

    def mirrored(self) -> KnownClip:
        """The clip with left and right exchanged."""
        width = self.pictures.shape[2]
        left, top, right, bottom = self.boxes_px.T
        boxes = np.stack([width - right, top, width - left, bottom], axis=1)
        return KnownClip(np.ascontiguousarray(self.pictures[:, :, ::-1]), boxes)

    def blank(self) -> KnownClip:
        """As many pictures of a plain wall, in which there is no face."""
        return replace(self, pictures=np.full_like(self.pictures, 128))

    def track(self) -> FaceTrack:
        """The face as a track with `NUM_POINTS` landmarks spread evenly over its oval, and no blendshapes."""
        count = len(self.pictures)
        middle = (self.boxes_px[:, :2] + self.boxes_px[:, 2:]) / 2
        radius = (self.boxes_px[:, 2:] - self.boxes_px[:, :2]) / 2
        planar = middle[:, None] + radius[:, None] * _sunflower()[None]
        points = np.concatenate([planar, np.zeros((count, NUM_POINTS, 1), np.float32)], axis=2)
        return FaceTrack(
            np.arange(count, dtype=np.int64),
            self.boxes_px,
            points.astype(np.float32),
            np.ones(count, np.float32),
            np.ones(count, np.bool_),
            np.zeros((count, 0), np.float32),
        )


@cache
def photograph_clip(num_frames: int = NUM_FRAMES) -> KnownClip:
    """The photograph of Eileen Collins that scikit-image ships (NASA, public domain), drifting; her face is still.

    320x240, the face about 100 px wide.
    """
    return _filmed(num_frames, lambda frame: (1.5 * frame, -0.75 * frame), lambda frame: 0.0)


@cache
def acted_clip(num_frames: int = NUM_FRAMES) -> KnownClip:
    """The same photograph with a jaw that drops and rises by up to 6 px: a performance to lend."""
    jaw = [_JAW_PX * np.sin(np.pi * frame / max(num_frames - 1, 1)) for frame in range(num_frames)]
    return _filmed(num_frames, lambda frame: (4.0, 2.0), lambda frame: float(jaw[frame]))


@cache
def drawn_clip(num_frames: int = NUM_FRAMES, first_frame: int = 0) -> KnownClip:
    """The drawn face of `performance`, which every fake component of the kit knows how to read."""
    spec = ClipSpec(num_frames=num_frames, numbered=False)
    frames = range(first_frame, first_frame + num_frames)
    pictures = np.stack([draw_picture(spec, frame) for frame in frames])
    boxes = [performance(frame, size_px=spec.size_px)[0].box_px for frame in frames]
    return KnownClip(pictures, np.array(boxes, np.float32))


def _filmed(num_frames: int, place: Callable[[int], tuple[float, float]], jaw_px: Callable[[int], float]) -> KnownClip:
    photograph = np.ascontiguousarray(data.astronaut())  # type: ignore[no-untyped-call] # not annotated there
    width, height = _SIZE_PX
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    pictures, boxes = [], []
    for frame in range(num_frames):
        shift_x, shift_y = place(frame)
        map_x, map_y = x + _CORNER[0] - shift_x, y + _CORNER[1] - shift_y
        map_y = map_y - jaw_px(frame) * _jaw_share(map_x, map_y)
        pictures.append(cv2.remap(photograph, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
        offset = np.array([shift_x - _CORNER[0], shift_y - _CORNER[1]] * 2)
        boxes.append(np.array(_FACE) + offset)
    return KnownClip(np.asarray(pictures, np.uint8), np.array(boxes, np.float32))


def _jaw_share(x: FloatArray, y: FloatArray) -> FloatArray:
    """How far each pixel of the photograph follows the jaw: all at the lower lip, none above the upper one."""
    down = np.clip((y - 138) / 14, 0, 1) * np.clip((205 - y) / 40, 0, 1)
    return np.asarray(np.exp(-(((x - 226) / 42) ** 2)) * down * down * (3 - 2 * down), np.float32)


def _sunflower() -> npt.NDArray[np.float64]:
    """(`NUM_POINTS`, 2) points spread evenly over the unit disk."""
    rank = np.arange(NUM_POINTS) + 0.5
    radius, angle = np.sqrt(rank / NUM_POINTS), rank * np.pi * (3 - np.sqrt(5))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
