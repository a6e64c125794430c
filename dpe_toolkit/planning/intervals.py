"""Pieces of clips on the time line of a stack: trimming, retiming, covering, dissolving and driving.

A piece is a tree where pictures meet: what it shows itself, dissolved into another piece, over one below.
All of a tree's pieces begin and end together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import pairwise

from dpe_toolkit.timeline import Clip, MediaReference

__all__ = [
    "NO_CLIP",
    "Blend",
    "Drive",
    "Piece",
    "cover",
    "dissolve",
    "drive",
    "overlapping",
    "trim_pieces",
    "warp_pieces",
]

NO_CLIP = Clip("", MediaReference("missing"))
"""Stands for the clip of a piece that has none."""
_NORMAL = Fraction(1)


@dataclass(frozen=True, slots=True, eq=False)
class Drive:
    """A clip of a driver track, as it lies over a piece of picture."""

    clip: Clip
    skip_s: Fraction
    """Time of the driver clip, from the start of its range, at the start of the piece."""
    speed: Fraction = _NORMAL
    """Seconds of the driver clip that pass in one second of the piece."""


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """A dissolve out of the piece that holds it."""

    to: Piece | None
    """None fades to nothing."""
    share: Fraction
    """Share of ``to`` at the start of the piece."""
    per_s: Fraction
    """What each second adds to it."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part of a clip on the time line. Lists of pieces are sorted and do not overlap."""

    start_s: Fraction
    stop_s: Fraction
    clip: Clip
    """`NO_CLIP` where the piece shows ``inner``, or nothing."""
    skip_s: Fraction = Fraction(0)
    """Time of the clip, from the start of its range, at ``start_s``."""
    drive: Drive | None = None
    speed: Fraction = _NORMAL
    """Seconds of the clip that pass in one second of the piece."""
    backwards: bool = False
    """Where the speed is 0: the moment that is frozen was come to from behind."""
    home: tuple[Fraction, Fraction] | None = None
    """Where the clip lies without the handles that a dissolve uses; None means all of the piece."""
    inner: Piece | None = None
    blend: Blend | None = None
    """What the clip, or ``inner``, dissolves into."""
    below: Piece | None = None
    """What shows through where all of this is transparent."""

    def part(self, start_s: Fraction, stop_s: Fraction) -> Piece:
        """The piece between two times inside it."""
        return self._moved(start_s, stop_s, start_s - self.start_s, _NORMAL)

    def shift(self, seconds: Fraction) -> Piece:
        """The same piece, later on the time line."""
        return self.each(
            lambda one: replace(
                one,
                start_s=one.start_s + seconds,
                stop_s=one.stop_s + seconds,
                home=one.home and (one.home[0] + seconds, one.home[1] + seconds),
            )
        )

    def leaves(self) -> Iterator[Piece]:
        """Every piece of the tree that shows a clip."""
        if self.clip is not NO_CLIP:
            yield self
        to = None if self.blend is None else self.blend.to
        for child in (self.inner, to, self.below):
            if child is not None:
                yield from child.leaves()

    def warp(self, offset_s: Fraction, speed: Fraction) -> Piece:
        """The piece on a time line whose moment t shows the moment ``offset_s + speed * t`` of this one's.

        The speed is not 0; below 0 the piece runs backwards.
        """
        ends = sorted((moment_s - offset_s) / speed for moment_s in (self.start_s, self.stop_s))
        passed_s = self.stop_s - self.start_s if speed < 0 else Fraction(0)
        moved = self._moved(ends[0], ends[1], passed_s, speed)

        def rehomed(one: Piece) -> Piece:
            if one.home is None:
                return one
            first_s, last_s = sorted((moment_s - offset_s) / speed for moment_s in one.home)
            return replace(one, home=(first_s, last_s))

        return moved.each(rehomed)

    def freeze(self, moment_s: Fraction, start_s: Fraction, stop_s: Fraction) -> Piece:
        """The moment of this piece, held from one time to another."""
        held = self._moved(start_s, stop_s, moment_s - self.start_s, Fraction(0))
        return held.each(lambda one: replace(one, home=None))

    def _moved(self, start_s: Fraction, stop_s: Fraction, passed_s: Fraction, scale: Fraction) -> Piece:
        def moved(one: Piece) -> Piece:
            direction = one.speed * (scale or 1)
            return replace(
                one,
                start_s=start_s,
                stop_s=stop_s,
                skip_s=one.skip_s + passed_s * one.speed,
                speed=one.speed * scale,
                backwards=direction < 0 if direction else one.backwards,
                drive=one.drive
                and replace(
                    one.drive, skip_s=one.drive.skip_s + passed_s * one.drive.speed, speed=one.drive.speed * scale
                ),
                blend=one.blend
                and replace(
                    one.blend, share=one.blend.share + passed_s * one.blend.per_s, per_s=one.blend.per_s * scale
                ),
            )

        return self.each(moved)

    def each(self, change: Callable[[Piece], Piece]) -> Piece:
        """The tree with ``change`` done to each of its pieces."""
        changed = change(self)
        return replace(
            changed,
            inner=self.inner and self.inner.each(change),
            blend=changed.blend and replace(changed.blend, to=changed.blend.to and changed.blend.to.each(change)),
            below=self.below and self.below.each(change),
        )


