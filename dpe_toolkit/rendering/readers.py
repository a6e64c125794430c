"""Readers of what a plan names: films by themselves, image sequences as the plan says."""

from __future__ import annotations

from pathlib import Path

from dpe_toolkit.analysis import FrameSource, OpenReader
from dpe_toolkit.media import MediaInfo, SequenceReader, probe, probe_sequence, sequence_of
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import RenderPlan

__all__ = ["media_opener", "probe_media"]


def probe_media(media: MediaPlan) -> MediaInfo:
    """What a file or sequence of a plan holds.

    Raises:
        MediaError: it cannot be read.
    """
    sequence = sequence_of(media.path) if media.missing_images is not None else None
    return probe(media.path) if sequence is None else probe_sequence(sequence, media.rate)


def media_opener(plan: RenderPlan, open_reader: OpenReader) -> OpenReader:
    """``open_reader``, with image sequences of the plan opened as such."""
    sequences = {one.path: one for one in plan.media() if one.missing_images is not None}

    def open_any(path: Path) -> FrameSource:
        one = sequences.get(path)
        sequence = None if one is None else sequence_of(path)
        if one is None or sequence is None:
            return open_reader(path)
        return SequenceReader(sequence, rate=one.rate, missing=one.missing_images or "error")

    return open_any if sequences else open_reader
