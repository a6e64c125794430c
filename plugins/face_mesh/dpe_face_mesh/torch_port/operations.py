"""What each operation of a graph is in torch.

Tensors of four axes are kept NCHW, whatever the file says (NHWC); others as they are. The first axis is the
batch: files state it as 1, here it may be of any length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dpe_face_mesh.torch_port.graph import Graph, Operation
from dpe_toolkit.api import PluginError

__all__ = ["as_stored", "make_step", "stored_axis"]

_SAME, _NONE, _RELU = 0, 0, 1
_TINY = 1e-12


def stored_axis(axis: int, rank: int) -> int:
    """Where an axis of the file's layout lies in ours."""
    axis %= rank
    return (0, 2, 3, 1)[axis] if rank == 4 else axis


def as_stored(value: npt.NDArray[Any], rank: int) -> Tensor:
    """A constant laid out so that it broadcasts against tensors of ``rank`` axes as it did in the file."""
    tensor = torch.from_numpy(np.array(value))
    if rank != 4 or tensor.dim() == 0:
        return tensor
    return tensor.reshape((1,) * (4 - tensor.dim()) + tuple(tensor.shape)).permute(0, 3, 1, 2).contiguous()


class _Convolution(nn.Module):
    """CONV_2D and DEPTHWISE_CONV_2D. Uneven padding becomes taps of zero, which cost less than a padded copy."""

    def __init__(self, graph: Graph, operation: Operation) -> None:
        super().__init__()
        settings = operation.settings
        if settings["DilationHFactor"] != 1 or settings["DilationWFactor"] != 1:
            raise _unknown(operation, "with dilation")
        data, kernel, *bias = operation.inputs
        weight = torch.from_numpy(np.array(graph.constants[kernel])).permute(0, 3, 1, 2)
        self.groups = 1
        if operation.name == "DEPTHWISE_CONV_2D":
            weight, self.groups = weight.transpose(0, 1), weight.shape[1]
        self.stride = (settings["StrideH"], settings["StrideW"])
        self.padding = (0, 0)
        if settings["Padding"] == _SAME:
            size = graph.shapes[data][1:3]
            rows, columns = (_same(n, k, s) for n, k, s in zip(size, weight.shape[2:], self.stride, strict=True))
            weight = F.pad(weight, (columns[1] - columns[0], 0, rows[1] - rows[0], 0))
            self.padding = (rows[1], columns[1])
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        given = bool(bias) and bias[0] >= 0
        self.register_buffer("bias", torch.from_numpy(np.array(graph.constants[bias[0]])) if given else None)
        self.relu = _activation(operation)
        self.pointwise = self.groups == 1 and self.stride == (1, 1) and weight.shape[2:] == (1, 1)

    def forward(self, value: Tensor) -> Tensor:
        weight, bias = self.get_buffer("weight"), self.bias
        assert bias is None or isinstance(bias, Tensor)
        if self.pointwise:
            # Channels lie last in memory, so that this is one product of matrices and copies nothing.
            value = F.linear(value.permute(0, 2, 3, 1), weight[:, :, 0, 0], bias).permute(0, 3, 1, 2)
        else:
            value = F.conv2d(value, weight, bias, self.stride, self.padding, groups=self.groups)
        return F.relu(value) if self.relu else value


