"""Runtime checks of array shapes and ranges, for the places where data enters from outside."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Shaped", "describe_shape", "expect_shape"]


class Shaped(Protocol):
    """Anything with a shape: a torch tensor or a numpy array."""

    @property
    def shape(self) -> tuple[int, ...]: ...


def describe_shape(pattern: tuple[int | str, ...]) -> str:
    """The pattern as people write it: ``(N, 3, H, W)``."""
    return "(" + ", ".join(str(axis) for axis in pattern) + ")"


def expect_shape(
    name: str, value: Shaped, pattern: tuple[int | str, ...], known: dict[str, int] | None = None
) -> dict[str, int]:
    """The sizes bound to the letters of ``pattern``.

    Args:
        name: what the value is called in the message.
        value: tensor or array.
        pattern: one entry an axis; an int must match, a letter is bound at its first use and must
            agree at the next.
        known: letters bound before; not changed.

    Raises:
        ValueError: the shape does not fit; the message names both.
    """
    shape = tuple(int(size) for size in value.shape)
    bound = dict(known or {})
    fits = len(shape) == len(pattern) and all(
        size == axis if isinstance(axis, int) else bound.setdefault(axis, size) == size
        for size, axis in zip(shape, pattern, strict=True)
    )
    if not fits:
        letters = ", ".join(f"{key}={size}" for key, size in (known or {}).items())
        where = f" with {letters}" if letters else ""
        raise ValueError(f"{name} has shape {shape}, expected {describe_shape(pattern)}{where}")
    return bound
