"""From one cut to the next: which clip of the newer one each edit of the older one belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from pydantic import BaseModel, ConfigDict

from dpe_toolkit.planning.flatten import picture_clips
from dpe_toolkit.planning.recover import EditSearch, find_edits, search_edits
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.timeline import Clip, Sidecar, SidecarShot, TimelineDoc, TimeRange, media_basename, walk_clips
from dpe_toolkit.timeline.document import MARKER_PREFIX
from dpe_toolkit.timeline.edited import RENDERED_MARKER
from dpe_toolkit.timeline.moments import MediaStretch
from dpe_toolkit.timeline.transfer import CarriedEdit

__all__ = ["Conformed", "ConformedShot", "conform"]

Status = Literal["kept", "moved", "lost", "ambiguous"]


class ConformedShot(BaseModel):
    """What became of one edit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    clip: str
    """Name of the clip in the older cut."""
    status: Status
    by: str = ""
    """What it was found by: ``effect``, ``marker`` or ``media``."""
    clips: tuple[str, ...] = ()
    """Clips of the newer cut: those that have it now, or, where it is ambiguous, those that it may mean."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Conformed:
    """A finished search."""

    shots: tuple[ConformedShot, ...]
    """One for each edit of the older cut."""
    edits: tuple[CarriedEdit, ...]
    """What is to be written."""
    problems: tuple[Problem, ...]
    """Faults of the older cut's edits."""


@dataclass(frozen=True, slots=True)
class _Former:
    """An edit of the older cut."""

    shot: SidecarShot
    clip_index: int
    rendered: bool
    file: str = ""
    """File name of its edited media."""
    available: TimeRange | None = None


def conform(old: TimelineDoc, sidecar: Sidecar, new: TimelineDoc) -> Conformed:
    """Finds the edits of an older cut in a newer one: by effect, else by marker, else by media and range.

    Where more than one clip may be meant, that is said, and nothing is carried over.

    Args:
        old: the older cut.
        sidecar: what stands beside it.
        new: the newer cut.
    """
    former, problems = _edits_of(old, sidecar)
    places = {clip: place for place, clip in enumerate(walk_clips(new.stack))}
    originals = {_as_original(clip, former): clip for clip in picture_clips(new.stack)}
    search = search_edits(list(originals), Sidecar(shots=tuple(one.shot for one in former)))
    shots: list[ConformedShot] = []
    edits: list[CarriedEdit] = []
    before, after = _positions(old), _positions(new)
    for one in former:
        found = [clip for clip, edit in search.found.items() if edit.spec.id.casefold() == one.shot.id.casefold()]
        carried = [
            _carried(one, clip, search, places[originals[clip]], number) for number, clip in enumerate(found, start=1)
        ]
        edits += carried
        shots.append(_compared(one, found, carried, search, before=before, after=after))
    return Conformed(tuple(shots), tuple(edits), tuple(problems))


def _edits_of(old: TimelineDoc, sidecar: Sidecar) -> tuple[list[_Former], list[Problem]]:
    clips = picture_clips(old.stack)
    places = {clip: place for place, clip in enumerate(walk_clips(old.stack))}
    found, problems = find_edits(clips, sidecar)
    remembered = {shot.id.casefold(): shot for shot in sidecar.shots}
    former = []
    for clip in clips:
        edit = found.get(clip)
        if edit is not None and edit.by != "effect":
            former.append(_Former(remembered[edit.spec.id.casefold()], places[clip], rendered=False))
        elif edit is not None:
            effect = next(effect.metadata for effect in clip.effects if effect.kind == "dpe")
            former.append(_Former(_shot(edit.spec.id, clip, clip.media.url, effect), places[clip], rendered=False))
        elif clip.rendered is not None and isinstance(clip.rendered.get("effect"), dict):
            effect = dict(clip.rendered["effect"])  # type: ignore[call-overload] # looked at above
            shot = _shot(str(effect.get("id", "")), clip, str(clip.rendered.get("original_url", "")), effect)
            file = media_basename(clip.media.url)
            former.append(_Former(shot, places[clip], rendered=True, file=file, available=clip.media.available))
    return former, [problem for problem in problems if problem.severity == "error"]


def _shot(identity: str, clip: Clip, url: str, effect: Mapping[str, object]) -> SidecarShot:
    held = clip.range or clip.media.available
    stretch = None if held is None else MediaStretch(start_s=held.start_s, duration_s=held.duration_s)
    return SidecarShot(id=identity, clip=clip.name, media=url, source_range=stretch, effect=dict(effect))


