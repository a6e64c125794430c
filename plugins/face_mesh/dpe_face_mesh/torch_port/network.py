"""A LiteRT network as a torch module."""

from __future__ import annotations

import io
import zipfile
from typing import Literal

import torch
from torch import Tensor, nn

from dpe_face_mesh.bundle import read_bundle
from dpe_face_mesh.torch_port.graph import Graph, read_graph
from dpe_face_mesh.torch_port.operations import make_step

__all__ = ["NetworkName", "PortedNetwork", "bundled_graph", "port_network"]

NetworkName = Literal["face_detector", "face_landmarks_detector", "face_blendshapes"]


class PortedNetwork(nn.Module):
    """A graph as torch operations. Its weights are buffers: frozen, moved with the module.

    Args:
        graph: what to run; it must have one input.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.steps = nn.ModuleList(make_step(graph, operation) for operation in graph.operations)
        self._reads = [tuple(n for n in op.inputs if n >= 0 and n not in graph.constants) for op in graph.operations]
        self._writes = [operation.output for operation in graph.operations]
        self._input = graph.inputs[0]
        self._outputs = graph.outputs

    def forward(self, value: Tensor) -> list[Tensor]:
        """The network's outputs in the graph's order.

        Args:
            value: the input; NCHW float32 where the file's is an image.
        """
        last = {number: position for position, read in enumerate(self._reads) for number in read}
        image = value.dim() == 4
        values = {self._input: value.contiguous(memory_format=torch.channels_last) if image else value}
        for position, (step, read, written) in enumerate(zip(self.steps, self._reads, self._writes, strict=True)):
            values[written] = step(*(values[number] for number in read))
            for number in read:
                if last[number] == position and number not in self._outputs:
                    values.pop(number, None)
        return [values[number] for number in self._outputs]


def bundled_graph(name: NetworkName) -> Graph:
    """The graph of one network of the bundle.

    Raises:
        CheckpointError: the bundle is missing or damaged.
    """
    with zipfile.ZipFile(io.BytesIO(read_bundle())) as bundle:
        return read_graph(bundle.read(f"{name}.tflite"))


def port_network(name: NetworkName) -> PortedNetwork:
    """One network of the bundle, on the CPU, float32, ready to run.

    Raises:
        CheckpointError: the bundle is missing or damaged.
        PluginError: it holds an operation that is not known here.
    """
    return PortedNetwork(bundled_graph(name)).eval()
