"""Motion codes from meshes: pose is where the head is, expression is the shape that remains."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt

from dpe_face_mesh.bundle import load_network
from dpe_face_mesh.codes import mesh_codes, poses_of, shapes_of
from dpe_face_mesh.neutral import least_active, relax
from dpe_face_mesh.options import MotionOptions
from dpe_face_mesh.retarget import Person, retarget, retarget_poses
from dpe_toolkit.api import FaceBatch, FaceTrack, MixRequest, MotionCode, MotionTrack
from dpe_toolkit.api.face import canonical_shapes, fit_pose, vertex_weights

__all__ = ["MeshMotion"]

FloatArray = npt.NDArray[np.float32]
_TREMOR = 0.05
"""Movement in canonical units from which a vertex is smoothed little."""


class MeshMotion:
    """Pose by Procrustes on the rigid vertices; expression is the mesh in canonical space.

    `dpe_face_mesh.codes` says what codes hold.

    Args:
        options: of smoothing and of the neutral.
    """

    needs_pixels = False

    def __init__(self, options: MotionOptions) -> None:
        self._options = options

    def extract(self, faces: FaceBatch) -> MotionCode:
        """Codes of N meshes, on the device of their landmarks."""
        offset = faces.placement.to_frame[:, None, :, 2]
        points = faces.landmarks_px.cpu().numpy().astype(np.float32)
        points = np.concatenate([points[..., :2] + offset, points[..., 2:]], axis=2)
        pose = fit_pose(points)
        return mesh_codes(canonical_shapes(points, pose), pose, faces.landmarks_px.device)

    def settle(self, codes: MotionCode, track: FaceTrack, rate: Fraction, neutral_row: int | None) -> MotionTrack:
        """Fills gaps, smooths expression, finds the neutral; see `dpe_toolkit.api.MotionExtractor`."""
        shapes, pose = shapes_of(codes), poses_of(codes)
        seen = np.flatnonzero(track.present)
        for values in (shapes.reshape(len(shapes), -1), pose):
            _fill_gaps(values, seen)
        neutral = self._neutral(shapes, track, neutral_row)
        sigma = self._options.smoothing_s * float(rate)
        if sigma > 0 and len(shapes) > 1:
            shapes = _smooth(shapes, sigma)
        device = codes.pose.device
        return MotionTrack(
            mesh_codes(shapes, pose, device),
            mesh_codes(neutral[None], pose[seen[:1]], device),
            track.present,
            track.blendshapes,
            int(track.index[0]),
        )

    def _neutral(self, shapes: FloatArray, track: FaceTrack, row: int | None) -> FloatArray:
        """(478, 3) the face at rest: the row that is named, else an estimate from the clip."""
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
        pose = retarget_poses(
            poses_of(source.codes), poses_of(driver_codes), poses_of(driver.codes), request.pose.cpu().numpy()
        )
        return mesh_codes(shapes, pose, source.codes.pose.device)


def _smooth(shapes: FloatArray, sigma: float) -> FloatArray:
    """(T, 478, 3) without tremor: vertices that hardly move are smoothed over a long time, moving ones little.

    Source: our choice. A plain Gaussian strong enough for the network's tremor (about 0.02 canonical units)
    takes the top off a blink; so a narrow and a wide one are blended by how far apart they are.

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


def _fill_gaps(values: FloatArray, seen: npt.NDArray[np.int64]) -> None:
    """Overwrites the rows of (T, K) in which the face is missing by lines between its neighbours ``seen``, in place."""
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
