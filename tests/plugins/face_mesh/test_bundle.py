from __future__ import annotations

from collections import Counter
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from dpe_face_mesh import bundle
from dpe_face_mesh.topology import (
    BLENDSHAPE_INPUTS,
    BLENDSHAPE_NAMES,
    EYES,
    INNER_LIP_PAIRS,
    INNER_LIPS,
    LIP_RINGS,
    MOUTH_CORNERS,
    NUM_VERTICES,
    OUTER_LIPS,
    OVAL,
    RIGID,
)
from dpe_toolkit.api import CheckpointError


@pytest.mark.parametrize("position", [0, 100_000, -1])
def test_a_single_changed_byte_is_refused(position: int) -> None:
    data = bytearray(bundle.read_bundle())
    data[position] ^= 1
    with pytest.raises(CheckpointError, match=rf"has sha256 \w+. expected {bundle.BUNDLE_SHA256}.*install .* again"):
        bundle.check_digest(bytes(data))


def test_a_bundle_cut_short_is_refused() -> None:
    with pytest.raises(CheckpointError, match="the file was changed or damaged"):
        bundle.check_digest(bundle.read_bundle()[:-1])


def test_a_missing_bundle_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    with pytest.raises(CheckpointError, match=r"face_landmarker\.task is missing from plugin face_mesh.*again"):
        bundle.read_bundle.__wrapped__()


def test_a_damaged_file_is_refused_where_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "face_landmarker.task").write_bytes(b"something else")
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    with pytest.raises(CheckpointError, match=r"the face model face_landmarker\.task has sha256"):
        bundle.read_bundle.__wrapped__()


def test_the_canonical_face_has_468_vertices_and_898_triangles() -> None:
    face = bundle.canonical_face()
    assert face.vertices.shape == (468, 3)
    assert face.triangles.shape == (898, 3)
    assert np.unique(face.triangles).tolist() == list(range(468))
    assert np.isfinite(face.vertices).all()


def test_the_only_border_of_the_canonical_face_is_the_oval() -> None:
    triangles = bundle.canonical_face().triangles
    edges = Counter(tuple(sorted(edge)) for t in triangles.tolist() for edge in zip(t, t[1:] + t[:1], strict=True))
    assert set(edges.values()) == {1, 2}
    border = {edge for edge, count in edges.items() if count == 1}
    oval = OVAL.tolist()
    assert border == {tuple(sorted(edge)) for edge in zip(oval, oval[1:] + oval[:1], strict=True)}


def test_the_canonical_face_looks_at_the_viewer_with_y_down() -> None:
    vertices = bundle.canonical_face().vertices
    forehead, chin, nose = vertices[10], vertices[152], vertices[1]
    assert forehead[1] < nose[1] < chin[1]
    assert nose[2] < min(forehead[2], chin[2]), "nearer is smaller"
    assert vertices[33, 0] < 0 < vertices[263, 0]


def test_openings_are_written_from_the_pictures_left_and_from_above() -> None:
    vertices = bundle.canonical_face().vertices
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
    centre = bundle.canonical_face().vertices[INNER_LIPS].mean(axis=0)[:2]
    middle = bundle.canonical_face().vertices[LIP_RINGS][:, [5, 15], :2]
    distance = np.linalg.norm(middle - centre, axis=2)
    assert (np.diff(distance, axis=0) < 0).all()


def test_names_and_inputs_of_the_blendshapes_are_those_of_the_network() -> None:
    assert len(BLENDSHAPE_NAMES) == len(set(BLENDSHAPE_NAMES)) == 52
    assert BLENDSHAPE_INPUTS.shape == (146,)
    assert len(np.unique(BLENDSHAPE_INPUTS)) == 146
    assert BLENDSHAPE_INPUTS.max() == NUM_VERTICES - 1
    network = bundle.load_network("face_blendshapes")
    activities = network(np.zeros((1, 146, 2), np.float32))[0]
    assert activities.size == 52


def test_rigid_vertices_are_no_part_of_lips_or_eyes() -> None:
    moving = {*LIP_RINGS.ravel(), *EYES[0].ring, *EYES[1].ring, *EYES[0].iris, *EYES[1].iris}
    assert not moving & set(RIGID)
    assert len(set(RIGID)) == len(RIGID)
