"""What a device cannot do: how that is told from other faults, and work in halves where its memory ends."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import torch

from dpe_toolkit.core.errors import DeviceMemoryError, first_line
from dpe_toolkit.core.timing import Span

__all__ = ["Halving", "empty_cache", "is_lacking", "is_out_of_memory", "no_room"]

_log = logging.getLogger(__name__)
R = TypeVar("R")
# PyTorch's own words, of 2.6 to 2.15.
_LACKING_TYPE = re.compile(r"float64|MPS (backend|framework)")
_LACKING = re.compile(r"\bMPS\b.*not (supported|implemented)|not (supported|implemented)\b.*\bMPS\b", re.DOTALL)
_FULL = re.compile(
    r"backend out of memory|Invalid buffer size|CUDA error: out of memory|(CUBLAS|CUDNN)_STATUS_ALLOC_FAILED"
)


def is_lacking(error: BaseException) -> bool:
    """True for what PyTorch raises where a device has not an operation or a type (Metal lacks some of both)."""
    if isinstance(error, NotImplementedError):
        return True
    words = _LACKING_TYPE if isinstance(error, TypeError) else _LACKING if isinstance(error, RuntimeError) else None
    return words is not None and words.search(str(error)) is not None


def is_out_of_memory(error: BaseException) -> bool:
    """True for what PyTorch raises where the memory of a device is used up; not all of it has a class of its own."""
    told = isinstance(error, RuntimeError) and _FULL.search(str(error)) is not None
    return told or isinstance(error, (torch.OutOfMemoryError, DeviceMemoryError))


def no_room(doing: str, error: BaseException, **where: Any) -> DeviceMemoryError:
    """The error for people, with PyTorch's own words.

    Args:
        doing: what needed the memory, as a noun.
        error: what PyTorch raised.
        where: clip and plugin, as for `dpe_toolkit.core.errors.DpeError`.
    """
    return DeviceMemoryError(
        f"{doing} needs more memory than the device has ({first_line(error)})",
        "room for one frame on the device",
        "close what else uses the device, or choose another: --device cpu",
        **where,
    )


class Halving:
    """Pulls spans, in halves where the memory of a device ends; what was too long once is not tried again.

    Args:
        device: where the work is done.
        forget: lets go of what an attempt left.
    """

    def __init__(self, device: torch.device, forget: Callable[[], None] = lambda: None) -> None:
        self._device = device
        self._forget = forget
        self._longest: int | None = None

    def pull(self, span: Span, work: Callable[[Span], R]) -> Iterator[R]:
        """What ``work`` gives for ``span``, or for its parts in their order.

        Raises:
            DeviceMemoryError: one frame is too much.
        """
        waiting = [span]
        while waiting:
            part = waiting.pop(0)
            if self._longest is not None and len(part) > self._longest:
                waiting[:0] = part.split(self._longest)
                continue
            try:
                result = work(part)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if len(part) == 1:
                    raise error if isinstance(error, DeviceMemoryError) else no_room("a frame", error) from error
            else:
                yield result
                continue
            # Outside of the handler, whose traceback holds the tensors of what failed.
            self._forget()
            empty_cache(self._device)
            self._longest = (len(part) + 1) // 2
            _log.info("%s has no room for %d frames at once: %d are tried", self._device, len(part), self._longest)
            waiting.insert(0, part)


def empty_cache(device: torch.device) -> None:
    """Gives back what PyTorch keeps of a device's memory for later."""
    empty = getattr(getattr(torch, device.type, None), "empty_cache", None)
    if empty is not None:
        empty()
