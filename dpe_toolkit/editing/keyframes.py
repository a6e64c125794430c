"""Values that change inside a shot: keys, and what lies between them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, Protocol

from pydantic import Field

from dpe_toolkit.core.framemap import ExactFraction
from dpe_toolkit.editing.settings import Amount, Settings

__all__ = ["Interpolation", "Key", "Point", "PolygonKey", "between", "polygon_at", "value_at"]

Interpolation = Literal["linear", "smooth", "hold"]
"""How a value goes from its key to the next: in a straight line, with flat ends, or in one step at the next key."""
Point = tuple[float, float]


class Key(Settings):
    """A value at a row of a shot."""

    row: ExactFraction
    """0 is the first row of the whole shot; it may lie before or behind the shot."""
    value: Amount
    interpolation: Interpolation = "linear"


class PolygonKey(Settings):
    """A polygon at a row of a shot."""

    row: ExactFraction
    points: tuple[Point, ...] = Field(min_length=3)
    """x and y as shares of the picture's width and height; 0 is left and top."""
    interpolation: Interpolation = "linear"


class _Placed(Protocol):
    @property
    def row(self) -> Fraction: ...

    @property
    def interpolation(self) -> Interpolation: ...


def between(keys: Sequence[_Placed], row: Fraction | int) -> tuple[int, int, float]:
    """The keys around a row, by position, and how far the row's value has gone from the first to the second.

    Before the first key its value holds, behind the last one that.
    """
    behind = bisect_right(keys, row, key=lambda key: key.row)
    if behind == 0 or behind == len(keys):
        only = max(0, behind - 1)
        return only, only, 0.0
    first, second = keys[behind - 1], keys[behind]
    if first.interpolation == "hold":
        return behind - 1, behind, 0.0
    share = float((row - first.row) / (second.row - first.row))
    return behind - 1, behind, share * share * (3 - 2 * share) if first.interpolation == "smooth" else share


def value_at(keys: Sequence[Key], row: Fraction | int) -> float:
    """The value at a row, by keys in order."""
    first, second, share = between(keys, row)
    return keys[first].value + (keys[second].value - keys[first].value) * share


def polygon_at(keys: Sequence[PolygonKey], row: Fraction | int) -> tuple[Point, ...]:
    """The polygon at a row, by keys in order that have equally many points."""
    first, second, share = between(keys, row)
    pairs = zip(keys[first].points, keys[second].points, strict=True)
    return tuple((x + (u - x) * share, y + (v - y) * share) for (x, y), (u, v) in pairs)
