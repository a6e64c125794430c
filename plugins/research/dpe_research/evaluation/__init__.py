"""Evaluation: how good edits are, of our networks or of anybody's, by the paper's protocols and on a grid of truths."""

from __future__ import annotations

from dpe_research.evaluation.calibration import Calibration, calibrate
from dpe_research.evaluation.cases import PROTOCOLS, Case, EditKind, Group, ProtocolName
from dpe_research.evaluation.footage import Clip, Footage, FrameRef
from dpe_research.evaluation.measures import Measures, NamedMetric, picture_metrics
from dpe_research.evaluation.pairs import default_pairs, read_pairs
from dpe_research.evaluation.protocols import DEFAULT_FRAMES, grid_groups, pair_groups, self_groups
from dpe_research.evaluation.reading import FaceReader
from dpe_research.evaluation.running import Outcome, RunSettings, evaluate_groups
from dpe_research.evaluation.scoring import Scores

__all__ = [
    "DEFAULT_FRAMES",
    "PROTOCOLS",
    "Calibration",
    "Case",
    "Clip",
    "EditKind",
    "FaceReader",
    "Footage",
    "FrameRef",
    "Group",
    "Measures",
    "NamedMetric",
    "Outcome",
    "ProtocolName",
    "RunSettings",
    "Scores",
    "calibrate",
    "default_pairs",
    "evaluate_groups",
    "grid_groups",
    "pair_groups",
    "picture_metrics",
    "read_pairs",
    "self_groups",
]
