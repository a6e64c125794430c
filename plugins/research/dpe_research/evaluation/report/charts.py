"""Charts as inline SVG: no script, readable in light and dark, with the numbers in a table of the JSON file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from dpe_research.evaluation.report.model import Curve, Series

__all__ = ["NUM_COLOURS", "draw_curve"]

NUM_COLOURS = 8
"""Classes ``c0`` to ``c7`` that the page gives colours to."""
_WIDTH, _HEIGHT = 640.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 12.0, 12.0, 44.0
_TICKS = 5
_DASHES = "6 4"


def draw_curve(curve: Curve, number: int) -> str:
    """The chart as an SVG element.

    Args:
        curve: what to draw; values that are not finite interrupt a line.
        number: of the chart in its page, for ids.
    """
    marks = {"class": "chart", "viewBox": f"0 0 {_WIDTH:g} {_HEIGHT:g}", "role": "img"}
    root = ET.Element("svg", marks | {"aria-labelledby": f"chart-{number}"})
    title = ET.SubElement(root, "title", {"id": f"chart-{number}"})
    title.text = f"{curve.title}: {curve.y_label} by {curve.x_label}"
    frame = _Frame.around(curve.series)
    _draw_axes(root, frame, curve)
    for place, series in enumerate(curve.series):
        _draw_line(root, frame, series, place % NUM_COLOURS)
    return ET.tostring(root, encoding="unicode")


class _Frame:
    """Where values lie in the picture."""

    def __init__(self, across: tuple[float, float], upward: tuple[float, float]) -> None:
        self.x_ticks, self.y_ticks = _ticks(*across), _ticks(*upward)
        self._across = across
        self._upward = min(upward[0], self.y_ticks[0]), max(upward[1], self.y_ticks[-1])

    @classmethod
    def around(cls, series: Sequence[Series]) -> _Frame:
        """The frame that holds all lines."""
        across = [value for line in series for value in line.x]
        upward = [value for line in series for value in line.y if value is not None and math.isfinite(value)]
        return cls(_range(across), _range([*upward, 0.0] if upward and 0 <= min(upward) < max(upward) / 2 else upward))

    def x(self, value: float) -> float:
        """Place across, in units of the picture."""
        low, high = self._across
        return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Place downward."""
        low, high = self._upward
        return _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)


def _range(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if high - low > 1e-9 * max(abs(low), abs(high), 1e-9):
        return low, high
    return low - max(abs(low), 1.0) / 2, high + max(abs(high), 1.0) / 2


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers that cover the range."""
    raw = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def _draw_axes(root: ET.Element, frame: _Frame, curve: Curve) -> None:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    for value in frame.y_ticks:
        place = frame.y(value)
        _line(root, "grid", (_LEFT, place, right, place))
        _text(root, f"{value:g}", (_LEFT - 6, place + 4), "end")
    for value in frame.x_ticks:
        place = frame.x(value)
        if _LEFT - 1 <= place <= right + 1:
            _line(root, "grid", (place, bottom, place, bottom + 4))
            _text(root, f"{value:g}", (place, bottom + 17), "middle")
    _text(root, curve.x_label, ((_LEFT + right) / 2, _HEIGHT - 6), "middle")
    turned = _text(root, curve.y_label, (14, (_TOP + bottom) / 2), "middle")
    turned.set("transform", f"rotate(-90 14 {(_TOP + bottom) / 2:g})")


def _draw_line(root: ET.Element, frame: _Frame, series: Series, colour: int) -> None:
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(series.x, series.y, strict=True):
        if y is None or not math.isfinite(y):
            runs.append([])
        else:
            runs[-1].append((frame.x(x), frame.y(y)))
    for run in runs:
        if len(run) > 1:
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
            marks = {"class": f"line c{colour}", "points": points}
            ET.SubElement(root, "polyline", marks | ({"stroke-dasharray": _DASHES} if series.dashed else {}))
        if len(series.x) <= 12:
            for x, y in run:
                ET.SubElement(root, "circle", {"class": f"dot c{colour}", "cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "3"})


def _line(root: ET.Element, name: str, ends: tuple[float, float, float, float]) -> None:
    places = dict(zip(("x1", "y1", "x2", "y2"), (f"{end:.1f}" for end in ends), strict=True))
    ET.SubElement(root, "line", {"class": name, **places})


def _text(root: ET.Element, words: str, place: tuple[float, float], anchor: str) -> ET.Element:
    marks = {"x": f"{place[0]:.1f}", "y": f"{place[1]:.1f}", "text-anchor": anchor}
    element = ET.SubElement(root, "text", marks)
    element.text = words
    return element
