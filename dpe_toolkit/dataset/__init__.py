"""Datasets of talking-head clips: pictures in WebDataset shards, with what the face does in every frame."""

from __future__ import annotations

from dpe_toolkit.dataset.drafts import ClipDraft
from dpe_toolkit.dataset.index import ClipRecord, DatasetIndex, DroppedClip, read_index
from dpe_toolkit.dataset.motion import ClipMotion, FramePlaces
from dpe_toolkit.dataset.reading import FaceDataset
from dpe_toolkit.dataset.splitting import split_of
from dpe_toolkit.dataset.writing import DatasetWriter

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