def _as_original(clip: Clip, former: Sequence[_Former]) -> Clip:
    """A clip as if its edited media were the original, so that it is found as any other."""
    names = {f"{RENDERED_MARKER}{one.shot.id}".casefold(): one.shot.id for one in former}
    markers = tuple(
        f"{MARKER_PREFIX}{names[name.casefold()]}" if name.casefold() in names else name for name in clip.markers
    )
    by_file = {one.file: one for one in former if one.file}
    shown = by_file.get(media_basename(clip.media.url)) if clip.media.url else None
    if shown is None:
        return replace(clip, markers=markers)
    own = f"{MARKER_PREFIX}{shown.shot.id}"
    return replace(clip, media=replace(clip.media, url=shown.shot.media), markers=(*markers, own))


def _carried(one: _Former, clip: Clip, search: EditSearch, place: int, number: int) -> CarriedEdit:
    held, was = clip.range or clip.media.available, one.shot.source_range
    own = next((effect.metadata for effect in clip.effects if effect.kind == "dpe"), None)
    # An effect that somebody changed in the newer cut was made for that cut.
    changed = own is not None and dict(own) != dict(one.shot.effect)
    shift_s = Fraction(0) if held is None or was is None or changed else held.start_s - was.start_s
    rendered = one.rendered and own is None and _covers(one.available, held)
    return CarriedEdit(
        id=one.shot.id if number == 1 else f"{one.shot.id}-{number}",
        clip_index=place,
        effect=dict(own) if changed and own is not None else one.shot.effect,
        shift_s=shift_s,
        rendered_index=one.clip_index if one.rendered else None,
        shows_rendered=rendered,
    )


def _covers(available: TimeRange | None, held: TimeRange | None) -> bool:
    if available is None or held is None:
        return False
    return available.start_s <= held.start_s and held.stop_s <= available.stop_s


def _compared(
    one: _Former,
    found: Sequence[Clip],
    carried: Sequence[CarriedEdit],
    search: EditSearch,
    *,
    before: Mapping[int, Fraction],
    after: Mapping[int, Fraction],
) -> ConformedShot:
    identity, name = one.shot.id, one.shot.clip
    unclear = search.unclear.get(identity.casefold(), ())
    if unclear:
        names = tuple(clip.name for clip in unclear)
        detail = f"put a marker named '{MARKER_PREFIX}{identity}' on the right one, and conform again"
        return ConformedShot(id=identity, clip=name, status="ambiguous", clips=names, detail=detail)
    if not found:
        detail = f"no clip shows its part of {media_basename(one.shot.media)!r}"
        return ConformedShot(id=identity, clip=name, status="lost", detail=detail)
    changes = []
    if len(found) > 1:
        changes.append(f"on {len(found)} clips")
    for clip, edit in zip(found, carried, strict=True):
        changes += _changes(one, clip, edit, before, after)
    by = search.found[found[0]].by
    return ConformedShot(
        id=identity,
        clip=name,
        status="moved" if changes else "kept",
        by="media" if by == "sidecar" else by,
        clips=tuple(clip.name for clip in found),
        detail="; ".join(dict.fromkeys(changes)),
    )


def _changes(
    one: _Former, clip: Clip, edit: CarriedEdit, before: Mapping[int, Fraction], after: Mapping[int, Fraction]
) -> Iterator[str]:
    held, was = clip.range or clip.media.available, one.shot.source_range
    moved_s = after[edit.clip_index] - before[one.clip_index]
    if moved_s:
        yield f"{abs(float(moved_s)):.3f} s {'later' if moved_s > 0 else 'earlier'} in the cut"
    if held is not None and was is not None:
        head_s, length_s = held.start_s - was.start_s, held.duration_s - was.duration_s
        if head_s:
            yield f"begins {abs(float(head_s)):.3f} s {'later' if head_s > 0 else 'earlier'} in its media"
        if length_s:
            yield f"{abs(float(length_s)):.3f} s {'longer' if length_s > 0 else 'shorter'}"
    if one.rendered and not edit.shows_rendered:
        yield "its edited media lack frames: render it again"


def _positions(doc: TimelineDoc) -> dict[int, Fraction]:
    """Where each clip begins, from the start of the track or stack that holds it at the top."""
    starts: list[Fraction] = []

    def walk(item: object, at_s: Fraction) -> Fraction:
        if isinstance(item, Clip):
            starts.append(at_s)
            held = item.range or item.media.available
            return Fraction(0) if held is None else held.duration_s
        own = getattr(item, "range", None)
        inner_s, longest_s = Fraction(0), Fraction(0)
        is_track = hasattr(item, "is_driver")
        for child in getattr(item, "children", ()):
            length_s = walk(child, at_s + inner_s)
            longest_s = max(longest_s, length_s)
            inner_s += length_s if is_track else 0
        held_s: Fraction = getattr(item, "duration_s", inner_s if is_track else longest_s)
        return held_s if own is None else own.duration_s

    walk(doc.stack, Fraction(0))
    return dict(enumerate(starts))
