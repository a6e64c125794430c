from __future__ import annotations

import dataclasses
import io
import zipfile
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pytest
import torch

from dpe_face_mesh.bundle import DETECTOR_PX, Network, load_networks, read_bundle
from dpe_face_mesh.torch_port import (
    Graph,
    NetworkName,
    Operation,
    PortedNetwork,
    bundled_graph,
    port_network,
    read_graph,
)
from dpe_toolkit.api import PluginError
from dpe_toolkit.api.face import BLENDSHAPE_VERTICES, NUM_MESH_VERTICES
from dpe_toolkit.testing.faces import DrawnFace, draw_face
from tests.plugins.face_mesh.scenes import astronaut

FloatArray = npt.NDArray[np.float32]


@lru_cache(maxsize=1)
def networks() -> tuple[Network, Network, Network]:
    return load_networks(1)


@lru_cache(maxsize=3)
def ported(name: NetworkName) -> PortedNetwork:
    return port_network(name)


@lru_cache(maxsize=1)
def graph() -> Graph:
    return bundled_graph("face_landmarks_detector")


@lru_cache(maxsize=1)
def pictures() -> FloatArray:
    """(3, 256, 256, 3) a photographed face, the same off its place, and a drawn one."""
    photograph = astronaut()
    drawn = np.full((256, 256, 3), 90, np.uint8)
    draw_face(drawn, DrawnFace(center_px=(128, 128), height_px=180, mouth_open=0.5, smile=0.5))
    views = [photograph[0:256, 98:354], photograph[30:286, 70:326], drawn]
    return np.stack([np.asarray(view, np.float32) / 255 for view in views])


def image(array: FloatArray) -> torch.Tensor:
    return torch.from_numpy(array).permute(0, 3, 1, 2)


@torch.no_grad()
def test_the_mesh_is_that_of_the_published_network() -> None:
    points, score, _ = ported("face_landmarks_detector")(image(pictures()))
    for row, pixels in enumerate(pictures()):
        expected = networks()[1](pixels[None])
        np.testing.assert_allclose(points[row].reshape(-1), expected[0].reshape(-1), atol=2e-3)
        np.testing.assert_allclose(score[row].reshape(-1), expected[1].reshape(-1), atol=1e-3)


@torch.no_grad()
def test_the_blendshapes_are_those_of_the_published_network() -> None:
    meshes = np.concatenate([networks()[1](one[None])[0].reshape(1, NUM_MESH_VERTICES, 3) for one in pictures()])
    inputs = np.ascontiguousarray(meshes[:, BLENDSHAPE_VERTICES, :2])
    (found,) = ported("face_blendshapes")(torch.from_numpy(inputs))
    expected = np.stack([networks()[2](one[None])[0].reshape(-1) for one in inputs])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert expected.max() > 0.3


@torch.no_grad()
def test_the_detector_answers_as_the_published_network() -> None:
    small = np.ascontiguousarray(pictures()[:, ::2, ::2]) * 2 - 1
    assert small.shape[1] == DETECTOR_PX
    found = ported("face_detector")(image(small))
    for row, pixels in enumerate(small):
        for answer, expected in zip(found, networks()[0](pixels[None]), strict=True):
            np.testing.assert_allclose(answer[row], expected[0], atol=5e-3)


def test_weights_are_frozen_and_move_with_the_module() -> None:
    network = ported("face_landmarks_detector")
    assert not list(network.parameters())
    assert sum(buffer.numel() for buffer in network.buffers()) > 1_000_000


def test_gradients_reach_the_pixels_and_agree_with_finite_differences() -> None:
    network = port_network("face_landmarks_detector").double()
    pixels = image(pictures()[:1]).double().requires_grad_()
    random = torch.Generator().manual_seed(0)
    weights = torch.randn(1, NUM_MESH_VERTICES * 3, 1, 1, generator=random, dtype=torch.float64)

    def weighed(value: torch.Tensor) -> torch.Tensor:
        return (network(value)[0] * weights).sum()

    (gradient,) = torch.autograd.grad(weighed(pixels), pixels)
    direction = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    step = 1e-8
    with torch.no_grad():
        measured = (weighed(pixels + step * direction) - weighed(pixels - step * direction)) / (2 * step)
    assert float((gradient * direction).sum()) == pytest.approx(float(measured), rel=1e-3)
    assert (gradient.abs().sum(dim=1) > 0).double().mean() > 0.9


