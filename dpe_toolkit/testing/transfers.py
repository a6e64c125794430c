"""Counting what goes to the pretended accelerator and comes back, and at whose wish."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from unittest import mock

import numpy as np
import torch

from dpe_toolkit.testing import accelerator
from dpe_toolkit.testing.accelerator import AcceleratorTensor

__all__ = ["Transfer", "counted_transfers"]

_MOVING = ("cpu", "to", "type_as")
_MAKING = ("as_tensor", "asarray", "tensor")
_READING = ("__bool__", "__float__", "__index__", "__int__", "item", "tolist")
_UNSEEN = ("torch", "dpe_toolkit.testing.accelerator", "dpe_toolkit.testing.transfers", "dpe_toolkit.editing.handover")
"""Modules that move what others ask them to."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer between the CPU and the accelerator."""

    way: Literal["up", "down", "read"]
    """``read``: Python waits for a few numbers, such as whether all is finite."""
    num_values: int
    by: str
    """``module.function`` that asked for it; of a plugin's, where one asked the core."""

    @property
    def is_plugins(self) -> bool:
        """A plugin asked for it."""
        return not self.by.startswith("dpe_toolkit.")


@contextmanager
def counted_transfers() -> Iterator[list[Transfer]]:
    """The transfers of all threads, as they happen, inside `dpe_toolkit.testing.pretend_accelerator`.

    Indices that a list or array brings into a tensor of the accelerator count as well, as they do on a GPU.
    """
    found: list[Transfer] = []
    compute = accelerator._compute

    def counting(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = compute(func, args, kwargs)
        # What PyTorch does inside of one of its functions is seen as well, and is no transfer.
        if not accelerator._computing():
            found.extend(_transfers(getattr(func, "__name__", ""), args, result))
        return result

    with mock.patch.object(accelerator, "_compute", counting):
        yield found


def _transfers(name: str, args: tuple[Any, ...], result: Any) -> Iterator[Transfer]:
    first: Any = args[0] if args else None
    there, lands = isinstance(first, AcceleratorTensor), isinstance(result, AcceleratorTensor)
    if name in _READING and there:
        yield Transfer("read", first.numel(), _asker())
    elif name in _MOVING or name in _MAKING:
        if lands != there and isinstance(result, torch.Tensor):
            yield Transfer("up" if lands else "down", result.numel(), _asker())
    elif name in ("copy_", "__setitem__"):
        value = args[-1]
        if isinstance(value, torch.Tensor) and isinstance(value, AcceleratorTensor) != there:
            yield Transfer("up" if there else "down", value.numel(), _asker())
    if name in ("__getitem__", "__setitem__") and there:
        parts = args[1] if isinstance(args[1], tuple) else (args[1],)
        for part in parts:
            if isinstance(part, (list, np.ndarray)) or (
                isinstance(part, torch.Tensor) and not isinstance(part, AcceleratorTensor)
            ):
                yield Transfer("up", len(part), _asker())


def _asker() -> str:
    """The innermost function of a plugin, else that of the core which asked."""
    frame, core = sys._getframe(1), ""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        root = module.partition(".")[0]
        if root == "dpe_toolkit":
            core = core or ("" if module.startswith(_UNSEEN) else f"{module}.{frame.f_code.co_name}")
        elif root.startswith("dpe_"):
            return f"{module}.{frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment] # None at the outermost
    return core or "dpe_toolkit"
