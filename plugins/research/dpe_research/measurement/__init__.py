"""What edits do to faces, measured: shared by training and evaluation."""

from __future__ import annotations

from dpe_research.measurement.branches import BranchMeasure, BranchShares, measure_branches
from dpe_research.measurement.clips import ClipFrames, ClipMotionLike, FaceClips, HeldClips, HeldMotion
from dpe_research.measurement.edits import Distances, EditMoves, face_distances, measure_edits
from dpe_research.measurement.pairs import FramePairs, PairChoice, PairReader, PairSampler, held_out_pairs

__all__ = [
    "BranchMeasure",
    "BranchShares",
    "ClipFrames",
    "ClipMotionLike",
    "Distances",
    "EditMoves",
    "FaceClips",
    "FramePairs",
    "HeldClips",
    "HeldMotion",
    "PairChoice",
    "PairReader",
    "PairSampler",
    "face_distances",
    "held_out_pairs",
    "measure_branches",
    "measure_edits",
]
