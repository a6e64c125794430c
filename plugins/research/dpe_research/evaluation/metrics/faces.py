"""Metrics that compare what was read in faces: identity, expression and pose.

Distances of shape are those of `dpe_research.measurement.face_distances`, which training reads too.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dpe_research.evaluation.metrics.info import MetricInfo
from dpe_toolkit.api import FaceReading, expect_shape

__all__ = ["blendshape_distance", "expression_distance", "identity_similarity", "pose_error_deg", "reading_columns"]


def identity_similarity(first: Tensor, second: Tensor) -> Tensor:
    """CSIM: (N,) cosines of embeddings (N, K)."""
    expect_shape("second", second, ("N", "K"), expect_shape("first", first, ("N", "K")))
    cosine: Tensor = torch.nn.functional.cosine_similarity(first.cpu().double(), second.cpu().double(), dim=1)
    return cosine


def expression_distance(first: FaceReading, second: FaceReading) -> Tensor:
    """(N,) mean absolute difference of the expression code, in the regressor's units."""
    return (first.expression - second.expression).cpu().double().abs().mean(1)


def blendshape_distance(first: FaceReading, second: FaceReading) -> Tensor:
    """(N,) mean absolute difference of the blendshape activities, in [0, 1]; B is not 0."""
    return (first.blendshapes - second.blendshapes).cpu().double().abs().mean(1)


def pose_error_deg(first: FaceReading, second: FaceReading) -> Tensor:
    """APD: (N,) mean absolute difference of yaw, pitch and roll in degrees, the short way round."""
    apart = torch.remainder(first.pose_deg - second.pose_deg + 180, 360) - 180
    return apart.cpu().double().abs().mean(1)


def reading_columns(regressor: str) -> tuple[MetricInfo, ...]:
    """AED in three measures and APD, named after the regressor, so that nobody takes them for 3DMM numbers."""
    read = f"as regressor '{regressor}' reads it"
    return (
        MetricInfo(
            key="aed_mesh",
            label=f"AED ({regressor} shape)",
            unit="mesh units",
            higher_is_better=False,
            about=f"Mean distance of the face's vertices, pose taken out, {read}; a mesh unit is about 1 mm.",
        ),
        MetricInfo(
            key="aed_expression",
            label=f"AED ({regressor} expression)",
            unit="regressor units",
            higher_is_better=False,
            about=f"Mean absolute difference of the expression code, {read}; its usual spread is about 1.",
        ),
        MetricInfo(
            key="aed_blendshapes",
            label=f"AED ({regressor} blendshapes)",
            unit="0 to 1",
            higher_is_better=False,
            about=f"Mean absolute difference of the blendshape activities, {read}.",
        ),
        MetricInfo(
            key="apd",
            label=f"APD ({regressor})",
            unit="degrees",
            higher_is_better=False,
            about=f"Mean absolute difference of yaw, pitch and roll, {read}.",
        ),
    )