def test_a_part_of_the_network_gives_its_inner_maps() -> None:
    wanted = graph().operations[6].output
    part = PortedNetwork(graph().ending_at((wanted, graph().operations[0].output)))
    assert len(part.steps) < len(graph().operations) / 5
    with torch.no_grad():
        inner, first = part(image(pictures()[:1]))
    assert inner.shape == first.shape == (1, 16, 128, 128)
    torch.testing.assert_close(first, part.steps[0](image(pictures()[:1])))


def changed(position: int, **fields: object) -> Graph:
    operations = list(graph().operations)
    operations[position] = dataclasses.replace(operations[position], **fields)  # type: ignore[arg-type] # by name
    return dataclasses.replace(graph(), operations=tuple(operations))


def test_an_unknown_operation_is_named() -> None:
    with pytest.raises(PluginError, match=r"'face_mesh': the network has an operation TOPK_V2\. operations in use are"):
        PortedNetwork(changed(5, name="TOPK_V2"))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("CONV_2D", {"DilationHFactor": 2}, "CONV_2D with dilation"),
        ("CONV_2D", {"FusedActivationFunction": 3}, "CONV_2D with fused activation 3"),
        ("MAX_POOL_2D", {"FusedActivationFunction": 1}, "MAX_POOL_2D with padding or an activation"),
        ("ADD", {"FusedActivationFunction": 2}, "ADD with fused activation 2"),
    ],
)
def test_an_unknown_setting_is_named(name: str, settings: dict[str, int], message: str) -> None:
    position = next(i for i, operation in enumerate(graph().operations) if operation.name == name)
    kept = dict(graph().operations[position].settings) | settings
    with pytest.raises(PluginError, match=message):
        PortedNetwork(changed(position, settings=kept))


def small_graph(
    name: str, shapes: dict[int, tuple[int, ...]], settings: dict[str, int], **constants: list[int]
) -> Graph:
    held = {position: np.array(value, np.int32) for position, value in enumerate(constants.values(), start=1)}
    operation = Operation(name, (0, *held), 9, settings)
    return Graph((operation,), held, shapes, (0,), (9,))


@pytest.mark.parametrize(
    ("graph_of", "message"),
    [
        (small_graph("MEAN", {0: (1, 4, 4, 2)}, {"KeepDims": 0}, axes=[1]), "MEAN that drops axes"),
        (small_graph("TRANSPOSE", {0: (1, 4)}, {}, order=[1, 0]), "TRANSPOSE that moves the batch"),
        (small_graph("RESHAPE", {0: (1, 4), 9: (4,)}, {}, shape=[4]), "RESHAPE that reshapes the batch"),
        (small_graph("PRELU", {0: (1, 2, 2, 1)}, {}, slope=[[[1], [2]]]), "PRELU with slopes that differ"),  # type: ignore[list-item] # a plane
        (
            small_graph(
                "STRIDED_SLICE",
                {0: (1, 4)},
                {"EllipsisMask": 0, "NewAxisMask": 0, "ShrinkAxisMask": 0},
                begin=[0, 0],
                end=[1, 4],
                strides=[1, 2],
            ),
            "STRIDED_SLICE of this form",
        ),
        (
            small_graph("CONCATENATION", {9: (2, 4)}, {"Axis": 0, "FusedActivationFunction": 0}),
            "CONCATENATION of this form",
        ),
    ],
)
def test_forms_that_would_mix_faces_are_refused(graph_of: Graph, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        PortedNetwork(graph_of)


def test_a_tensor_of_an_unknown_type_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpe_face_mesh.torch_port.graph._TYPES", {})
    with zipfile.ZipFile(io.BytesIO(read_bundle())) as bundle:
        model = bundle.read("face_blendshapes.tflite")
    with pytest.raises(PluginError, match=r"tensor \d+ of the network is of type (FLOAT16|FLOAT32|INT32)"):
        read_graph(model)
