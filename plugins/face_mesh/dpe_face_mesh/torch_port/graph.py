"""The graph of a LiteRT network, read from its file: operations in order, and constants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dpe_toolkit.api import PluginError

__all__ = ["Graph", "Operation", "read_graph"]

Array = npt.NDArray[Any]
_OPTIONS = {
    "ADD": ("AddOptions", ("FusedActivationFunction",)),
    "CONCATENATION": ("ConcatenationOptions", ("Axis", "FusedActivationFunction")),
    "CONV_2D": (
        "Conv2DOptions",
        ("Padding", "StrideH", "StrideW", "DilationHFactor", "DilationWFactor", "FusedActivationFunction"),
    ),
    "DEPTHWISE_CONV_2D": (
        "DepthwiseConv2DOptions",
        ("Padding", "StrideH", "StrideW", "DilationHFactor", "DilationWFactor", "FusedActivationFunction"),
    ),
    "DIV": ("DivOptions", ("FusedActivationFunction",)),
    "MAX_POOL_2D": (
        "Pool2DOptions",
        ("Padding", "StrideH", "StrideW", "FilterHeight", "FilterWidth", "FusedActivationFunction"),
    ),
    "MEAN": ("ReducerOptions", ("KeepDims",)),
    "MUL": ("MulOptions", ("FusedActivationFunction",)),
    "STRIDED_SLICE": (
        "StridedSliceOptions",
        ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask"),
    ),
    "SUB": ("SubOptions", ("FusedActivationFunction",)),
    "SUM": ("ReducerOptions", ("KeepDims",)),
}
"""Per operation the table of the file that holds its settings, and the settings read."""
_TYPES = {"FLOAT32": "<f4", "FLOAT16": "<f2", "INT32": "<i4", "INT64": "<i8"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a graph: what it does, and to which tensors."""

    name: str
    """As LiteRT calls it, such as ``CONV_2D``."""
    inputs: tuple[int, ...]
    """Numbers of the tensors it reads; -1 where an optional one is left out."""
    output: int
    settings: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Graph:
    """A network without its weights' storage types: halves have become float32."""

    operations: tuple[Operation, ...]
    """In order of execution."""
    constants: Mapping[int, Array]
    """Weights and settings by number of tensor, laid out as in the file (images NHWC)."""
    shapes: Mapping[int, tuple[int, ...]]
    """Shape of every tensor for a batch of one, as in the file."""
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def ending_at(self, outputs: tuple[int, ...]) -> Graph:
        """The part of the graph that leads to these tensors, with them as its outputs."""
        needed, kept = set(outputs), []
        for operation in reversed(self.operations):
            if operation.output in needed:
                needed.update(operation.inputs)
                kept.append(operation)
        return replace(self, operations=tuple(reversed(kept)), outputs=outputs)


def read_graph(model: bytes) -> Graph:
    """The graph of a .tflite file's bytes.

    Constants that the file stores as halves are dequantised here, so that no operation does it at run time.

    Raises:
        PluginError: a type of tensor that cannot be read.
    """
    from ai_edge_litert import schema_py_generated as schema

    file = schema.Model.GetRootAsModel(model, 0)
    graph = file.Subgraphs(0)
    numbers = range(graph.TensorsLength())
    shapes = {i: tuple(graph.Tensors(i).Shape(axis) for axis in range(graph.Tensors(i).ShapeLength())) for i in numbers}
    constants = dict(_constants(file, graph, schema, shapes))
    operations = []
    for operation in _operations(file, graph, schema):
        if operation.name == "DEQUANTIZE" and operation.inputs[0] in constants:
            constants[operation.output] = constants[operation.inputs[0]].astype(np.float32)
        else:
            operations.append(operation)
    return Graph(
        tuple(operations),
        constants,
        shapes,
        tuple(graph.Inputs(i) for i in range(graph.InputsLength())),
        tuple(graph.Outputs(i) for i in range(graph.OutputsLength())),
    )


def _constants(
    file: Any, graph: Any, schema: Any, shapes: Mapping[int, tuple[int, ...]]
) -> Iterator[tuple[int, Array]]:
    types = {value: name for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
    for number in range(graph.TensorsLength()):
        tensor = graph.Tensors(number)
        buffer = file.Buffers(tensor.Buffer())
        if not buffer.DataLength():
            continue
        kind = types.get(tensor.Type(), str(tensor.Type()))
        if kind not in _TYPES:
            raise PluginError(
                f"tensor {number} of the network is of type {kind}",
                f"one of {', '.join(_TYPES)}",
                "use the network that the plugin ships",
                plugin="face_mesh",
            )
        yield number, np.frombuffer(buffer.DataAsNumpy().tobytes(), _TYPES[kind]).reshape(shapes[number])


def _operations(file: Any, graph: Any, schema: Any) -> Iterator[Operation]:
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    for position in range(graph.OperatorsLength()):
        entry = graph.Operators(position)
        code = file.OperatorCodes(entry.OpcodeIndex())
        # Old writers know only the first field, new ones put 127 there for all that it cannot hold.
        name = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = tuple(entry.Inputs(i) for i in range(entry.InputsLength()))
        yield Operation(name, inputs, entry.Outputs(0), _settings(name, entry, schema))


def _settings(name: str, entry: Any, schema: Any) -> dict[str, int]:
    table = entry.BuiltinOptions()
    if name not in _OPTIONS or table is None:
        return {}
    record, fields = _OPTIONS[name]
    options = getattr(schema, record)()
    options.Init(table.Bytes, table.Pos)
    return {field: int(getattr(options, field)()) for field in fields}
