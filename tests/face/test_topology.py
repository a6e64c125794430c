from __future__ import annotations

from collections import Counter

import numpy as np

from dpe_toolkit.face import topology
from dpe_toolkit.face.blendshapes import BLENDSHAPE_NAMES, BLENDSHAPE_VERTICES
from dpe_toolkit.face.canonical import FACE_WIDTH_CM, canonical_face, canonical_mesh
from dpe_toolkit.face.topology import (
    BROWS,
    EYE_RINGS,
    EYES,
    FACE_OVAL,
    INNER_LIP_PAIRS,
    INNER_LIPS,
    JAW_LINE,
    LID_PAIRS,
    LIP_RINGS,
    LIP_SURROUND,
    MOUTH_CORNERS,
    NUM_FACE_VERTICES,
    NUM_MESH_VERTICES,
    OUTER_LIPS,
    RIGID_VERTICES,
)


def mirrored(vertices: np.ndarray) -> np.ndarray:
    """The vertices on the other side of the canonical face."""
    points = canonical_face().vertices
    distance = np.linalg.norm((points * (-1, 1, 1))[vertices.ravel(), None] - points[None], axis=2)
    return distance.argmin(axis=1).reshape(vertices.shape)


def test_the_canonical_face_has_468_vertices_and_898_triangles() -> None:
    face = canonical_face()
    assert face.vertices.shape == (468, 3)
    assert face.triangles.shape == (898, 3)
    assert np.unique(face.triangles).tolist() == list(range(468))
    assert np.isfinite(face.vertices).all()


def test_the_only_border_of_the_canonical_face_is_the_oval() -> None:
    triangles = canonical_face().triangles
    edges = Counter(tuple(sorted(edge)) for t in triangles.tolist() for edge in zip(t, t[1:] + t[:1], strict=True))
    assert set(edges.values()) == {1, 2}
    border = {edge for edge, count in edges.items() if count == 1}
    oval = FACE_OVAL.tolist()
    assert border == {tuple(sorted(edge)) for edge in zip(oval, oval[1:] + oval[:1], strict=True)}


def test_the_canonical_face_looks_at_the_viewer_with_y_down() -> None:
    vertices = canonical_face().vertices
    forehead, chin, nose = vertices[10], vertices[152], vertices[1]
    assert forehead[1] < nose[1] < chin[1]
    assert nose[2] < min(forehead[2], chin[2]), "nearer is smaller"
    assert vertices[33, 0] < 0 < vertices[263, 0]


def test_openings_are_written_from_the_pictures_left_and_from_above() -> None:
    vertices = canonical_face().vertices
    left, right = MOUTH_CORNERS
    assert vertices[left, 0] < vertices[right, 0]
    upper, lower = INNER_LIP_PAIRS.T
    assert (vertices[upper, 1] <= vertices[lower, 1]).all()
    for eye in EYES:
        upper, lower = eye.lid_pairs.T
        assert (vertices[upper, 1] < vertices[lower, 1]).all()
        assert set(eye.lid_pairs.ravel()) <= set(eye.ring)
        assert set(eye.corners) <= set(eye.ring)
    assert set(INNER_LIP_PAIRS.ravel()) <= set(INNER_LIPS)


def test_the_rings_of_the_lips_run_together_from_outside_to_inside() -> None:
    assert LIP_RINGS.shape == (4, 20)
    assert len(np.unique(LIP_RINGS)) == 80
    np.testing.assert_array_equal(LIP_RINGS[0], OUTER_LIPS)
    np.testing.assert_array_equal(LIP_RINGS[-1], INNER_LIPS)
    centre = canonical_face().vertices[INNER_LIPS].mean(axis=0)[:2]
    middle = canonical_face().vertices[LIP_RINGS][:, [5, 15], :2]
    distance = np.linalg.norm(middle - centre, axis=2)
    assert (np.diff(distance, axis=0) < 0).all()


def test_rigid_vertices_are_no_part_of_lips_or_eyes() -> None:
    moving = {*LIP_RINGS.ravel(), *EYES[0].ring, *EYES[1].ring, *EYES[0].iris, *EYES[1].iris}
    assert not moving & set(RIGID_VERTICES)
    assert len(set(RIGID_VERTICES)) == len(RIGID_VERTICES)


def test_the_canonical_face_is_as_wide_as_is_said() -> None:
    assert abs(np.ptp(canonical_face().vertices[:, 0]) - FACE_WIDTH_CM) < 1e-5


def test_irises_lie_in_the_middle_of_their_eyes() -> None:
    mesh = canonical_mesh()
    assert mesh.shape == (NUM_MESH_VERTICES, 3)
    np.testing.assert_array_equal(mesh[:NUM_FACE_VERTICES], canonical_face().vertices)
    for eye in EYES:
        low, high = mesh[eye.ring].min(axis=0), mesh[eye.ring].max(axis=0)
        assert ((low < mesh[eye.iris]) & (mesh[eye.iris] < high)).all()


def test_the_two_sides_are_named_alike() -> None:
    np.testing.assert_array_equal(mirrored(EYE_RINGS[0]), EYE_RINGS[1])
    np.testing.assert_array_equal(mirrored(LID_PAIRS[0]), LID_PAIRS[1])
    np.testing.assert_array_equal(mirrored(BROWS[0]), BROWS[1])
    np.testing.assert_array_equal(mirrored(JAW_LINE), JAW_LINE[::-1])
    for sides in (
        LIP_RINGS,
        LIP_SURROUND,
        RIGID_VERTICES,
        FACE_OVAL,
        topology.MOUSTACHE_OUTLINE,
        topology.BEARD_OUTLINE,
    ):
        assert set(mirrored(sides).ravel()) == set(sides.ravel())


def test_every_named_set_names_each_vertex_once() -> None:
    for name in topology.__all__:
        vertices = getattr(topology, name)
        if isinstance(vertices, np.ndarray):
            assert vertices.dtype == np.int64, name
            assert len(np.unique(vertices)) == vertices.size, name
            assert vertices.max() < NUM_FACE_VERTICES, name


def test_rings_run_around_what_they_enclose() -> None:
    for ring, centre in ((LIP_SURROUND, INNER_LIPS), (FACE_OVAL, INNER_LIPS), *((eye.ring, eye.ring) for eye in EYES)):
        points = canonical_face().vertices[ring, :2] - canonical_face().vertices[centre, :2].mean(axis=0)
        turns = np.diff(np.unwrap(np.append(angles := np.arctan2(points[:, 1], points[:, 0]), angles[0])))
        assert abs(abs(turns.sum()) - 2 * np.pi) < 1e-4
        assert abs(np.sign(turns).sum()) == len(ring)


def test_blendshapes_are_fifty_two_and_read_from_vertices_of_the_mesh() -> None:
    assert len(BLENDSHAPE_NAMES) == len(set(BLENDSHAPE_NAMES)) == 52
    assert BLENDSHAPE_VERTICES.shape == (146,)
    assert (np.diff(BLENDSHAPE_VERTICES) > 0).all()
    assert BLENDSHAPE_VERTICES[-1] == NUM_MESH_VERTICES - 1
