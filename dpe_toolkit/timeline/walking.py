"""Clips of an OpenTimelineIO timeline in the order in which they are read, and where they lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import opentimelineio as otio  # type: ignore[import-untyped] # ships no types

from dpe_toolkit.timeline.document import METADATA_KEY

__all__ = ["RENDERED_KEY", "otio_clips", "rendered_edit"]

RENDERED_KEY = "rendered"


def otio_clips(item: Any) -> Iterator[Any]:
    """Every clip, enabled or not, as `walk_clips` orders those of the plain form."""
    if isinstance(item, otio.schema.Clip):
        yield item
    elif isinstance(item, otio.schema.Track | otio.schema.Stack):
        for child in item:
            yield from otio_clips(child)


def rendered_edit(clip: Any) -> Any:
    """What a clip holds of an edit that its active media already show, None where they show none."""
    held = clip.metadata.get(METADATA_KEY)
    return held.get(RENDERED_KEY) if hasattr(held, "get") else None
