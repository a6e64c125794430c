"""Stand-ins for the networks whose files the pages name: of their layout, small, and of random weights or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from dpe_toolkit.checkpoint import WeightsHeader, save_weights
from dpe_toolkit.networks import DpeNetwork, NetworkParams
from tests.contracts.pages import block
from tests.plugins.yunet_detect.standin import write_brightest
from tests.research.evaluation.test_metrics import lpips_files

TINY = NetworkParams(size=32, style_dim=16, motion_dim=4, max_channels=8)
ONNX_SIZE_PX = 32


def write_released(path: Path) -> None:
    """The layout of the released checkpoint."""
    torch.manual_seed(0)
    torch.save({"gen": DpeNetwork(TINY).state_dict()}, path)


def write_own(path: Path) -> None:
    """The toolkit's own layout."""
    torch.manual_seed(1)
    save_weights(path, DpeNetwork(TINY).state_dict(), WeightsHeader.of(TINY, licence="CC0-1.0"))


def write_lpips(path: Path) -> None:
    """The backbone, and the linear layers beside it."""
    backbone, linear = lpips_files(path.parent)
    backbone.replace(path.parent / "alexnet-owt-7be5be79.pth")
    linear.replace(path.parent / "alex.pth")


def write_drawer(path: Path) -> None:
    """A generator with the inputs and outputs of the README's declaration; a dropped jaw darkens its picture."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    size = ["N", 3, ONNX_SIZE_PX, ONNX_SIZE_PX]
    inputs = [
        helper.make_tensor_value_info("picture", TensorProto.FLOAT, size),
        helper.make_tensor_value_info("activities", TensorProto.FLOAT, ["N", 52]),
    ]
    jaw = np.zeros((52, 1), np.float32)
    jaw[25] = 0.6
    held = [numpy_helper.from_array(jaw, "jaw"), numpy_helper.from_array(np.array([-1, 1, 1, 1], np.int64), "shape")]
    nodes = [
        helper.make_node("MatMul", ["activities", "jaw"], ["drop"]),
        helper.make_node("Reshape", ["drop", "shape"], ["dark"]),
        helper.make_node("Sub", ["picture", "dark"], ["drawn"]),
    ]
    outputs = [helper.make_tensor_value_info("drawn", TensorProto.FLOAT, size)]
    graph = helper.make_graph(nodes, "darken", inputs, outputs, held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def write_declaration(path: Path) -> None:
    path.write_text(block("plugins/onnx_generator/README.md", "toml"), encoding="utf-8")


MAKERS: dict[str, Callable[[Path], object]] = {
    "face_detection_yunet_2023mar.onnx": write_brightest,
    **dict.fromkeys(("dpe.pt", "run7.pt"), write_released),
    **dict.fromkeys(("run7.safetensors", "full.st", "a.st"), write_own),
    **dict.fromkeys(("alexnet-owt-7be5be79.pth", "alex.pth"), write_lpips),
    "smile.onnx": write_drawer,
    "smile.toml": write_declaration,
}
