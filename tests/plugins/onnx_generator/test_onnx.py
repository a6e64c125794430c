from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from dpe_face_mesh.plugin import dpe_register_detectors
from dpe_onnx_generator import plugin
from dpe_onnx_generator.card import read_card
from dpe_onnx_generator.network import OnnxNetwork
from dpe_toolkit.api import CheckpointError, ComponentContext, OptionsError
from dpe_toolkit.testing import ComponentConformance, EncoderConformance, GeneratorConformance, MotionConformance

(ENCODER,) = plugin.dpe_register_encoders()
(MOTION,) = plugin.dpe_register_motion_extractors()
(GENERATOR,) = plugin.dpe_register_generators()
SIZE = 48
CPU = torch.device("cpu")
CARD = """
[[inputs]]
name = "picture"
holds = "source"
range = "signed"
[[inputs]]
name = "driver"
holds = "driver"
[[inputs]]
name = "before"
holds = "source_blendshapes"
[[inputs]]
name = "after"
holds = "target_blendshapes"
[[outputs]]
name = "drawn"
holds = "picture"
range = "signed"
"""


def write_network(path: Path, batch: Literal["N"] | int = "N", card: str = CARD) -> Path:
    """A network that darkens the picture by how much further the jaw is to drop; the driver is added a little."""
    info = helper.make_tensor_value_info
    inputs = [
        info("picture", TensorProto.FLOAT, [batch, 3, SIZE, SIZE]),
        info("driver", TensorProto.FLOAT, [batch, 3, SIZE, SIZE]),
        info("before", TensorProto.FLOAT, [batch, 52]),
        info("after", TensorProto.FLOAT, [batch, 52]),
    ]
    jaw = np.zeros((52, 1), np.float32)
    jaw[25] = 0.6
    constants = {"jaw": jaw, "shape": np.array([-1, 1, 1, 1], np.int64), "little": np.array(0.001, np.float32)}
    nodes = [
        helper.make_node("Sub", ["after", "before"], ["change"]),
        helper.make_node("MatMul", ["change", "jaw"], ["drop"]),
        helper.make_node("Reshape", ["drop", "shape"], ["dark"]),
        helper.make_node("Sub", ["picture", "dark"], ["darker"]),
        helper.make_node("Mul", ["driver", "little"], ["trace"]),
        helper.make_node("Add", ["darker", "trace"], ["drawn"]),
    ]
    outputs = [info("drawn", TensorProto.FLOAT, [batch, 3, SIZE, SIZE])]
    held = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "darken", inputs, outputs, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    path.with_suffix(".toml").write_text(card, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("onnx") / "darken.onnx")


class WithNetwork(ComponentConformance):
    partners = (*dpe_register_detectors(), ENCODER, MOTION)

    @pytest.fixture(autouse=True)
    def _weights(self, network: Path) -> None:
        type(self).weights = network


class TestOnnxEncoder(WithNetwork, EncoderConformance):
    component = ENCODER


class TestOnnxMotion(WithNetwork, MotionConformance):
    component = MOTION


class TestOnnxGenerator(WithNetwork, GeneratorConformance):
    component = GENERATOR


def values(count: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    pictures = torch.rand(2, count, 3, SIZE, SIZE, generator=generator)
    after = torch.zeros(count, 52)
    after[:, 25] = 0.5
    return {
        "source": pictures[0],
        "driver": pictures[1],
        "source_blendshapes": torch.zeros(count, 52),
        "target_blendshapes": after,
    }


def test_a_network_is_run_on_what_its_card_says(network: Path) -> None:
    given = values(3)
    result = OnnxNetwork(network, CPU).run(given)["picture"]
    # In [-1, 1] the picture falls by 0.3, which is half as much in [0, 1].
    torch.testing.assert_close(result, given["source"] - 0.15 + 0.0005 * given["driver"], atol=1e-6, rtol=0)


def test_a_batch_axis_of_1_is_fed_frame_by_frame(network: Path, tmp_path: Path) -> None:
    single = OnnxNetwork(write_network(tmp_path / "single.onnx", 1), CPU, 1)
    torch.testing.assert_close(single.run(values(3))["picture"], OnnxNetwork(network, CPU).run(values(3))["picture"])


@pytest.mark.parametrize(
    ("card", "message"),
    [
        (None, "nothing declares what the network takes: 'darken.toml' cannot be read"),
        ("[[inputs", "it is no TOML"),
        (CARD.replace('holds = "driver"', 'holds = "weather"'), "inputs.1.holds is wrong"),
        (CARD.replace('holds = "picture"', 'holds = "matte"'), "exactly one output must hold the picture"),
        (CARD.replace('holds = "source"\n', 'holds = "driver"\n'), "one input must hold the source"),
        (CARD.replace('name = "before"', 'name = "behind"'), r"its inputs are \['after', 'before'.*declared are"),
        (CARD.replace('name = "drawn"', 'name = "shown"'), r"its outputs are \['drawn'\], declared are \['shown'\]"),
    ],
)
def test_a_declaration_that_does_not_fit_is_named(tmp_path: Path, card: str | None, message: str) -> None:
    path = write_network(tmp_path / "darken.onnx", card=card or "")
    if card is None:
        path.with_suffix(".toml").unlink()
    with pytest.raises(CheckpointError, match=message):
        OnnxNetwork(path, CPU)


def test_a_file_that_is_no_network_is_named(tmp_path: Path) -> None:
    path = tmp_path / "smile.onnx"
    path.write_bytes(b"nothing")
    path.with_suffix(".toml").write_text(CARD, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"smile\.onnx.*onnxruntime cannot read it"):
        OnnxNetwork(path, CPU)


def test_a_missing_network_is_asked_for() -> None:
    with pytest.raises(OptionsError, match=r"generator 'onnx' has no network.*name it with --weights FILE"):
        GENERATOR.create(GENERATOR.options(), ComponentContext(CPU))


def test_the_example_of_the_readme_is_a_declaration(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "plugins" / "onnx_generator" / "README.md").read_text(encoding="utf-8")
    (tmp_path / "smile.toml").write_text(text.partition("```toml\n")[2].partition("```")[0], encoding="utf-8")
    card = read_card(tmp_path / "smile.onnx")
    assert [given.holds for given in card.inputs] == ["source", "target_blendshapes"]
