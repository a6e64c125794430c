"""A pretend accelerator: what a GPU refuses is refused on any machine, so that testing for one needs none.

Code that was only ever run on a CPU fails on a GPU in few ways, again and again: ``.numpy()`` and ``np.asarray``
of a tensor that is not on the CPU, two tensors of two devices in one operation, a tensor made where nobody asked
for it, a type or an operation that the device lacks, its memory used up. Inside `pretend_accelerator` there is a
device, `ACCELERATOR`, that does all of this; its tensors compute on the CPU, to the same bits.

It is not a GPU. What goes on inside of ``backward`` (functions and hooks of one's own) computes on the CPU unseen,
there are no random generators on the device, weight norm, scripted modules and ``parameter.data = ...`` do not move
there, and storages, ``dlpack`` and ``pickle`` get at the values. Components that draw pictures need none of it.

Source: our choice. PyTorch's own way for devices outside its tree (``privateuse1``) needs a compiler or an
interface that is marked experimental; a tensor subclass needs neither, and works on every version we support.
"""

from __future__ import annotations

import numbers
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode

from dpe_toolkit.editing.handover import moved

__all__ = ["ACCELERATOR", "AcceleratorTensor", "PretendAccelerator", "pretend_accelerator"]

ACCELERATOR = torch.device("ipu", 0)
"""The pretended device. PyTorch knows the name and has no code for it: outside `pretend_accelerator` it is an error."""

_CPU = torch.device("cpu")
_inside = threading.local()

_OPERATORS = ("add", "and", "floordiv", "lshift", "mod", "mul", "or", "pow", "rshift", "sub", "truediv", "xor")
_IN_PLACE = frozenset(f"__i{name}__" for name in _OPERATORS)
_DOUBLES = (torch.float64, torch.complex128)
_MOVING = frozenset({"cpu", "to", "type_as"})
_MAKING = frozenset({"as_tensor", "asarray", "tensor"})
# As on a GPU, these take tensors of two devices.
_ACROSS = _MOVING | _MAKING | {"_has_compatible_shallow_copy_type", "backward", "copy_", "grad", "module_load"}
# A tensor without dimensions goes with any device, but not into one that is put together of several.
_JOINING = frozenset({"cat", "concat", "concatenate", "dstack", "hstack", "stack", "vstack"})


@dataclass(frozen=True, slots=True)
class PretendAccelerator:
    """The pretended device.

    Attributes:
        device: how PyTorch calls it: `ACCELERATOR`.
        lacks: names of functions that it has not (``grid_sample``, ``cumsum``): NotImplementedError, as Metal.
        has_float64: False refuses doubles, as Metal does: TypeError.
        max_tensor_bytes: a larger tensor is out of memory; None has no bound.
    """

    device: torch.device = ACCELERATOR
    lacks: frozenset[str] = frozenset()
    has_float64: bool = True
    max_tensor_bytes: int | None = None

    def _admit(self, made: torch.Tensor) -> None:
        """Refuses what the device could not hold."""
        if made.dtype in _DOUBLES and not self.has_float64:
            raise TypeError(f"{ACCELERATOR.type} has no float64; use float32 instead")
        size = made.untyped_storage().nbytes()
        if self.max_tensor_bytes is not None and size > self.max_tensor_bytes:
            raise torch.OutOfMemoryError(f"{ACCELERATOR.type} out of memory: tried to allocate {size} bytes")


_active: list[PretendAccelerator] = []


class AcceleratorTensor(torch.Tensor):
    """A tensor on `ACCELERATOR`."""

    @property
    def device(self) -> torch.device:  # type: ignore[override] # an attribute to torch's stubs
        """`ACCELERATOR`; the CPU to PyTorch's own code while it computes."""
        return _CPU if _computing() else ACCELERATOR

    @property
    def is_cpu(self) -> bool:  # type: ignore[override] # an attribute to torch's stubs
        """False."""
        return _computing()

    def get_device(self) -> int:
        """The number of the device."""
        return -1 if _computing() else 0

    def numpy(self, *, force: bool = False) -> Any:
        """Refused, unless forced."""
        if not force:
            _refuse_numpy()
        return self.detach().cpu().numpy()

    def __array__(self, *_: object, **__: object) -> NoReturn:
        _refuse_numpy()

    def data_ptr(self) -> NoReturn:
        """Refused: on the CPU the address is of no use."""
        raise RuntimeError(f"the address of a tensor on {ACCELERATOR} was asked for; move it with Tensor.cpu() first")

    def __format__(self, spec: str) -> str:
        return format(self.detach().cpu(), spec)

    def __deepcopy__(self, memo: dict[int, Any]) -> torch.Tensor:
        if id(self) not in memo:
            copy = self.detach().clone()
            kept = self.requires_grad
            memo[id(self)] = (
                torch.nn.Parameter(copy, kept) if isinstance(self, torch.nn.Parameter) else copy.requires_grad_(kept)
            )
        made: torch.Tensor = memo[id(self)]
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        plain = self.detach().cpu().requires_grad_(self.requires_grad)
        return plain.__reduce_ex__(protocol)  # type: ignore[no-untyped-call] # torch leaves it untyped

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """What ``func`` gives, if a GPU would take these arguments."""
        return _compute(func, args, dict(kwargs or {}))


