"""A person's face at rest, estimated from a clip in which it may never be at rest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dpe_face_mesh.bundle import Network
from dpe_toolkit.api.face import (
    BLENDSHAPE_NAMES,
    BLENDSHAPE_VERTICES,
    EYES,
    INNER_LIP_PAIRS,
    NUM_MESH_VERTICES,
    RIGID_VERTICES,
    canonical_face,
    region_blendshapes,
)

__all__ = ["least_active", "relax"]

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
_REST = 0.05
"""Activity that counts as rest."""
_TOUCH = 0.03
"""Gap in canonical units between lips that touch."""
_STEP = 0.05
"""Canonical units by which a vertex is moved for the Jacobian."""
_STEPS = 4
"""Of Gauss-Newton."""
_PIXELS = 20.0
"""Of a canonical unit in what the network is given, which expects a face in an image."""
_RIDGE = 0.02
_LEFT_OUT = {"_neutral", *region_blendshapes("gaze")}
_CHANNELS = np.array([i for i, name in enumerate(BLENDSHAPE_NAMES) if name not in _LEFT_OUT])
_SHARE = np.array([0.5 if BLENDSHAPE_NAMES[i] in region_blendshapes("brows") else 1.0 for i in _CHANNELS])
"""Share of a channel's activity that is taken out. Half for brows, whose height is as much a person's build."""


def least_active(shapes: FloatArray, blendshapes: FloatArray, present: npt.NDArray[np.bool_]) -> FloatArray:
    """(478, 3) mean of the tenth of the clip (at least 3 frames) with the least total blendshape activity."""
    rows = np.flatnonzero(present)
    activity = blendshapes[rows, 1:].sum(axis=1)
    count = max(3, len(rows) // 10)
    return np.asarray(shapes[rows[np.argsort(activity, kind="stable")[:count]]].mean(axis=0), np.float32)


def relax(shape: FloatArray, network: Network) -> FloatArray:
    """The shape with its remaining expression taken out.

    Who smiles through a whole clip has no frame at rest. The least active shape is moved, by the smoothest
    displacement that does it, to where the blendshape network reads every activity (gaze aside) as at
    most `_REST` and the lips touch: Gauss-Newton with the mesh Laplacian as metric and the network's
    numerical Jacobian, taken once; rigid vertices are held.

    Source: our choice. With plain least-active neutrals the expression of a smiling source is added to
    the driver's; relaxing both brings the blendshapes of retargeted meshes from 0.64 to 0.45 of the
    unedited distance to the driver's (mean over five pairs of clips).

    Args:
        shape: (478, 3) canonical coordinates.
        network: the blendshape network.
    """
    relaxed = shape.astype(np.float64)
    inverse = np.linalg.inv(_stiffness(relaxed))
    before, jacobian = _linearise(relaxed, network)
    jacobian = np.concatenate([jacobian, _lip_gaps(relaxed)[1]])
    response = np.concatenate([inverse @ jacobian[:, :, axis].T for axis in (0, 1)])
    gram = jacobian.transpose(0, 2, 1).reshape(len(jacobian), -1) @ response
    solve = response @ np.linalg.inv(gram + _RIDGE * np.eye(len(jacobian)))
    aim = np.maximum(np.minimum(_REST, before), (1 - _SHARE) * before)
    for _ in range(_STEPS):
        short = np.concatenate([np.minimum(aim - _read(relaxed, network), 0), _TOUCH - _lip_gaps(relaxed)[0]])
        relaxed[:, :2] += (solve @ short.clip(-0.3, 0.3)).reshape(2, NUM_MESH_VERTICES).T
    return relaxed.astype(np.float32)


def _read(shape: Float64Array, network: Network) -> Float64Array:
    """(C,) activities of `_CHANNELS` of a canonical shape seen from the front."""
    points = (shape[BLENDSHAPE_VERTICES, :2] * _PIXELS + 500).astype(np.float32)
    return np.asarray(network(points[None])[0].reshape(-1)[_CHANNELS], np.float64)


def _linearise(shape: Float64Array, network: Network) -> tuple[Float64Array, Float64Array]:
    """Activities (C,) and their derivatives (C, 478, 2) by canonical x and y."""
    activity = _read(shape, network)
    jacobian = np.zeros((len(_CHANNELS), NUM_MESH_VERTICES, 2))
    for vertex in BLENDSHAPE_VERTICES:
        for axis in (0, 1):
            moved = shape.copy()
            moved[vertex, axis] += _STEP
            jacobian[:, vertex, axis] = (_read(moved, network) - activity) / _STEP
    return activity, jacobian


def _lip_gaps(shape: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Gaps (9,) between the lips in canonical units and their derivatives (9, 478, 2)."""
    upper, lower = INNER_LIP_PAIRS.T
    jacobian = np.zeros((len(upper), NUM_MESH_VERTICES, 2))
    rows = np.arange(len(upper))
    jacobian[rows, lower, 1], jacobian[rows, upper, 1] = 1, -1
    return shape[lower, 1] - shape[upper, 1], jacobian


def _stiffness(shape: Float64Array) -> Float64Array:
    """(478, 478) Laplacian of the mesh with springs of inverse length, rigid vertices held."""
    triangles = canonical_face().triangles
    edges = {(min(a, b), max(a, b)) for t in triangles.tolist() for a, b in zip(t, t[1:] + t[:1], strict=True)}
    edges |= {(int(r), int(i)) for eye in EYES for i in eye.iris for r in eye.ring}
    first, second = np.array(sorted(edges)).T
    strength = 1 / np.maximum(np.linalg.norm(shape[first] - shape[second], axis=1), 0.2)
    matrix = np.zeros((NUM_MESH_VERTICES, NUM_MESH_VERTICES))
    np.add.at(matrix, (first, second), -strength)
    np.add.at(matrix, (second, first), -strength)
    matrix[np.diag_indices(NUM_MESH_VERTICES)] = -matrix.sum(axis=1) + 0.02
    matrix[RIGID_VERTICES, RIGID_VERTICES] += 50
    return matrix