def trim_pieces(pieces: Sequence[Piece], start_s: Fraction, stop_s: Fraction) -> list[Piece]:
    """What lies between two times, moved so that ``start_s`` becomes zero."""
    return [
        piece.part(max(piece.start_s, start_s), min(piece.stop_s, stop_s)).shift(-start_s)
        for piece in pieces
        if max(piece.start_s, start_s) < min(piece.stop_s, stop_s)
    ]


def warp_pieces(
    pieces: Sequence[Piece], offset_s: Fraction, speed: Fraction, *, start_s: Fraction, stop_s: Fraction
) -> list[Piece]:
    """The pieces on a time line whose moment t shows the moment ``offset_s + speed * t`` of theirs.

    Args:
        pieces: on their own time line.
        offset_s: their moment at time zero.
        speed: their seconds in one second; 0 holds their moment ``offset_s``.
        start_s: first moment wanted, on the new time line.
        stop_s: where it ends there.
    """
    if speed == 0:
        held = [piece for piece in pieces if piece.start_s <= offset_s < piece.stop_s]
        return [piece.freeze(offset_s, start_s, stop_s) for piece in held]
    warped = sorted((piece.warp(offset_s, speed) for piece in pieces), key=lambda piece: piece.start_s)
    return [piece.shift(start_s) for piece in trim_pieces(warped, start_s, stop_s)]


def cover(lower: Sequence[Piece], upper: Sequence[Piece], is_opaque: Callable[[Piece], bool]) -> list[Piece]:
    """``upper`` whole, with what it leaves to see of ``lower``, beside it and below what is not opaque."""
    seen: list[Piece] = []
    for piece in upper:
        seen += [piece] if is_opaque(piece) else _laid_over(piece, overlapping(lower, piece))
    for piece in lower:
        start_s = piece.start_s
        for over in overlapping(upper, piece):
            if start_s < over.start_s:
                seen.append(piece.part(start_s, over.start_s))
            start_s = max(start_s, over.stop_s)
        if start_s < piece.stop_s:
            seen.append(piece.part(start_s, piece.stop_s))
    return sorted(seen, key=lambda piece: piece.start_s)


def _laid_over(piece: Piece, lower: Sequence[Piece]) -> list[Piece]:
    found: list[Piece] = []
    for start_s, stop_s, under, _ in _intervals(piece.start_s, piece.stop_s, lower, ()):
        found.append(_put_under(piece.part(start_s, stop_s), under) if under else piece.part(start_s, stop_s))
    return found


def _put_under(piece: Piece, lower: Piece) -> Piece:
    return replace(piece, below=lower if piece.below is None else _put_under(piece.below, lower))


def dissolve(first: Sequence[Piece], second: Sequence[Piece], start_s: Fraction, stop_s: Fraction) -> list[Piece]:
    """The pieces between two times, the first ones dissolving into the second ones."""
    length_s = stop_s - start_s
    return [
        Piece(one_s, other_s, NO_CLIP, inner=before, blend=Blend(after, (one_s - start_s) / length_s, 1 / length_s))
        for one_s, other_s, before, after in _intervals(start_s, stop_s, first, second)
        if before is not None or after is not None
    ]


