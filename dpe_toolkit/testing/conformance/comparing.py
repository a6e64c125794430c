"""Comparing what components take and give, whatever dataclasses it lies in."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.editing.handover import download

__all__ = [
    "ConformanceError",
    "ConformanceWarning",
    "advise",
    "arrays_of",
    "differing",
    "differing_rows",
    "require",
    "rows_of",
    "snapshot",
]

Array: TypeAlias = npt.NDArray[Any]
_SMALL = (torch.bfloat16, torch.float16)
"""What numpy cannot hold."""


class ConformanceError(AssertionError):
    """A component does not do what its protocol says; the message says what was seen and what is promised."""


class ConformanceWarning(UserWarning):
    """A component works as its protocol says and lacks what its users will ask for, such as a stated licence."""


def advise(condition: object, message: str) -> None:
    """Warns with a `ConformanceWarning` of ``message`` where ``condition`` is not true."""
    if not condition:
        warnings.warn(message, ConformanceWarning, stacklevel=3)


def require(condition: object, message: str) -> None:
    """Raises `ConformanceError` with ``message`` where ``condition`` is not true."""
    if not condition:
        raise ConformanceError(message)


def arrays_of(value: object, path: str = "") -> Iterator[tuple[str, Array, str]]:
    """Every tensor and array in ``value`` with the way to it, as numpy, and where it lies."""
    if isinstance(value, torch.Tensor):
        (held,) = download(value)
        yield path, (held.float() if held.dtype in _SMALL else held).numpy(), value.device.type
    elif isinstance(value, np.ndarray):
        yield path, value, ""
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from arrays_of(getattr(value, field.name), f"{path}.{field.name}".lstrip("."))
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from arrays_of(part, f"{path}[{key!r}]")
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for place, part in enumerate(value):
            yield from arrays_of(part, f"{path}[{place}]")


def snapshot(value: object) -> dict[str, Array]:
    """Copies of every tensor and array in ``value``, by the way to it."""
    return {path: array.copy() for path, array, _ in arrays_of(value)}


def differing(first: object, second: object, *, tolerance: float = 0.0) -> str:
    """What differs most between two values of one make, in words; empty where nothing differs by more."""
    return _differing(snapshot(first), snapshot(second), tolerance)


def rows_of(value: object, num_rows: int, row: int) -> dict[str, Array]:
    """What ``value`` says of one of its rows: entries of lists and of arrays that have ``num_rows``."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return snapshot(value[row]) if len(value) == num_rows else {}
    return {path: array[row] for path, array, _ in arrays_of(value) if array.ndim and len(array) == num_rows}


def _differing(first: Mapping[str, Array], second: Mapping[str, Array], tolerance: float) -> str:
    if first.keys() != second.keys():
        return f"{sorted(first.keys() ^ second.keys())} is there once only"
    for path, one in first.items():
        other = second[path]
        if one.shape != other.shape:
            return f"{path or 'the result'} has shape {one.shape} and then {other.shape}"
        if one.size and not np.allclose(one, other, rtol=0, atol=tolerance, equal_nan=True):
            apart = np.abs(one.astype(np.float64) - other.astype(np.float64))
            return f"{path or 'the result'} differs by up to {np.nanmax(apart):.3g}"
    return ""


def differing_rows(first: Mapping[str, Array], second: Mapping[str, Array], tolerance: float) -> str:
    """As `differing`, for what `rows_of` gave, and for what both have."""
    shared = first.keys() & second.keys()
    return _differing({key: first[key] for key in shared}, {key: second[key] for key in shared}, tolerance)