class _Making(TorchFunctionMode):
    """Sees what makes a tensor on the device, or moves one there, from no other tensor of it."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        return _compute(func, args, dict(kwargs or {}))


@contextmanager
def pretend_accelerator(
    *, lacks: Collection[str] = (), has_float64: bool = True, max_tensor_bytes: int | None = None
) -> Iterator[PretendAccelerator]:
    """Makes `ACCELERATOR` a device of this process, that of ``--device auto`` too.

    Threads that are started inside see it; processes do not. Modules move there and back by ``to``.

    Args:
        lacks: names of functions that the device shall not have.
        has_float64: False for a device without doubles.
        max_tensor_bytes: the largest tensor that its memory holds; None for any.
    """
    from dpe_toolkit.rendering import device

    pretended = PretendAccelerator(ACCELERATOR, frozenset(lacks), has_float64, max_tensor_bytes)
    # The step around `run`, which subclasses of Thread replace.
    start = threading.Thread._bootstrap_inner  # type: ignore[attr-defined] # private, the same in every Python so far

    def start_seeing(thread: threading.Thread) -> None:
        with _Making():
            start(thread)

    swapped = torch.__future__.get_swap_module_params_on_conversion()
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(threading.Thread, "_bootstrap_inner", start_seeing))
        stack.enter_context(mock.patch.object(torch, "load", partial(_load, torch.load)))
        stack.enter_context(mock.patch.dict(device.DEVICES, {ACCELERATOR.type: lambda: 1}))
        # A parameter keeps its class where only its data is replaced; swapped, it becomes one of the device.
        torch.__future__.set_swap_module_params_on_conversion(True)
        stack.callback(torch.__future__.set_swap_module_params_on_conversion, swapped)
        _active.append(pretended)
        stack.callback(_active.pop)
        stack.enter_context(_Making())
        yield pretended


def _load(load: Callable[..., Any], *args: Any, map_location: Any = None, **kwargs: Any) -> Any:
    """``torch.load``, which knows no such device: to the CPU, and what it gives is moved."""
    if not isinstance(map_location, (str, torch.device)) or not _is_here(map_location):
        return load(*args, map_location=map_location, **kwargs)
    found = load(*args, map_location=_CPU, **kwargs)
    return found.to(ACCELERATOR) if isinstance(found, torch.nn.Module) else moved(found, ACCELERATOR)


def _computing() -> bool:
    return getattr(_inside, "depth", 0) > 0


def _refuse_numpy() -> NoReturn:
    raise TypeError(
        f"can't convert {ACCELERATOR} device type tensor to numpy. "
        "Use Tensor.cpu() to copy the tensor to host memory first."
    )


def _leaves(values: Iterable[Any]) -> list[Any]:
    """What lies in values, and in lists, tuples and dictionaries among them."""
    found: list[Any] = []
    for value in values:
        if isinstance(value, (list, tuple)):
            found += _leaves(value)
        elif isinstance(value, dict):
            found += _leaves(value.values())
        else:
            found.append(value)
    return found


def _compute(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls ``func`` on the values that lie on the CPU, if a GPU would take the arguments; places what it gives."""
    given = [leaf for leaf in _leaves((*args, *kwargs.values())) if isinstance(leaf, torch.Tensor)]
    here = any(isinstance(tensor, AcceleratorTensor) for tensor in given)
    name = getattr(func, "__name__", "")
    wanted, args, kwargs = _without_device(name, args, kwargs)
    if not here and wanted is not True:
        return func(*args, **kwargs)
    pretended = _active[-1] if _active else PretendAccelerator()
    if not pretended.lacks.isdisjoint({name, name.rstrip("_")}):
        raise NotImplementedError(f"The operator 'aten::{name}' is not currently implemented for the IPU device.")
    if any(isinstance(leaf, torch.Generator) for leaf in (*args, *kwargs.values())):
        raise RuntimeError(f"Expected a '{ACCELERATOR.type}' device type for generator but found 'cpu'")
    # Gradients come out of PyTorch's own code as the CPU's: within backward nobody can tell which were the device's.
    if here and torch._C._current_autograd_node() is None:
        _check_devices(name, args, kwargs, given)
        if not pretended.has_float64 and (name == "copy_" or wanted is False):
            _check_types(name, args, kwargs)
    _inside.depth = getattr(_inside, "depth", 0) + 1
    try:
        with torch._C.DisableTorchFunctionSubclass():
            result = func(*args, **kwargs)
            if name == "__iter__":
                result = list(result)
            lands = _lands(name, args) if wanted is None else wanted
            if lands and not here and name in _MOVING | _MAKING:
                result = result.clone()  # nothing is shared across devices
            kept = [] if name in _MOVING | _MAKING else given
            if name == "grad" and isinstance(result, tuple):
                # A gradient lies where its input does.
                inputs = _leaves([kwargs.get("inputs", args[1:2])])
                lying = [isinstance(one, AcceleratorTensor) for one in inputs]
                placed = tuple(_placed(one, at, kept, pretended) for one, at in zip(result, lying, strict=True))
            else:
                placed = _placed(result, lands, kept, pretended)
    finally:
        _inside.depth -= 1
    return iter(placed) if name == "__iter__" else placed