class _FrozenPRelu(torch.autograd.Function):
    """PReLU whose slopes need no gradient. Torch's own backward reckons that too, and takes ten times as long."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, value: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(value, slope)
        return F.prelu(value, slope)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None]:
        value, slope = ctx.saved_tensors  # type: ignore[attr-defined] # torch's own
        slope = slope.reshape(1, -1, 1, 1)
        above = torch.ops.aten.threshold_backward(gradients[0] * (1 - slope), value, 0)
        return above.addcmul_(gradients[0], slope), None


class _PRelu(nn.Module):
    def __init__(self, graph: Graph, operation: Operation) -> None:
        super().__init__()
        slope = graph.constants[operation.inputs[1]]
        if slope.size != slope.shape[-1]:
            raise _unknown(operation, "with slopes that differ from pixel to pixel")
        self.register_buffer("slope", torch.from_numpy(np.array(slope.reshape(-1))))

    def forward(self, value: Tensor) -> Tensor:
        # Torch types it in some versions only.
        result = cast("Callable[[Tensor, Tensor], Tensor]", _FrozenPRelu.apply)
        return result(value, self.get_buffer("slope"))


class _Formula(nn.Module):
    """A function of the values and at most one constant."""

    def __init__(self, function: Callable[..., Tensor], constant: Tensor | None = None) -> None:
        super().__init__()
        self.function = function
        self.register_buffer("constant", constant)

    def forward(self, *values: Tensor) -> Tensor:
        constant = self.constant
        return self.function(*values) if constant is None else self.function(*values, constant)


def make_step(graph: Graph, operation: Operation) -> nn.Module:
    """The module that takes the operation's values (its inputs that are no constants) to its output.

    Raises:
        PluginError: an operation, or a setting of one, that is not known here.
    """
    maker = _MAKERS.get(operation.name)
    if maker is None:
        raise _unknown(operation, "")
    return maker(graph, operation)


def _max_pool(graph: Graph, operation: Operation) -> nn.Module:
    settings = operation.settings
    kernel = (settings["FilterHeight"], settings["FilterWidth"])
    stride = (settings["StrideH"], settings["StrideW"])
    size = graph.shapes[operation.inputs[0]][1:3]
    pads = [_same(n, k, s) for n, k, s in zip(size, kernel, stride, strict=True)]
    if _activation(operation) or (settings["Padding"] == _SAME and any(sum(pad) for pad in pads)):
        raise _unknown(operation, "with padding or an activation")
    return _Formula(lambda value: F.max_pool2d(value, kernel, stride))


def _pad(graph: Graph, operation: Operation) -> nn.Module:
    widths = graph.constants[operation.inputs[1]]
    order = [0, 3, 1, 2] if len(widths) == 4 else list(range(len(widths)))
    flat = [int(width) for axis in reversed(order) for width in widths[axis]]
    # The axis of a batch is left out, since older versions of torch widen none that is empty, be it by nothing.
    while flat[-2:] == [0, 0]:
        del flat[-2:]
    return _Formula(lambda value: F.pad(value, flat))


def _arithmetic(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Graph, Operation], nn.Module]:
    def make(graph: Graph, operation: Operation) -> nn.Module:
        rank = len(graph.shapes[operation.output])
        relu = _activation(operation)
        held = [graph.constants.get(number) for number in operation.inputs]

        def one(value: Tensor, constant: Tensor) -> Tensor:
            pair = (value, constant) if held[0] is None else (constant, value)
            result = function(*pair)
            return F.relu(result) if relu else result

        constant = next((as_stored(value, rank) for value in held if value is not None), None)
        return _Formula(one, constant)

    return make


def _reduction(function: Callable[..., Tensor]) -> Callable[[Graph, Operation], nn.Module]:
    def make(graph: Graph, operation: Operation) -> nn.Module:
        rank = len(graph.shapes[operation.inputs[0]])
        if not operation.settings["KeepDims"]:
            raise _unknown(operation, "that drops axes")
        axes = [stored_axis(int(axis), rank) for axis in graph.constants[operation.inputs[1]].reshape(-1)]
        return _Formula(lambda value: function(value, axes, keepdim=True))

    return make


def _transpose(graph: Graph, operation: Operation) -> nn.Module:
    order = [int(axis) for axis in graph.constants[operation.inputs[1]]]
    ours = [0, 3, 1, 2] if len(order) == 4 else list(range(len(order)))
    permutation = [stored_axis(order[axis], len(order)) for axis in ours]
    if permutation[0] != 0:
        raise _unknown(operation, "that moves the batch")
    return _Formula(lambda value: value.permute(permutation))


def _reshape(graph: Graph, operation: Operation) -> nn.Module:
    before, after = (graph.shapes[number] for number in (operation.inputs[0], operation.output))
    if before[0] != 1 or after[0] != 1:
        raise _unknown(operation, "that reshapes the batch")

    def reshape(value: Tensor) -> Tensor:
        value = value.permute(0, 2, 3, 1) if len(before) == 4 else value
        value = value.reshape(value.shape[0], *after[1:])
        return value.permute(0, 3, 1, 2) if len(after) == 4 else value

    return _Formula(reshape)


def _strided_slice(graph: Graph, operation: Operation) -> nn.Module:
    settings = operation.settings
    shape = graph.shapes[operation.inputs[0]]
    begin, end, strides = (graph.constants[number] for number in operation.inputs[1:])
    # A single face's answer without its batch axis is kept with it, so that only that axis may go.
    if settings["EllipsisMask"] or settings["NewAxisMask"] or settings["ShrinkAxisMask"] & ~1 or (strides != 1).any():
        raise _unknown(operation, "of this form")
    taken = [slice(None)] * len(shape)
    for axis in range(1, len(shape)):
        low = None if settings["BeginMask"] >> axis & 1 else int(begin[axis])
        high = None if settings["EndMask"] >> axis & 1 else int(end[axis])
        taken[stored_axis(axis, len(shape))] = slice(low, high)
    return _Formula(lambda value: value[tuple(taken)])


def _concatenation(graph: Graph, operation: Operation) -> nn.Module:
    rank = len(graph.shapes[operation.output])
    axis = stored_axis(operation.settings["Axis"], rank)
    held = [graph.constants.get(number) for number in operation.inputs]
    constants = [as_stored(value, rank) for value in held if value is not None]
    if axis == 0 or _activation(operation) or len(constants) > 1:
        raise _unknown(operation, "of this form")

    def concatenate(*values: Tensor) -> Tensor:
        if not constants:
            return torch.cat(values, axis)
        *given, constant = values
        parts = [
            constant.expand(given[0].shape[0], *constant.shape[1:]) if h is not None else given.pop(0) for h in held
        ]
        return torch.cat(parts, axis)

    return _Formula(concatenate, constants[0] if constants else None)


def _plain(function: Callable[[Tensor], Tensor]) -> Callable[[Graph, Operation], nn.Module]:
    return lambda graph, operation: _Formula(function)


_MAKERS: Mapping[str, Callable[[Graph, Operation], nn.Module]] = MappingProxyType(
    {
        "ADD": _arithmetic(torch.add),
        "CONCATENATION": _concatenation,
        "CONV_2D": _Convolution,
        "DEPTHWISE_CONV_2D": _Convolution,
        "DIV": _arithmetic(torch.div),
        "LOGISTIC": _plain(torch.sigmoid),
        "MAX_POOL_2D": _max_pool,
        "MEAN": _reduction(torch.mean),
        "MUL": _arithmetic(torch.mul),
        "NEG": _plain(torch.neg),
        "PAD": _pad,
        "PRELU": _PRelu,
        "RELU": _plain(F.relu),
        "RESHAPE": _reshape,
        "RSQRT": _plain(torch.rsqrt),
        "SQRT": _plain(lambda value: value.clamp_min(_TINY).sqrt()),
        "SQUARED_DIFFERENCE": _arithmetic(lambda a, b: (a - b).square()),
        "STRIDED_SLICE": _strided_slice,
        "SUB": _arithmetic(torch.sub),
        "SUM": _reduction(torch.sum),
        "TRANSPOSE": _transpose,
    }
)


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding before and after one axis, so that every stride's start has an output."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _activation(operation: Operation) -> bool:
    """Whether the operation ends in a ReLU."""
    kind = operation.settings.get("FusedActivationFunction", _NONE)
    if kind not in (_NONE, _RELU):
        raise _unknown(operation, f"with fused activation {kind}")
    return kind == _RELU


def _unknown(operation: Operation, which: str) -> PluginError:
    return PluginError(
        f"the network has an operation {operation.name} {which}".rstrip(),
        f"operations in use are {', '.join(_MAKERS)}",
        "use the network that the plugin ships, or report this to the plugin's author",
        plugin="face_mesh",
    )
