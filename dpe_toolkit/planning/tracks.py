"""The items of a track one after the other, with the dissolves between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from dpe_toolkit.planning.intervals import Piece, dissolve, trim_pieces
from dpe_toolkit.planning.unsupported import UnsupportedItems
from dpe_toolkit.timeline import Gap, Track, Transition
from dpe_toolkit.timeline.document import Item

__all__ = ["Handles", "flatten_track"]

_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Handles:
    """What is wanted of an item before its start and behind its end, for the dissolves there."""

    lead_s: Fraction = _NOTHING
    tail_s: Fraction = _NOTHING


@dataclass(frozen=True, slots=True)
class _Place:
    """An item on its track."""

    item: Item
    start_s: Fraction
    stop_s: Fraction


@dataclass(frozen=True, slots=True)
class _Zone:
    """A dissolve: where it is, and the items on its sides, by position in the places; None is the track's end."""

    start_s: Fraction
    stop_s: Fraction
    cut_s: Fraction
    before: int | None
    behind: int | None


def flatten_track(
    track: Track,
    pieces_of: Callable[[Item, Handles], list[Piece]],
    duration_s: Callable[[Item], Fraction],
    *,
    unsupported: UnsupportedItems,
    rate: Fraction,
) -> list[Piece]:
    """The pieces of a track on its own time line.

    In a dissolve both neighbours are seen, with the frames that lie beyond their cut.

    Args:
        track: the track.
        pieces_of: pieces of an item on the item's own time line, handles before zero and behind its length.
        duration_s: length of an item.
        unsupported: told of transitions that are no dissolves.
        rate: frames a second of the timeline, for messages.
    """
    places, zones = _places(track, duration_s, unsupported, rate)
    end_s = places[-1].stop_s if places else _NOTHING
    seen: list[list[Piece]] = []
    for number, place in enumerate(places):
        lead_s = sum((place.start_s - zone.start_s for zone in zones if zone.behind == number), _NOTHING)
        tail_s = sum((zone.stop_s - place.stop_s for zone in zones if zone.before == number), _NOTHING)
        found: list[Piece] = []
        if not isinstance(place.item, Gap | Transition) and place.item.enabled:
            found = pieces_of(place.item, Handles(max(lead_s, _NOTHING), max(tail_s, _NOTHING)))
        seen.append([piece.shift(place.start_s) for piece in found])
    laid: list[Piece] = []
    for number, place in enumerate(places):
        first_s = max([place.start_s, *(zone.stop_s for zone in zones if zone.behind == number)])
        last_s = min([place.stop_s, *(zone.start_s for zone in zones if zone.before == number)])
        laid += _within(seen[number], first_s, last_s)
    for zone in zones:
        before, behind = ([] if side is None else seen[side] for side in (zone.before, zone.behind))
        laid += _within(dissolve(before, behind, zone.start_s, zone.stop_s), _NOTHING, end_s)
    return sorted(laid, key=lambda piece: piece.start_s)


def _within(pieces: Sequence[Piece], start_s: Fraction, stop_s: Fraction) -> list[Piece]:
    return [piece.shift(start_s) for piece in trim_pieces(pieces, start_s, stop_s)]


def _places(
    track: Track, duration_s: Callable[[Item], Fraction], unsupported: UnsupportedItems, rate: Fraction
) -> tuple[list[_Place], list[_Zone]]:
    places: list[_Place] = []
    wanted: list[tuple[int, Transition, int]] = []
    start_s = _NOTHING
    for position, child in enumerate(track.children):
        if isinstance(child, Transition):
            if unsupported.transition(track, position):
                wanted.append((position, child, len(places)))
            continue
        stop_s = start_s + duration_s(child)
        places.append(_Place(child, start_s, stop_s))
        start_s = stop_s
    zones: list[_Zone] = []
    for position, transition, number in wanted:
        zone = _zone(transition, number, places)
        floor_s = max([zones[-1].stop_s] if zones else [], default=None)
        beyond_s = _beyond(zone, places, floor_s)
        if beyond_s > 0:
            unsupported.crowded(track, position, ceil(beyond_s * rate))
        else:
            zones.append(zone)
    return places, zones


def _zone(transition: Transition, number: int, places: Sequence[_Place]) -> _Zone:
    cut_s = places[number].start_s if number < len(places) else places[-1].stop_s if places else _NOTHING
    before = number - 1 if number else None
    behind = number if number < len(places) else None
    return _Zone(cut_s - transition.before_s, cut_s + transition.behind_s, cut_s, before, behind)


def _beyond(zone: _Zone, places: Sequence[_Place], floor_s: Fraction | None) -> Fraction:
    """How far a dissolve reaches past the far ends of its neighbours, or into the dissolve before it."""
    over_s = [_NOTHING]
    if zone.before is not None:
        over_s.append(places[zone.before].start_s - zone.start_s)
    if zone.behind is not None:
        over_s.append(zone.stop_s - places[zone.behind].stop_s)
    if floor_s is not None:
        over_s.append(floor_s - zone.start_s)
    return max(over_s)
