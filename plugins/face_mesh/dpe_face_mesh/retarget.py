"""One person's expression on another's face: displacement from rest, openings in proportion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dpe_toolkit.api import REGIONS
from dpe_toolkit.api.face import (
    EYES,
    INNER_LIP_PAIRS,
    MOUTH_CORNERS,
    NUM_MESH_VERTICES,
    Eye,
    region_weights,
    rotation_matrix,
    rotation_vector,
)

__all__ = ["Person", "retarget", "retarget_poses"]

FloatArray = npt.NDArray[np.float32]
_CLOSED_SHARE = 0.18
"""Gap that the mesh shows between closed lids, as a share of the gap at rest (0.12 to 0.26 over nine clips)."""
_BLINK_SHARE = 0.3
"""Least gap of a clip, as a share of the gap at rest, below which the clip shows a blink."""
_SHUT = 0.04
"""Gap that is left between shut lids, as a share of the gap at rest."""
_BEYOND = 0.9
"""Share that is drawn of an opening wider than the source's clip shows: there are no pixels for it, lashes smear."""


@dataclass(frozen=True, slots=True)
class Person:
    """What retargeting needs to know of one person, in canonical coordinates."""

    rest: FloatArray
    """(478, 3) face at rest."""
    lids_closed: FloatArray
    """(2,) gap between the lids of each eye when closed, as a share of the gap at rest."""

    lids_widest: FloatArray
    """(2,) widest gap between the lids of each eye in the clip, as a share of the gap at rest."""

    @classmethod
    def of(cls, rest: FloatArray, shapes: FloatArray) -> Person:
        """The person whose clip has these (T, 478, 3) shapes; a blink in it shows how far lids close."""
        shares, widest = [], []
        for eye in EYES:
            gap = _eye_gap(shapes, eye) / max(float(_eye_gap(rest[None], eye)[0]), 1e-6)
            least = float(gap.min())
            widest.append(float(np.quantile(gap, 0.95)))
            shares.append(max(least, _CLOSED_SHARE / 2) if least < _BLINK_SHARE else _CLOSED_SHARE)
        return cls(rest, np.array(shares, np.float32), np.array(widest, np.float32))


def retarget(driver_shapes: FloatArray, driver: Person, source: Person) -> FloatArray:
    """(T, 478, 3) shapes of the source's face that do what the driver's do.

    The driver's displacement from rest is put on the source's rest, widths in proportion; then lips and
    lids are set to the driver's *openings* in proportion to each person's own, so that what touches in
    the driver touches in the result.
    """
    ratio = _mouth_width(source.rest) / _mouth_width(driver.rest)
    scale = np.ones((NUM_MESH_VERTICES, 1), np.float32)
    lips = region_weights()[REGIONS.index("mouth")][:, None]
    scale += lips * (ratio - 1)
    shapes = source.rest + (driver_shapes - driver.rest) * scale
    _set_lips(shapes, driver_shapes, ratio)
    for number, eye in enumerate(EYES):
        _set_lids(shapes, driver_shapes, driver, source, eye=eye, number=number)
    return shapes


def retarget_poses(source: FloatArray, driver: FloatArray, driver_track: FloatArray, amount: FloatArray) -> FloatArray:
    """(T, 7) the source's poses, each turned by a share of the driver's rotation away from his mean one.

    Scale and place stay the source's, since the driver's say where his camera stood.

    Args:
        source: (T, 7).
        driver: (T, 7) of the driver's frames that these rows take after.
        driver_track: (M, 7) of the driver's whole clip.
        amount: (T,) share of the rotation.
    """
    pose = source.copy()
    rows = np.flatnonzero(amount)
    if not len(rows):
        return pose
    mean = driver_track[:, 1:4].mean(axis=0, dtype=np.float32, keepdims=True)
    rotation = rotation_matrix(driver[rows, 1:4]) @ rotation_matrix(mean).transpose(0, 2, 1)
    part = rotation_matrix((rotation_vector(rotation.astype(np.float64)) * amount[rows, None]).astype(np.float32))
    pose[rows, 1:4] = rotation_vector((part @ rotation_matrix(pose[rows, 1:4])).astype(np.float64))
    return pose


def _set_lips(shapes: FloatArray, driver_shapes: FloatArray, ratio: float) -> None:
    """Sets the gap of each pair of inner lip vertices to the driver's, in proportion; never overlapping."""
    upper, lower = INNER_LIP_PAIRS.T
    wanted = np.maximum(driver_shapes[:, lower, 1] - driver_shapes[:, upper, 1], 0) * ratio
    correction = (wanted - (shapes[:, lower, 1] - shapes[:, upper, 1])) / 2
    shapes[:, lower, 1] += correction
    shapes[:, upper, 1] -= correction


def _set_lids(
    shapes: FloatArray, driver_shapes: FloatArray, driver: Person, source: Person, *, eye: Eye, number: int
) -> None:
    """Moves the upper lid so that the eye is as open, between closed and rest, as the driver's."""
    upper, lower = eye.lid_pairs.T
    rest = float(_eye_gap(driver.rest[None], eye)[0])
    closed = float(driver.lids_closed[number])
    openness = (_eye_gap(driver_shapes, eye) / max(rest, 1e-6) - closed) / (1 - closed)
    share = _SHUT + np.clip(openness, 0, None) * (1 - _SHUT)
    beyond = np.maximum(share - source.lids_widest[number], 0)
    share = share - (1 - _BEYOND) * beyond
    own_gap = source.rest[lower] - source.rest[upper]
    wanted = own_gap[None] * share[:, None, None]
    shapes[:, upper] = shapes[:, lower] - wanted


def _eye_gap(shapes: FloatArray, eye: Eye) -> FloatArray:
    """(T,) mean gap between the lids."""
    upper, lower = eye.lid_pairs.T
    return np.asarray(np.linalg.norm(shapes[:, lower] - shapes[:, upper], axis=2).mean(axis=1), np.float32)


def _mouth_width(shape: FloatArray) -> float:
    """Canonical units between the corners of a (478, 3) shape."""
    left, right = MOUTH_CORNERS
    return float(np.linalg.norm(shape[right] - shape[left]))
