from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from dpe_face_mesh import bundle
from dpe_toolkit.api import CheckpointError
from dpe_toolkit.api.face import BLENDSHAPE_NAMES, BLENDSHAPE_VERTICES, canonical_face


def fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Field numbers and values of one Protocol Buffers message; nested messages come as bytes."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(message):
        key = varint()
        number, wire = key >> 3, key & 7
        if wire == 0:
            yield number, varint()
            continue
        length = varint() if wire == 2 else {1: 8, 5: 4}[wire]
        raw = message[position : position + length]
        position += length
        yield number, struct.unpack("<f", raw)[0] if wire == 5 else raw


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


def test_blendshapes_are_as_many_as_the_network_reads_and_gives() -> None:
    network = bundle.load_network("face_blendshapes")
    activities = network(np.zeros((1, len(BLENDSHAPE_VERTICES), 2), np.float32))[0]
    assert activities.size == len(BLENDSHAPE_NAMES)


def test_the_canonical_face_of_the_core_is_that_of_the_bundle() -> None:
    with zipfile.ZipFile(io.BytesIO(bundle.read_bundle())) as archive:
        message = archive.read("geometry_pipeline_metadata_landmarks.binarypb")
    mesh = next(value for number, value in fields(message) if number == 1 and isinstance(value, bytes))
    floats = [value for number, value in fields(mesh) if number == 3 and isinstance(value, float)]
    indices = [value for number, value in fields(mesh) if number == 4 and isinstance(value, int)]
    vertices = np.array(floats, np.float32).reshape(-1, 5)[:, :3] * np.array([1, -1, -1], np.float32)
    np.testing.assert_array_equal(canonical_face().vertices, vertices)
    np.testing.assert_array_equal(canonical_face().triangles, np.reshape(indices, (-1, 3)))
