"""Timelines: what a shot says it wants, read from and written to OpenTimelineIO files."""

from __future__ import annotations

from dpe_toolkit.timeline.author import Performance, media_url, write_edit_timeline
from dpe_toolkit.timeline.checking import check_model
from dpe_toolkit.timeline.document import (
    Clip,
    EffectRecord,
    Gap,
    MediaReference,
    Stack,
    TimelineDoc,
    TimeRange,
    Track,
    Transition,
    walk_clips,
)
from dpe_toolkit.timeline.edited import EditedMedia, write_relinked
from dpe_toolkit.timeline.effect import EFFECT_SCHEMA, EffectSpec, MediaMoment, effect_fields, parse_effect
from dpe_toolkit.timeline.formats import FORMATS, TimelineFormat, expect_adapter, format_of
from dpe_toolkit.timeline.link import link_clip
from dpe_toolkit.timeline.media import find_media, media_basename
from dpe_toolkit.timeline.read import read_timeline
from dpe_toolkit.timeline.sidecar import Sidecar, SidecarShot, read_sidecar, sidecar_path, write_sidecar
from dpe_toolkit.timeline.transfer import CarriedEdit, write_conformed

__all__ = [
    "EFFECT_SCHEMA",
    "FORMATS",
    "CarriedEdit",
    "Clip",
    "EditedMedia",
    "EffectRecord",
    "EffectSpec",
    "Gap",
    "MediaMoment",
    "MediaReference",
    "Performance",
    "Sidecar",
    "SidecarShot",
    "Stack",
    "TimeRange",
    "TimelineDoc",
    "TimelineFormat",
    "Track",
    "Transition",
    "check_model",
    "effect_fields",
    "expect_adapter",
    "find_media",
    "format_of",
    "link_clip",
    "media_basename",
    "media_url",
    "parse_effect",
    "read_sidecar",
    "read_timeline",
    "sidecar_path",
    "walk_clips",
    "write_conformed",
    "write_edit_timeline",
    "write_relinked",
    "write_sidecar",
]
