"""Cutting a clip out of its footage with one fixed box."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from skimage.measure import blur_effect

from dpe_research.dataset.motion import ClipMotion
from dpe_research.dataset.shards import RgbPicture
from dpe_toolkit.api import FaceTrack, FloatArray, FrameBatch, Span
from dpe_toolkit.api.components import guard_plugin
from dpe_toolkit.api.face import head_pose
from dpe_toolkit.api.footage import FrameSource, prefetch, sample_rgb

if TYPE_CHECKING:
    from dpe_toolkit.api import ComponentChoice, ExpressionRegressor

__all__ = ["blur_of", "crop_frames", "motion_in_box", "read_pose"]

_BATCH = 8
_BLUR_EVERY = 12
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def crop_frames(reader: FrameSource, span: Span, box_px: tuple[int, int, int, int], size_px: int) -> RgbPicture:
    """(T, S, S, 3) uint8 RGB pictures of the box in these frames.

    Args:
        reader: the footage.
        span: its frames.
        box_px: xyxy in whole pixels, inside the frame.
        size_px: S.
    """
    out = np.empty((len(span), size_px, size_px, 3), np.uint8)
    row = 0
    with prefetch(reader.iterate(span, _BATCH)) as batches:
        for batch in batches:
            for picture in _crops(batch, box_px, size_px):
                out[row] = picture
                row += 1
    return out


def _crops(batch: FrameBatch, box_px: tuple[int, int, int, int], size_px: int) -> Iterator[RgbPicture]:
    side = box_px[2] - box_px[0]
    to_frame = np.array([[1, 0, box_px[0]], [0, 1, box_px[1]]], np.float32)
    # Areas are averaged where the picture shrinks: points alone would shimmer.
    way = cv2.INTER_AREA if side > size_px else cv2.INTER_CUBIC
    for row in range(len(batch)):
        picture = sample_rgb(batch, row, to_frame, (side, side))
        if side != size_px:
            picture = np.asarray(cv2.resize(picture, (size_px, size_px), interpolation=way), np.float32)
        yield np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def motion_in_box(track: FaceTrack, box_px: tuple[int, int, int, int], size_px: int) -> ClipMotion:
    """What the track does, in pixels of the clip's pictures."""
    scale = size_px / (box_px[2] - box_px[0])
    mesh = track.landmarks_px * np.float32(scale)
    mesh[:, :, :2] -= np.array(box_px[:2], np.float32) * np.float32(scale)
    pose, place = head_pose(mesh, size_px)
    return ClipMotion(mesh, pose, place, np.clip(track.blendshapes, 0, 1), np.clip(track.scores, 0, 1))


def blur_of(pictures: RgbPicture, motion: ClipMotion) -> float:
    """How blurred the face is, median over some frames: 0 sharp, 1 flat.

    Source: F. Crete et al., The blur effect: perception and estimation with a new no-reference perceptual blur
    metric, 2007; measured inside the box of the mesh.
    """
    found: list[float] = []
    size = pictures.shape[1]
    for row in range(0, len(pictures), _BLUR_EVERY):
        points = motion.mesh_px[row, :, :2]
        left, top = np.clip(np.floor(points.min(axis=0)), 0, size - 16).astype(int)
        right, bottom = np.clip(np.ceil(points.max(axis=0)), 16, size).astype(int)
        luma = pictures[row, top : max(bottom, top + 16), left : max(right, left + 16)].astype(np.float32) @ _LUMA
        found.append(float(blur_effect(luma / 255)))  # type: ignore[no-untyped-call] # skimage states no types
    return float(np.median(found))


def read_pose(
    regressor: ExpressionRegressor, choice: ComponentChoice, clip: str, pictures: RgbPicture, motion: ClipMotion
) -> ClipMotion:
    """The motion with pose and place as a regressor reads them in the pictures.

    Raises:
        PluginError: the regressor raised, or gave something else than its protocol says.
    """
    pose: list[FloatArray] = []
    place: list[FloatArray] = []
    for span in Span(0, len(pictures)).split(_BATCH):
        part = slice(span.start, span.stop)
        batch = torch.from_numpy(pictures[part]).permute(0, 3, 1, 2).float() / 255
        with guard_plugin(choice, clip, span), torch.no_grad():
            reading = regressor.read(batch, torch.from_numpy(motion.mesh_px[part]))
            for name, values, found in (("pose_deg", reading.pose_deg, pose), ("place", reading.place, place)):
                array = values.cpu().numpy().astype(np.float32)
                if array.shape != (len(span), 3) or not np.isfinite(array).all():
                    raise ValueError(f"read() gave a {name} of {array.shape} that is not ({len(span)}, 3) and finite")
                found.append(array)
    return ClipMotion(motion.mesh_px, np.concatenate(pose), np.concatenate(place), motion.blendshapes, motion.score)