def _without_device(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[bool | None, tuple[Any, ...], dict[str, Any]]:
    """Whether the result is wanted on the device, None where nobody says; and the arguments, naming the CPU for it."""
    if name == "cpu":
        return False, args, kwargs
    if name in ("to", "type_as") and len(args) > 1 and isinstance(args[1], torch.Tensor):
        return isinstance(args[1], AcceleratorTensor), args, kwargs
    if name == "to" and len(args) > 1 and isinstance(args[1], (str, torch.device)):
        wanted = _is_here(args[1])
        return wanted, (args[0], _CPU if wanted else args[1], *args[2:]), kwargs
    if kwargs.get("device") is None:
        return None, args, kwargs
    wanted = _is_here(kwargs["device"])
    return wanted, args, {**kwargs, "device": _CPU if wanted else kwargs["device"]}


def _is_here(device: Any) -> bool:
    return not isinstance(device, int) and torch.device(device).type == ACCELERATOR.type


def _lands(name: str, args: tuple[Any, ...]) -> bool:
    """Whether the result of a call with a tensor of the device, that names none, lies there."""
    first_decides = name in _MAKING or name in ("__getitem__", "to")
    return isinstance(args[0], AcceleratorTensor) if first_decides else True


def _check_devices(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], given: list[torch.Tensor]) -> None:
    """Refuses tensors of two devices where a GPU would.

    Raises:
        RuntimeError: with the words of PyTorch.
    """
    if name in _ACROSS:
        return
    if name in ("__getitem__", "__setitem__"):
        apart = _apart_by_index(*args)
    else:
        # What has no dimensions goes with any device, but not into one that is joined, and nothing is written to it.
        written = [kwargs.get("out"), args[0] if args and _writes(name) else None]
        plain = [one for one in given if not isinstance(one, AcceleratorTensor)]
        apart = [one for one in plain if one.dim() or name in _JOINING or any(one is other for other in written)]
    if apart:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but {name} found at least two devices, {ACCELERATOR} and "
            f"{_CPU}!"
        )


def _writes(name: str) -> bool:
    """Whether a method of this name changes the tensor that it is called on."""
    if name.startswith("__"):
        return name in _IN_PLACE
    return name.endswith("_")


def _apart_by_index(tensor: torch.Tensor, index: Any, *values: Any) -> list[torch.Tensor]:
    """What does not go with an indexed tensor: indices may lie on the CPU, and by plain ones values are copied over."""
    here = isinstance(tensor, AcceleratorTensor)
    leaves = _leaves([index])
    apart: list[torch.Tensor] = [leaf for leaf in leaves if isinstance(leaf, AcceleratorTensor) and not here]
    parts = index if isinstance(index, tuple) else (index,)
    if all(isinstance(part, (numbers.Integral, slice, type(None), type(...))) for part in parts):
        return apart
    given = [value for value in values if isinstance(value, torch.Tensor) and value.dim()]
    return apart + [value for value in given if isinstance(value, AcceleratorTensor) != here]


def _check_types(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Refuses a copy to the CPU that turns values into doubles on the way: a device without any does that there.

    Raises:
        TypeError: it does.
    """
    if name == "copy_":
        source, wanted = args[1], [args[0].dtype]
    else:
        source, wanted = args[0], [getattr(leaf, "dtype", leaf) for leaf in (*args[1:], *kwargs.values())]
    if isinstance(source, AcceleratorTensor) and any(one in _DOUBLES for one in wanted if isinstance(one, torch.dtype)):
        raise TypeError(f"{ACCELERATOR.type} has no float64; call cpu() first, then double()")


def _placed(result: Any, lands: bool, kept: list[torch.Tensor], pretended: PretendAccelerator) -> Any:
    """The result with its tensors on the device or off it; what was changed in place stays what it was."""
    if isinstance(result, (tuple, list)) and any(isinstance(part, torch.Tensor) for part in _leaves(result)):
        parts = [_placed(part, lands, kept, pretended) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    if not isinstance(result, torch.Tensor) or any(result is tensor for tensor in kept):
        return result
    if isinstance(result, AcceleratorTensor) == lands:
        return result
    if not lands:
        return result.as_subclass(torch.Tensor).clone()
    pretended._admit(result)
    return result.as_subclass(AcceleratorTensor)
