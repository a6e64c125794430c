"""Metrics: how near a result is to the truth, to a person, to an expression and to a pose."""

from __future__ import annotations

from dpe_research.evaluation.metrics.backbones import BackboneName
from dpe_research.evaluation.metrics.faces import (
    blendshape_distance,
    expression_distance,
    identity_similarity,
    pose_error_deg,
    reading_columns,
)
from dpe_research.evaluation.metrics.info import IDENTICAL_DB, Cell, MetricInfo, average
from dpe_research.evaluation.metrics.lpips import Lpips, load_lpips
from dpe_research.evaluation.metrics.pictures import Psnr, Ssim

__all__ = [
    "IDENTICAL_DB",
    "BackboneName",
    "Cell",
    "Lpips",
    "MetricInfo",
    "Psnr",
    "Ssim",
    "average",
    "blendshape_distance",
    "expression_distance",
    "identity_similarity",
    "load_lpips",
    "pose_error_deg",
    "reading_columns",
]
