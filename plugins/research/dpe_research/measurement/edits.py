"""How far edits move expression and pose, as a regressor reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from dpe_research.measurement.pairs import FramePairs
from dpe_toolkit.api import ExpressionRegressor, FaceReading

__all__ = ["Distances", "EditFunction", "EditMoves", "Near", "face_distances", "measure_edits"]

Edit: TypeAlias = Literal["expression", "pose"]
EditFunction: TypeAlias = Callable[[Tensor, Tensor, Edit], Tensor]
"""Source and driver (N, 3, S, S) float32 in [0, 1], and the edit, to results of the same shape and range."""
Near: TypeAlias = Literal["kept", "between"]
_MM_PER_UNIT = 10.0


@dataclass(frozen=True, slots=True)
class Distances:
    """How far N faces are from N others."""

    expression: Tensor
    """(N,) root mean square difference of the expression, in the regressor's units: what few numbers say clearly
    counts, and what many say as noise hardly does."""
    shape_mm: Tensor
    """(N,) mean distance of the vertices of the face without its pose, in canonical centimetres times ten; NaN
    where the regressor gives no shape."""
    pose_deg: Tensor
    """(N,) angle of the rotation between both heads, from yaw, pitch and roll, in degrees."""
    shift: Tensor
    """(N,) distance of both heads' centres, in shares of the picture's width."""

    def mean(self, name: Literal["expression", "shape_mm", "pose_deg", "shift"]) -> float:
        """Mean of one of the fields."""
        value: Tensor = getattr(self, name)
        return float(value.mean())


@dataclass(frozen=True, slots=True)
class EditMoves:
    """What both edits did to N pairs. Tensors are on the CPU, one row a pair, in the order of the pairs."""

    apart: Distances
    """Source from driver, before any edit: what there was to move."""
    expression_from_source: Distances
    """Result of the expression edit from the source: its pose should be 0."""
    expression_from_driver: Distances
    """Result of the expression edit from the driver: its expression should be 0."""
    pose_from_source: Distances
    """Result of the pose edit from the source: its expression should be 0."""
    pose_from_driver: Distances
    """Result of the pose edit from the driver: its pose should be 0."""


def face_distances(one: FaceReading, other: FaceReading) -> Distances:
    """Distances between readings of N faces each, row by row."""
    expression = (one.expression - other.expression).square().mean(dim=1).sqrt()
    shape = _MM_PER_UNIT * (one.shape - other.shape).norm(dim=2).mean(dim=1)
    shift = (one.place - other.place)[:, :2].norm(dim=1)
    return Distances(expression, shape, _turn_deg(one.pose_deg, other.pose_deg), shift)


@torch.no_grad()
def measure_edits(
    edit: EditFunction, pairs: Iterable[FramePairs], regressor: ExpressionRegressor, *, near: Near = "kept"
) -> EditMoves:
    """What an edit function does to expression and pose of each pair.

    Args:
        edit: makes the edits.
        pairs: batches of pairs, on the device that ``edit`` and ``regressor`` work on.
        regressor: reads the faces.
        near: where a result's face is looked for. "kept": at the source's mesh after an expression edit, at the
            driver's after a pose edit, as they should be. "between": midway, for edits that may do either.

    Raises:
        ValueError: there is no pair.
    """
    rows: list[tuple[Distances, ...]] = []
    for batch in pairs:
        source = regressor.read(batch.source, batch.source_near_px)
        driver = regressor.read(batch.driver, batch.driver_near_px)
        found = [face_distances(source, driver)]
        for kind in ("expression", "pose"):
            result = edit(batch.source, batch.driver, kind).clamp(0.0, 1.0)
            reading = regressor.read(result, _near_px(batch, kind, near))
            found += [face_distances(reading, source), face_distances(reading, driver)]
        rows.append(tuple(found))
    if not rows:
        raise ValueError("there are no pairs; at least one is needed")
    return EditMoves(*(_joined(column) for column in zip(*rows, strict=True)))


def _near_px(batch: FramePairs, edit: Edit, near: Near) -> Tensor | None:
    source, driver = batch.source_near_px, batch.driver_near_px
    if near == "kept":
        return source if edit == "expression" else driver
    return None if source is None or driver is None else (source + driver) / 2.0


def _joined(parts: Iterable[Distances]) -> Distances:
    parts = list(parts)
    columns = ([getattr(part, name) for part in parts] for name in ("expression", "shape_mm", "pose_deg", "shift"))
    return Distances(*(torch.cat(column).cpu() for column in columns))


def _turn_deg(one: Tensor, other: Tensor) -> Tensor:
    """Angle between rotations given as yaw, pitch, roll (N, 3), in degrees, on the CPU: Metal has no doubles."""
    product = _rotations(one).transpose(1, 2) @ _rotations(other)
    trace = product.diagonal(dim1=1, dim2=2).sum(dim=1)
    skew = product - product.transpose(1, 2)
    sine = torch.stack((skew[:, 2, 1], skew[:, 0, 2], skew[:, 1, 0]), dim=1).norm(dim=1) / 2.0
    # The arc cosine alone would lose small angles in single precision.
    return torch.rad2deg(torch.atan2(sine, (trace - 1.0) / 2.0)).to(one.dtype)


def _rotations(angles_deg: Tensor) -> Tensor:
    yaw, pitch, roll = torch.deg2rad(angles_deg.cpu().double()).unbind(dim=1)
    return _about(1, yaw) @ _about(0, pitch) @ _about(2, roll)


def _about(axis: int, angle: Tensor) -> Tensor:
    one, other = [index for index in range(3) if index != axis]
    turn = torch.eye(3, dtype=angle.dtype, device=angle.device).repeat(len(angle), 1, 1)
    turn[:, one, one] = turn[:, other, other] = angle.cos()
    turn[:, one, other], turn[:, other, one] = -angle.sin(), angle.sin()
    return turn
