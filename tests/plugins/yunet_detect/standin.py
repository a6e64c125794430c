"""A network with the inputs and outputs of YuNet, for OpenCV to read: it finds the brightest place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

STRIDES = (8, 16, 32)
SIDE_PX = 64
"""Side of every box that it gives, in pixels of what it sees."""


def write_brightest(path: Path) -> Path:
    """``path``, with a network whose coarsest level scores each cell by its brightness; the others score nothing.

    Outputs are YuNet's: ``cls_S`` and ``obj_S`` (1, N, 1), whose product's root is the score, ``bbox_S`` (1, N, 4),
    the middle's way from the cell's corner and the logarithm of the size, both in strides, and ``kps_S`` (1, N, 10).
    """
    size = ["height", "width"]
    held: dict[str, np.ndarray] = {"sharp": np.array(60, np.float32), "nothing": np.array(0, np.float32)}
    held["dark"] = np.full((1, 1, 1, 1), 0.01, np.float32)
    nodes: list[NodeProto] = []
    outputs = []
    for stride in STRIDES:
        cells = f"cells_{stride}"
        nodes.append(helper.make_node("AveragePool", ["input"], [cells], **_pool(stride)))
        nodes += _level(cells, stride, held)
        for name, count in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            shape = [1, "cells", count]
            outputs.append(helper.make_tensor_value_info(f"{name}_{stride}", TensorProto.FLOAT, shape))
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, *size])]
    constants = [numpy_helper.from_array(value, name) for name, value in held.items()]
    graph = helper.make_graph(nodes, "brightest", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def _pool(stride: int) -> dict[str, list[int]]:
    return {"kernel_shape": [stride, stride], "strides": [stride, stride]}


def _level(cells: str, stride: int, held: dict[str, np.ndarray]) -> list[NodeProto]:
    """Score, box and points of each cell, by convolutions of one cell whose biases hold what is the same everywhere."""
    wanted = stride == STRIDES[-1]
    bias = {
        "bbox": [0.5, 0.5, *[np.log(SIDE_PX / stride)] * 2],
        "kps": [0.2, 0.3, 0.8, 0.3, 0.5, 0.5, 0.3, 0.8, 0.7, 0.8],
    }
    nodes = []
    for name, values in bias.items():
        held[f"{name}_weight_{stride}"] = np.zeros((len(values), 3, 1, 1), np.float32)
        held[f"{name}_bias_{stride}"] = np.array(values, np.float32)
        given = [cells, f"{name}_weight_{stride}", f"{name}_bias_{stride}"]
        nodes += [
            helper.make_node("Conv", given, [f"{name}_map_{stride}"], kernel_shape=[1, 1]),
            *_rows(name, stride, len(values), held),
        ]
    held[f"grey_{stride}"] = np.full((1, 3, 1, 1), 1 / 765 if wanted else 0, np.float32)
    nodes += [
        helper.make_node("Conv", [cells, f"grey_{stride}"], [f"light_{stride}"], kernel_shape=[1, 1]),
        helper.make_node("GlobalMaxPool", [f"light_{stride}"], [f"most_{stride}"]),
    ]
    if wanted:
        # A black picture has no brightest place.
        nodes.append(helper.make_node("Max", [f"most_{stride}", "dark"], [f"least_{stride}"]))
        nodes.append(helper.make_node("Div", [f"light_{stride}", f"least_{stride}"], [f"share_{stride}"]))
        nodes.append(helper.make_node("Pow", [f"share_{stride}", "sharp"], [f"cls_map_{stride}"]))
    else:
        nodes.append(helper.make_node("Mul", [f"light_{stride}", "nothing"], [f"cls_map_{stride}"]))
    nodes += _rows("cls", stride, 1, held)
    nodes.append(helper.make_node("Identity", [f"cls_{stride}"], [f"obj_{stride}"]))
    return nodes


def _rows(name: str, stride: int, count: int, held: dict[str, np.ndarray]) -> list[NodeProto]:
    """(1, count, H, W) as (1, H * W, count)."""
    held[f"{name}_shape_{stride}"] = np.array([1, -1, count], np.int64)
    turned = helper.make_node("Transpose", [f"{name}_map_{stride}"], [f"{name}_last_{stride}"], perm=[0, 2, 3, 1])
    return [turned, helper.make_node("Reshape", [turned.output[0], f"{name}_shape_{stride}"], [f"{name}_{stride}"])]
