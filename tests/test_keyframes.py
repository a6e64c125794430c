"""Keys and what lies between them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.editing.keyframes import Interpolation, Key, PolygonKey, polygon_at, value_at


def keys(*values: tuple[float, float], interpolation: Interpolation = "linear") -> list[Key]:
    return [Key(row=Fraction(row), value=value, interpolation=interpolation) for row, value in values]


@pytest.mark.parametrize(
    ("interpolation", "expected"),
    [
        ("linear", [0, 0, 0.25, 0.5, 0.75, 1, 1]),
        ("smooth", [0, 0, 0.15625, 0.5, 0.84375, 1, 1]),
        ("hold", [0, 0, 0, 0, 0, 1, 1]),
    ],
)
def test_values_between_two_keys(interpolation: Interpolation, expected: list[float]) -> None:
    found = keys((10, 0), (14, 1), interpolation=interpolation)
    assert [value_at(found, row) for row in (3, 10, 11, 12, 13, 14, 50)] == expected


rows = st.lists(st.integers(0, 50), min_size=1, max_size=6, unique=True).map(sorted)


@given(rows, st.data(), st.sampled_from(["linear", "smooth", "hold"]), st.integers(-5, 60))
def test_a_value_lies_between_those_of_its_neighbours_and_keys_are_met(
    places: list[int], data: st.DataObject, interpolation: Interpolation, row: int
) -> None:
    values = data.draw(st.lists(st.floats(0, 3), min_size=len(places), max_size=len(places)))
    found = keys(*zip(places, values, strict=True), interpolation=interpolation)
    assert [value_at(found, place) for place in places] == pytest.approx(values)
    before = [value for place, value in zip(places, values, strict=True) if place <= row][-1:] or values[:1]
    behind = [value for place, value in zip(places, values, strict=True) if place >= row][:1] or values[-1:]
    low, high = sorted([before[0], behind[0]])
    assert low - 1e-9 <= value_at(found, row) <= high + 1e-9


def test_a_polygon_moves_point_by_point() -> None:
    first = PolygonKey(row=Fraction(0), points=((0, 0), (1, 0), (1, 1)))
    second = PolygonKey(row=Fraction(4), points=((0.5, 0.5), (1, 0.5), (1, 1)))
    assert polygon_at([first, second], 2) == ((0.25, 0.25), (1, 0.25), (1, 1))
