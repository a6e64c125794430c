"""Timelines in which edited media stand in for those that they were made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio  # type: ignore[import-untyped] # ships no types

from dpe_toolkit.timeline.author import media_url
from dpe_toolkit.timeline.document import DRIVER_TRACK_PREFIX, MARKER_PREFIX, METADATA_KEY
from dpe_toolkit.timeline.effect import EFFECT_SCHEMA
from dpe_toolkit.timeline.formats import FORMATS, TimelineFormat, write_format
from dpe_toolkit.timeline.link import rebase_clip
from dpe_toolkit.timeline.read import load_otio
from dpe_toolkit.timeline.sidecar import read_sidecar
from dpe_toolkit.timeline.walking import RENDERED_KEY, otio_clips

__all__ = ["EDITED_KEY", "RENDERED_MARKER", "EditedMedia", "write_relinked"]

EDITED_KEY = "dpe_edited"
"""Name of the reference to edited media; the original's reference keeps the name that it had."""
RENDERED_MARKER = "dpe-edited:"
"""Begins the markers of shots whose edit is in their media: no edit is made again by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedMedia:
    """A file that shows what a clip shows, edited."""

    clip_index: int
    """Which clip, counted as `walk_clips` orders them."""
    path: Path
    start_s: Fraction
    """Its first frame, in the time of the original media."""
    num_frames: int
    rate: Fraction
    lead: int
    """Frames before the first that the timeline shows."""
    tail: int
    ids: tuple[str, ...]
    stated: Mapping[str, object] = field(default_factory=dict)
    """What is known of an edit that no effect of the clip describes."""


def write_relinked(
    timeline: Path, output: Path, edited: Sequence[EditedMedia], *, kind: TimelineFormat = FORMATS["otio"]
) -> Path:
    """Writes ``timeline`` with edited media as what its clips show, and returns ``output``.

    The original stays beside it as another reference. Ranges, speeds and dissolves are left alone: edited media
    count the same frames at the same times. The effect moves from the clip into its metadata, so that nothing
    edits the clip twice. Tracks that drive are disabled.

    Args:
        timeline: the timeline that was rendered.
        output: what to write.
        edited: the files, one a clip.
        kind: format to write. Other programs' formats name edited media by whole paths.

    Raises:
        TimelineError: the timeline cannot be read, or the output cannot be written.
    """
    held = load_otio(timeline)
    base_dir = output.absolute().parent
    sidecar, _ = read_sidecar(timeline)
    remembered = {shot.id: shot.effect for shot in sidecar.shots}
    clips = list(otio_clips(held.timeline.tracks))
    for clip in clips:
        rebase_clip(clip, held.folders, base_dir)
    for media in edited:
        url = media.path.absolute().as_uri() if kind.adapter else media_url(media.path, base_dir)
        _relink(clips[media.clip_index], media, url, remembered)
    if edited:
        for track in held.timeline.video_tracks():
            if track.name.startswith(DRIVER_TRACK_PREFIX):
                track.enabled = False
    return write_format(held.timeline, output, kind)


def _relink(clip: Any, media: EditedMedia, url: str, remembered: Mapping[str, Mapping[str, object]]) -> None:
    if clip.source_range is None:
        clip.source_range = clip.trimmed_range()
    original = clip.active_media_reference_key
    own = [effect for effect in clip.effects if METADATA_KEY in effect.metadata]
    if own:
        effect: Any = dict(own[0].metadata[METADATA_KEY])
    else:
        effect = dict(remembered.get(media.ids[0]) or {"schema": EFFECT_SCHEMA, "id": media.ids[0], **media.stated})
    rendered = {"ids": list(media.ids), "effect": effect, "original": original, "lead": media.lead, "tail": media.tail}
    rate = float(media.rate)
    available = otio.opentime.TimeRange(
        otio.opentime.RationalTime(float(media.start_s * media.rate), rate),
        otio.opentime.RationalTime(media.num_frames, rate),
    )
    reference = otio.schema.ExternalReference(url, available)
    reference.name = media.path.name
    reference.metadata[METADATA_KEY] = {RENDERED_KEY: {"ids": list(media.ids)}}
    references = {key: value for key, value in clip.media_references().items() if key != EDITED_KEY}
    clip.set_media_references({**references, EDITED_KEY: reference}, EDITED_KEY)
    clip.metadata[METADATA_KEY] = {RENDERED_KEY: rendered}
    clip.effects[:] = [effect for effect in clip.effects if METADATA_KEY not in effect.metadata]
    _mark(clip, media.ids)


def _mark(clip: Any, ids: Sequence[str]) -> None:
    """Puts markers of edits that are done in place of those of edits that are to be made."""
    start = otio.opentime.TimeRange(
        clip.source_range.start_time, otio.opentime.RationalTime(0, clip.source_range.start_time.rate)
    )
    prefixes = (MARKER_PREFIX, RENDERED_MARKER)
    kept = [marker for marker in clip.markers if not marker.name.casefold().startswith(prefixes)]
    done = [otio.schema.Marker(name=f"{RENDERED_MARKER}{identity}", marked_range=start) for identity in ids]
    clip.markers[:] = [*kept, *done]
