"""Linking a driver to a clip of an existing timeline."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Any

import opentimelineio as otio  # type: ignore[import-untyped] # ships no types

from dpe_toolkit.core.errors import MediaError, OptionsError, TimelineError, nearest_names
from dpe_toolkit.core.timing import Span, snap_rate
from dpe_toolkit.face.choice import REFERENCE_PREFIX
from dpe_toolkit.timeline.author import Performance, attach_edit, media_url, write_otio
from dpe_toolkit.timeline.document import DRIVER_TRACK_PREFIX, METADATA_KEY
from dpe_toolkit.timeline.media import find_media
from dpe_toolkit.timeline.read import load_otio
from dpe_toolkit.timeline.sidecar import Sidecar, read_sidecar, write_sidecar

__all__ = ["link_clip", "rebase_clip", "rebase_effect"]


def link_clip(timeline: Path, output: Path, *, clip: str, performance: Performance, span: Span | None = None) -> str:
    """Writes ``timeline`` with one more edit to ``output``, with its sidecar, and returns the effect's id.

    Args:
        timeline: an .otio or .otioz file.
        output: an .otio file; may be ``timeline`` itself.
        clip: name of the clip; where several share it, ``name#2`` is the second of them.
        performance: the driver and what is asked of it.
        span: frames of the clip to edit, 0 being its first; the clip is split there. None means all.

    Raises:
        TimelineError: the timeline cannot be read or written, or has no such clip.
        OptionsError: the range leaves the clip.
    """
    held = load_otio(timeline)
    base_dir = output.absolute().parent
    sidecar, problems = read_sidecar(timeline)
    if problems:
        raise TimelineError("; ".join(map(str, problems)), path=timeline)
    found = _find_clip(held.timeline, clip, timeline)
    for item in held.timeline.find_clips():
        rebase_clip(item, held.folders, base_dir)
    target = found if span is None else _split(found, span, timeline)
    taken = _effect_ids(held.timeline) | {shot.id for shot in sidecar.shots}
    replaced = _ids_on(target)
    entry = attach_edit(target, performance, base_dir, taken)
    gone = replaced - _effect_ids(held.timeline)
    kept = [shot for shot in _rebased_shots(sidecar, held.folders, base_dir) if shot["id"] not in gone]
    write_otio(held.timeline, output)
    write_sidecar(output, held.timeline.name, [*kept, entry])
    return str(entry["id"])


def _find_clip(timeline: Any, wanted: str, path: Path) -> Any:
    clips = [
        clip
        for track in timeline.video_tracks()
        if not track.name.startswith(DRIVER_TRACK_PREFIX)
        for clip in track.find_clips()
    ]
    name, _, number = wanted.rpartition("#")
    named = [clip for clip in clips if clip.name == wanted]
    if not named and number.isdecimal() and int(number):
        named = [clip for clip in clips if clip.name == name][int(number) - 1 :][:1]
    if not named:
        known = nearest_names(wanted, {clip.name for clip in clips})
        raise TimelineError(f"there is no picture clip {wanted!r}", known, "correct the clip's name", path=path)
    if len(named) > 1:
        raise TimelineError(
            f"{len(named)} clips are called {wanted!r}",
            "one of them",
            f"say which, {wanted}#1 to {wanted}#{len(named)}",
            path=path,
        )
    if _range_of(named[0]) is None:
        raise TimelineError("it has no range", "a source range or media with a known range", clip=wanted, path=path)
    return named[0]


def _range_of(clip: Any) -> Any:
    if clip.source_range is not None:
        return clip.source_range
    return getattr(clip.media_reference, "available_range", None)


def _split(clip: Any, span: Span, path: Path) -> Any:
    """Splits ``clip`` in its track so that ``span`` of it is a clip of its own, which comes back."""
    track, shown = clip.parent(), _range_of(clip)
    rate = shown.duration.rate
    num_frames = round(shown.duration.value)
    if span.intersect(Span(0, num_frames)) != span or not len(span):
        raise OptionsError(
            f"frames {span.start}:{span.stop} are not in clip {clip.name!r}",
            f"a range inside 0:{num_frames} at {snap_rate(rate)} frames a second",
            "correct the range",
        )
    timed = any(isinstance(effect, otio.schema.TimeEffect) for effect in clip.effects)
    if not isinstance(track, otio.schema.Track) or timed or _has_edit(clip):
        reason = (
            "is no item of a track" if not isinstance(track, otio.schema.Track) else "has effects in time or an edit"
        )
        raise TimelineError(
            f"it {reason}, so it cannot be split", "a plain clip", "edit all of it, without a range", clip=clip.name
        )
    position = track.index(clip)
    parts = [Span(0, span.start), span, Span(span.stop, num_frames)]
    pieces = [_piece(clip, shown, part) for part in parts if len(part)]
    track[position : position + 1] = pieces
    return pieces[1 if span.start else 0]


def _piece(clip: Any, shown: Any, part: Span) -> Any:
    rate = shown.duration.rate
    start = shown.start_time + otio.opentime.RationalTime(part.start, rate)
    piece = clip.deepcopy()
    piece.source_range = otio.opentime.TimeRange(start, otio.opentime.RationalTime(len(part), rate))
    return piece


def _has_edit(clip: Any) -> bool:
    return any(METADATA_KEY in effect.metadata for effect in clip.effects)


def _effect_ids(timeline: Any) -> frozenset[str]:
    return frozenset().union(*map(_ids_on, timeline.find_clips()))


def _ids_on(clip: Any) -> frozenset[str]:
    return frozenset(
        str(effect.metadata[METADATA_KEY].get("id", "")) for effect in clip.effects if METADATA_KEY in effect.metadata
    )


def rebase_clip(clip: Any, folders: Sequence[Path], base_dir: Path) -> None:
    """Makes the references of a clip hold from ``base_dir``; those that are not found stay as they are."""
    for reference in clip.media_references().values():
        if isinstance(reference, otio.schema.ExternalReference):
            reference.target_url = _rebase_url(reference.target_url, folders, base_dir)
    for effect in clip.effects:
        if METADATA_KEY in effect.metadata:
            rebase_effect(effect.metadata[METADATA_KEY], folders, base_dir)


def _rebased_shots(sidecar: Sidecar, folders: Sequence[Path], base_dir: Path) -> list[dict[str, Any]]:
    shots = [shot.model_dump(mode="json") for shot in sidecar.shots]
    for shot in shots:
        shot["media"] = _rebase_url(shot["media"], folders, base_dir)
        rebase_effect(shot["effect"], folders, base_dir)
    return shots


def rebase_effect(effect: Any, folders: Sequence[Path], base_dir: Path) -> None:
    """Makes driver, matte films and pictures of faces in an effect's metadata hold from ``base_dir``."""
    _rebase_media(effect.get("driving"), folders, base_dir)
    for matte in effect.get("mattes") or ():
        _rebase_media(matte, folders, base_dir)
    faces = effect.get("face")
    for whose in ("source", "driver") if isinstance(faces, MutableMapping) else ():
        _rebase_face(faces, whose, folders, base_dir)


