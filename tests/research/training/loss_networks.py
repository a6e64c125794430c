"""LossNetworks for tests: linear in the pictures, so that values can be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dpe_toolkit.editing.measures import FaceReading


class MeanReader:
    """Reads the mean of red and green as the expression, and that of blue, times 90, as every angle of the pose."""

    expression_size = 2

    def __init__(self) -> None:
        self.near: list[Tensor | None] = []

    def read(self, pictures: Tensor, near_px: Tensor | None = None) -> FaceReading:
        assert pictures.dtype in (torch.float32, torch.float64)
        self.near.append(near_px)
        means = pictures.mean(dim=(2, 3))
        count = len(pictures)
        empty = pictures.new_zeros((count, 0, 3))
        return FaceReading(
            expression=means[:, :2],
            pose_deg=means[:, 2:].expand(-1, 3) * 90.0,
            place=means[:, 2:].expand(-1, 3),
            shape=means[:, None, :].expand(-1, 4, -1),
            points_px=empty,
            blendshapes=pictures.new_zeros((count, 0)),
            score=pictures.new_ones(count),
        )


class HalvedMaps:
    """Two feature maps: the pictures themselves, and twice their halved size."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int, bool]] = []

    def features(self, pictures: Tensor) -> Sequence[Tensor]:
        self.calls.append((len(pictures), pictures.shape[-1], torch.is_grad_enabled()))
        return pictures, 2.0 * torch.nn.functional.avg_pool2d(pictures, 2)
