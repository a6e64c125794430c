"""Datasets of talking-head clips: pictures in WebDataset shards, with what the face does in every frame."""

from __future__ import annotations

from dpe_research.dataset.drafts import ClipDraft
from dpe_research.dataset.index import ClipRecord, DatasetIndex, DroppedClip, read_index
from dpe_research.dataset.motion import ClipMotion, FramePlaces
from dpe_research.dataset.reading import FaceDataset
from dpe_research.dataset.splitting import split_of
from dpe_research.dataset.writing import DatasetWriter

__all__ = [
    "ClipDraft",
    "ClipMotion",
    "ClipRecord",
    "DatasetIndex",
    "DatasetWriter",
    "DroppedClip",
    "FaceDataset",
    "FramePlaces",
    "read_index",
    "split_of",
]