def _rebase_media(holder: Any, folders: Sequence[Path], base_dir: Path) -> None:
    """Makes ``holder["media"]`` hold, whichever of its forms it has; what is none of them is left to who reads it."""
    media = holder.get("media") if isinstance(holder, MutableMapping) else None
    if isinstance(media, otio.schema.Clip):
        rebase_clip(media, folders, base_dir)
    elif isinstance(media, otio.schema.ExternalReference):
        media.target_url = _rebase_url(media.target_url, folders, base_dir)
    elif isinstance(media, str):
        holder["media"] = _rebase_url(media, folders, base_dir)
    elif isinstance(media, MutableMapping) and isinstance(media.get("url"), str):
        media["url"] = _rebase_url(media["url"], folders, base_dir)


def _rebase_face(faces: Any, whose: str, folders: Sequence[Path], base_dir: Path) -> None:
    face = faces.get(whose)
    if isinstance(face, str) and face.startswith(REFERENCE_PREFIX):
        faces[whose] = REFERENCE_PREFIX + _rebase_url(face.removeprefix(REFERENCE_PREFIX), folders, base_dir)
    elif isinstance(face, MutableMapping) and isinstance(face.get("reference"), str) and face["reference"]:
        face["reference"] = _rebase_url(face["reference"], folders, base_dir)


def _rebase_url(url: str, folders: Sequence[Path], base_dir: Path) -> str:
    if base_dir in folders[:1]:
        return url
    try:
        return media_url(find_media(url, folders), base_dir)
    except MediaError:
        return url
