"""One person's expression on another's face: displacement from rest, openings in proportion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from dpe_face_mesh.bundle import canonical_face
from dpe_face_mesh.topology import (
    EYES,
    INNER_LIP_PAIRS,
    INNER_LIPS,
    MOUTH_CORNERS,
    NUM_VERTICES,
    OUTER_LIPS,
    RIGID,
    Eye,
)
from dpe_toolkit.api import REGIONS

__all__ = ["Person", "region_weights", "retarget"]

FloatArray = npt.NDArray[np.float32]
_CLOSED_SHARE = 0.18
"""Gap that the mesh shows between closed lids, as a share of the gap at rest (0.12 to 0.26 over nine clips)."""
_BLINK_SHARE = 0.3
_SHUT = 0.04
_BEYOND = 0.9
"""Share that is drawn of an opening wider than the source's clip shows: there are no pixels for it, lashes smear."""
_SEEDS = {
    "brows": [70, 63, 105, 66, 107, 55, 65, 52, 53, 46, 300, 293, 334, 296, 336, 285, 295, 282, 283, 276],
    "eyes": [*EYES[0].ring, *EYES[1].ring, 27, 28, 29, 30, 56, 257, 258, 259, 260, 286, 23, 24, 253, 254],
    "gaze": [*EYES[0].iris, *EYES[1].iris],
    "cheeks": [50, 101, 118, 117, 123, 147, 187, 205, 280, 330, 347, 346, 352, 376, 411, 425, 213, 433],
    "mouth": [*INNER_LIPS, *OUTER_LIPS, 164, 18, 92, 322, 106, 335, 57, 287, 186, 410, 98, 327],
    "jaw": [152, 148, 176, 149, 150, 136, 172, 377, 400, 378, 379, 365, 397, 199, 175, 171, 396, 200, 208, 428],
}
_STILL = [*RIGID, 1, 4, 5, 6, 122, 351, 234, 454, 93, 323]
_REACH = 0.9


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


@lru_cache(maxsize=1)
def region_weights() -> FloatArray:
    """(6, 478) soft membership of each vertex in `REGIONS`; what is missing to 1 stays still.

    Source: our choice: normalised Gaussians of the distance to each region's seeds in the canonical face.
    """
    vertices = np.zeros((NUM_VERTICES, 3), np.float32)
    vertices[:468] = canonical_face().vertices
    for eye in EYES:
        vertices[eye.iris] = vertices[eye.ring].mean(axis=0)
    affinities = []
    for seeds in [*(_SEEDS[name] for name in REGIONS), _STILL]:
        distance = np.linalg.norm(vertices[:, None] - vertices[None, seeds], axis=2).min(axis=1)
        affinities.append(np.exp(-((distance / _REACH) ** 2) / 2) + 1e-6)
    weights = np.stack(affinities)
    for row, name in enumerate(REGIONS):
        if name != "gaze":
            weights[row, 468:] = 0
    weights[:, _SEEDS["gaze"]] = 0
    weights[REGIONS.index("gaze"), :468] = 0
    weights[REGIONS.index("gaze"), 468:] = 1
    return np.asarray((weights / weights.sum(axis=0))[: len(REGIONS)], np.float32)


def vertex_weights(regions: Mapping[str, float], changing: Mapping[str, FloatArray] | None = None) -> FloatArray:
    """(1 or N, 478) share of the edit that each vertex takes; a region that is not named takes all.

    Args:
        regions: weight by name.
        changing: (N,) weights of regions that change from row to row; they go before ``regions``.
    """
    chosen = [(changing or {}).get(name, np.full(1, regions.get(name, 1.0), np.float32)) for name in REGIONS]
    return np.asarray(np.stack(np.broadcast_arrays(*chosen), axis=1).astype(np.float32) @ region_weights(), np.float32)


def retarget(driver_shapes: FloatArray, driver: Person, source: Person) -> FloatArray:
    """(T, 478, 3) shapes of the source's face that do what the driver's do.

    The driver's displacement from rest is put on the source's rest, widths in proportion; then lips and
    lids are set to the driver's *openings* in proportion to each person's own, so that what touches in
    the driver touches in the result.
    """
    ratio = _mouth_width(source.rest) / _mouth_width(driver.rest)
    scale = np.ones((NUM_VERTICES, 1), np.float32)
    lips = region_weights()[REGIONS.index("mouth")][:, None]
    scale += lips * (ratio - 1)
    shapes = source.rest + (driver_shapes - driver.rest) * scale
    _set_lips(shapes, driver_shapes, ratio)
    for number, eye in enumerate(EYES):
        _set_lids(shapes, driver_shapes, driver, source, eye=eye, number=number)
    return shapes


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
    left, right = MOUTH_CORNERS
    return float(np.linalg.norm(shape[right] - shape[left]))