def _intervals(
    start_s: Fraction, stop_s: Fraction, first: Sequence[Piece], second: Sequence[Piece]
) -> Iterator[tuple[Fraction, Fraction, Piece | None, Piece | None]]:
    """The time cut wherever a piece of either list begins or ends, with the parts of both that lie there."""
    edges = {edge for piece in (*first, *second) for edge in (piece.start_s, piece.stop_s)}
    for one_s, other_s in _between(edges, start_s, stop_s):
        yield one_s, other_s, _part_at(first, one_s, other_s), _part_at(second, one_s, other_s)


def _between(edges: Iterable[Fraction], start_s: Fraction, stop_s: Fraction) -> Iterator[tuple[Fraction, Fraction]]:
    """The time between two moments, cut at each of ``edges``."""
    return pairwise(sorted({start_s, stop_s, *(edge for edge in edges if start_s < edge < stop_s)}))


def _part_at(pieces: Sequence[Piece], start_s: Fraction, stop_s: Fraction) -> Piece | None:
    found = next((piece for piece in pieces if piece.start_s <= start_s < piece.stop_s), None)
    return found and found.part(start_s, stop_s)


def drive(picture: Sequence[Piece], drivers: Sequence[Piece]) -> tuple[list[Piece], list[tuple[Clip, Clip]]]:
    """The picture, split where drivers begin and end, each part with its driver.

    In the handles of a dissolve a clip keeps the driver that it has where it lies.

    Returns:
        The pieces, and pairs of picture and driver clip where another track drives the picture already.
    """
    driven: list[Piece] = []
    conflicts: dict[tuple[int, Clip], tuple[Clip, Clip]] = {}
    for position, piece in enumerate(picture):
        edges = {edge for over in drivers for edge in (over.start_s, over.stop_s)}
        edges |= {edge for leaf in piece.leaves() for edge in leaf.home or ()}
        parts: list[tuple[list[Piece | None], Piece]] = []
        for start_s, stop_s in _between(edges, piece.start_s, piece.stop_s):
            part = piece.part(start_s, stop_s)
            over = [_driver_of(leaf, drivers) for leaf in part.leaves()]
            for leaf, one in zip(part.leaves(), over, strict=True):
                if one is not None and leaf.drive is not None:
                    conflicts.setdefault((position, one.clip), (leaf.clip, one.clip))
            if parts and parts[-1][0] == over:
                part = piece.part(parts.pop()[1].start_s, stop_s)
            parts.append((over, part))
        driven += [part.each(partial(_settle, drivers=drivers)) if any(over) else part for over, part in parts]
    return driven, list(conflicts.values())


def _settle(one: Piece, drivers: Sequence[Piece]) -> Piece:
    over = _driver_of(one, drivers) if one.clip is not NO_CLIP and one.drive is None else None
    if over is None:
        return one
    return replace(one, drive=Drive(over.clip, over.skip_s + (one.start_s - over.start_s) * over.speed, over.speed))


def _driver_of(leaf: Piece, drivers: Sequence[Piece]) -> Piece | None:
    """The driver over the start of a leaf; in a handle, the one over the end of the clip that is nearest."""
    first_s, last_s = leaf.home or (leaf.start_s, leaf.stop_s)
    if leaf.start_s >= last_s:
        return next((over for over in drivers if over.start_s < last_s <= over.stop_s), None)
    moment_s = max(leaf.start_s, first_s)
    return next((over for over in drivers if over.start_s <= moment_s < over.stop_s), None)


def overlapping(pieces: Sequence[Piece], other: Piece) -> Sequence[Piece]:
    """Those of the sorted ``pieces`` that share time with ``other``."""
    first = bisect_right(pieces, other.start_s, key=lambda piece: piece.stop_s)
    last = first
    while last < len(pieces) and pieces[last].start_s < other.stop_s:
        last += 1
    return pieces[first:last]
