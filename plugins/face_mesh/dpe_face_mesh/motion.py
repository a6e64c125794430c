"""Motion codes from meshes: pose is where the head is, expression is the shape that remains."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt
import torch

from dpe_face_mesh.bundle import load_network
from dpe_face_mesh.neutral import least_active, relax
from dpe_face_mesh.options import MotionOptions
from dpe_face_mesh.retarget import Person, retarget
from dpe_face_mesh.space import MESH_SPACE
from dpe_toolkit.api import (
    NUM_MESH_VERTICES,
    FaceBatch,
    FaceTrack,
    MixRequest,
    MotionCode,
    MotionTrack,
    canonical_shapes,
    fit_pose,
    place_shapes,
    rotation_matrix,
    rotation_vector,
    vertex_weights,
)

__all__ = ["MeshMotion", "mesh_points", "poses_of", "shapes_of"]

FloatArray = npt.NDArray[np.float32]
_TREMOR = 0.05


class MeshMotion:
    """Pose by Procrustes on the rigid vertices; expression is the mesh in canonical space.

    Codes: ``expression`` holds the 478 vertices (x, y, z) in canonical units (about centimetres) before
    the head is placed; ``pose`` is log scale, rotation vector and translation in frame pixels.
    """

    needs_pixels = False

    def __init__(self, options: MotionOptions) -> None:
        self._options = options

    def extract(self, faces: FaceBatch) -> MotionCode:
        """Codes of N meshes."""
        offset = faces.placement.to_frame[:, None, :, 2]
        points = faces.landmarks_px.cpu().numpy().astype(np.float32)
        points = np.concatenate([points[..., :2] + offset, points[..., 2:]], axis=2)
        pose = fit_pose(points)
        return _code(canonical_shapes(points, pose), pose, faces.landmarks_px.device)

    def settle(self, codes: MotionCode, track: FaceTrack, rate: Fraction, neutral_row: int | None) -> MotionTrack:
        """Bridges gaps, smooths expression, finds the neutral; see `dpe_toolkit.api.MotionExtractor`."""
        shapes, pose = shapes_of(codes), poses_of(codes)
        seen = np.flatnonzero(track.present)
        for values in (shapes.reshape(len(shapes), -1), pose):
            _bridge(values, seen)
        neutral = self._neutral(shapes, track, neutral_row)
        sigma = self._options.smoothing_s * float(rate)
        if sigma > 0 and len(shapes) > 1:
            shapes = _steady(shapes, sigma)
        device = codes.pose.device
        return MotionTrack(
            _code(shapes, pose, device),
            _code(neutral[None], pose[seen[:1]], device),
            track.present,
            track.blendshapes,
            int(track.index[0]),
        )

    def _neutral(self, shapes: FloatArray, track: FaceTrack, row: int | None) -> FloatArray:
        if row is not None:
            return np.asarray(shapes[row])
        calm = least_active(shapes, track.blendshapes, track.present)
        return relax(calm, load_network("face_blendshapes")) if self._options.relax_neutral else calm

    def mix(
        self, source: MotionTrack, driver: MotionTrack, driver_codes: MotionCode, request: MixRequest
    ) -> MotionCode:
        """The source's shapes moved to what the driver's do; see `dpe_toolkit.api.MotionExtractor`."""
        own, theirs = shapes_of(source.codes), shapes_of(driver_codes)
        own_person = Person.of(shapes_of(source.neutral)[0], own)
        driver_person = Person.of(shapes_of(driver.neutral)[0], shapes_of(driver.codes))
        wanted = retarget(theirs, driver_person, own_person)
        if request.mode == "relative":
            wanted = own + (wanted - own_person.rest)
        changing = {region: rows.cpu().numpy() for region, rows in request.region_rows.items()}
        share = request.expression.cpu().numpy()[:, None] * vertex_weights(request.regions, changing)
        shapes = own + share[:, :, None].astype(np.float32) * (wanted - own)
        pose = _mix_pose(source.codes, driver_codes, driver, request.pose.cpu().numpy())
        return _code(shapes, pose, source.codes.pose.device)


def shapes_of(codes: MotionCode) -> FloatArray:
    """(N, 478, 3) a copy of the canonical shapes that codes hold, on whatever device."""
    return codes.expression.cpu().numpy().reshape(-1, NUM_MESH_VERTICES, 3).astype(np.float32)


def poses_of(codes: MotionCode) -> FloatArray:
    """(N, 7) a copy of the poses that codes hold, on whatever device."""
    return codes.pose.cpu().numpy().astype(np.float32)


def mesh_points(codes: MotionCode) -> FloatArray:
    """(N, 478, 3) the meshes in frame pixels that codes stand for."""
    return place_shapes(shapes_of(codes), poses_of(codes))


def _code(shapes: FloatArray, pose: FloatArray, device: torch.device) -> MotionCode:
    flat = np.ascontiguousarray(shapes.reshape(len(shapes), NUM_MESH_VERTICES * 3), np.float32)
    rows = np.ascontiguousarray(pose, np.float32)
    return MotionCode(MESH_SPACE, torch.from_numpy(flat).to(device), torch.from_numpy(rows).to(device))


def _steady(shapes: FloatArray, sigma: float) -> FloatArray:
    """(T, 478, 3) without tremor: vertices that hardly move are smoothed over a long time, moving ones little.

    Source: our choice. A plain Gaussian strong enough for the network's tremor (about 0.02 canonical units)
    takes the top off a blink; so a narrow and a wide one are mixed by how far apart they are.

    Args:
        shapes: (T, 478, 3).
        sigma: width of the narrow filter in frames; the wide one is four times that.
    """
    narrow, wide = (_blur(shapes, width) for width in (sigma, 4 * sigma))
    apart = ((narrow - wide) ** 2).sum(axis=2, keepdims=True)
    moving = apart / (apart + _TREMOR**2)
    return np.asarray(wide + moving * (narrow - wide), np.float32)


def _blur(shapes: FloatArray, sigma: float) -> FloatArray:
    """(T, 478, 3) smoothed over time by a Gaussian of ``sigma`` frames; the ends are held."""
    rows = np.ascontiguousarray(shapes.reshape(len(shapes), -1))
    length = 2 * int(4 * sigma + 0.5) + 1
    smooth = cv2.GaussianBlur(rows, (1, length), sigmaX=1, sigmaY=sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(smooth, np.float32).reshape(shapes.shape)


def _bridge(values: FloatArray, seen: npt.NDArray[np.int64]) -> None:
    """Overwrites the rows of (T, K) that were not seen by lines between those that were."""
    rows = np.arange(len(values))
    missing = np.setdiff1d(rows, seen)
    if not len(missing) or not len(seen):
        return
    after = np.clip(np.searchsorted(seen, missing), 0, len(seen) - 1)
    before = np.clip(np.searchsorted(seen, missing) - 1, 0, len(seen) - 1)
    low, high = seen[before], seen[after]
    share = (missing - low) / np.maximum(high - low, 1)
    share = np.clip(share, 0, 1)[:, None].astype(np.float32)
    values[missing] = values[low] * (1 - share) + values[high] * share


def _mix_pose(own: MotionCode, theirs: MotionCode, driver: MotionTrack, amount: FloatArray) -> FloatArray:
    """The source's pose, turned by the amount of the driver's turn away from his mean pose."""
    pose = poses_of(own)
    rows = np.flatnonzero(amount)
    if not len(rows):
        return pose
    mean = poses_of(driver.codes)[:, 1:4].mean(axis=0, dtype=np.float32, keepdims=True)
    turn = rotation_matrix(poses_of(theirs)[rows, 1:4]) @ rotation_matrix(mean).transpose(0, 2, 1)
    part = rotation_matrix((rotation_vector(turn.astype(np.float64)) * amount[rows, None]).astype(np.float32))
    pose[rows, 1:4] = rotation_vector((part @ rotation_matrix(pose[rows, 1:4])).astype(np.float64))
    return pose
