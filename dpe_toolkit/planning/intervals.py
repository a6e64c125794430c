"""Pieces on the time line of a stack: trimming, retiming, covering, dissolving and driving.

A piece is a stretch of time with the image that is seen in it, whose leaves are parts of clips.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from dpe_toolkit.plans.images import Dissolve, Gap, Image, Over, leaves_of, map_image
from dpe_toolkit.timeline import Clip, MediaReference

__all__ = [
    "ClipPart",
    "Drive",
    "Piece",
    "cover",
    "dissolve",
    "drive",
    "overlapping",
    "trim_pieces",
    "warp_pieces",
]

_NORMAL = Fraction(1)


@dataclass(frozen=True, slots=True, eq=False)
class Drive:
    """A clip of a driver track, as it lies over a piece."""

    clip: Clip
    skip_s: Fraction
    """Time of the driver clip, from the start of its range, at the start of the piece."""
    speed: Fraction = _NORMAL
    """Seconds of the driver clip that pass in one second of the piece."""


@dataclass(frozen=True, slots=True, eq=False)
class ClipPart:
    """What is seen of one clip in a piece."""

    clip: Clip
    skip_s: Fraction = Fraction(0)
    """Time of the clip, from the start of its range, at the start of the piece."""
    drive: Drive | None = None
    speed: Fraction = _NORMAL
    """Seconds of the clip that pass in one second of the piece."""
    backwards: bool = False
    """Where the speed is 0: the moment that is frozen was come to from behind."""
    home: tuple[Fraction, Fraction] | None = None
    """Where on the piece's time line the clip lies without the handles that a dissolve uses; None means all of the
    piece."""

    def moved(self, passed_s: Fraction, scale: Fraction) -> ClipPart:
        """The part in a piece that begins ``passed_s`` later and runs ``scale`` times as fast."""
        direction = self.speed * (scale or 1)
        over = self.drive
        return replace(
            self,
            skip_s=self.skip_s + passed_s * self.speed,
            speed=self.speed * scale,
            backwards=direction < 0 if direction else self.backwards,
            drive=over and replace(over, skip_s=over.skip_s + passed_s * over.speed, speed=over.speed * scale),
        )

    def at_home(self, moved: Callable[[Fraction], Fraction]) -> ClipPart:
        """The part with the ends of its home moved."""
        if self.home is None:
            return self
        first_s, last_s = sorted(moved(moment_s) for moment_s in self.home)
        return replace(self, home=(first_s, last_s))


_NO_PART = ClipPart(Clip("", MediaReference("missing")))


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A stretch of the time line. Lists of pieces are sorted and do not overlap."""

    start_s: Fraction
    stop_s: Fraction
    image: Image[ClipPart]
    """Shares of a dissolve count from ``start_s``, in seconds."""

    def part(self, start_s: Fraction, stop_s: Fraction) -> Piece:
        """The piece between two times inside it."""
        return self._moved(start_s, stop_s, start_s - self.start_s, _NORMAL)

    def shift(self, seconds: Fraction) -> Piece:
        """The same piece, later on the time line."""
        image = map_image(self.image, lambda one: one.at_home(lambda moment_s: moment_s + seconds))
        return Piece(self.start_s + seconds, self.stop_s + seconds, image)

    def leaves(self) -> Iterator[ClipPart]:
        """Every part of a clip that is seen."""
        return leaves_of(self.image)

    def warp(self, offset_s: Fraction, speed: Fraction) -> Piece:
        """The piece on a time line whose moment t shows the moment ``offset_s + speed * t`` of this one's.

        The speed is not 0; below 0 the piece runs backwards.
        """
        ends = sorted((moment_s - offset_s) / speed for moment_s in (self.start_s, self.stop_s))
        passed_s = self.stop_s - self.start_s if speed < 0 else Fraction(0)
        moved = self._moved(ends[0], ends[1], passed_s, speed)
        home = map_image(moved.image, lambda one: one.at_home(lambda moment_s: (moment_s - offset_s) / speed))
        return replace(moved, image=home)

    def freeze(self, moment_s: Fraction, start_s: Fraction, stop_s: Fraction) -> Piece:
        """The moment of this piece, held from one time to another."""
        held = self._moved(start_s, stop_s, moment_s - self.start_s, Fraction(0))
        return replace(held, image=map_image(held.image, lambda one: replace(one, home=None)))

    def _moved(self, start_s: Fraction, stop_s: Fraction, passed_s: Fraction, scale: Fraction) -> Piece:
        image = map_image(
            self.image,
            lambda one: one.moved(passed_s, scale),
            lambda start, step: (start + passed_s * step, step * scale),
        )
        return Piece(start_s, stop_s, image)


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
        part = piece.part(start_s, stop_s)
        found.append(replace(part, image=_put_under(part.image, under.image)) if under else part)
    return found


def _put_under(image: Image[ClipPart], lower: Image[ClipPart]) -> Over[ClipPart]:
    if isinstance(image, Over):
        return Over(top=image.top, below=_put_under(image.below, lower))
    return Over(top=image, below=lower)


def dissolve(first: Sequence[Piece], second: Sequence[Piece], start_s: Fraction, stop_s: Fraction) -> list[Piece]:
    """The pieces between two times, the first ones dissolving into the second ones."""
    length_s = stop_s - start_s
    mixed: list[Piece] = []
    for one_s, other_s, before, after in _intervals(start_s, stop_s, first, second):
        if before is None and after is None:
            continue
        image = Dissolve[ClipPart](
            first=Gap() if before is None else before.image,
            second=Gap() if after is None else after.image,
            start=(one_s - start_s) / length_s,
            step=1 / length_s,
        )
        mixed.append(Piece(one_s, other_s, image))
    return mixed


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
    """What is seen, split where drivers begin and end, each part with its driver.

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
            over = [_driver_of(part, leaf, drivers) for leaf in part.leaves()]
            for leaf, one in zip(part.leaves(), over, strict=True):
                if one is not None and leaf.drive is not None:
                    clip = _shown_alone(one).clip
                    conflicts.setdefault((position, clip), (leaf.clip, clip))
            if parts and parts[-1][0] == over:
                part = piece.part(parts.pop()[1].start_s, stop_s)
            parts.append((over, part))
        driven += [_with_driver(part, drivers) if any(over) else part for over, part in parts]
    return driven, list(conflicts.values())


def _with_driver(piece: Piece, drivers: Sequence[Piece]) -> Piece:
    def driven(leaf: ClipPart) -> ClipPart:
        over = _driver_of(piece, leaf, drivers) if leaf.drive is None else None
        if over is None:
            return leaf
        part = _shown_alone(over)
        skip_s = part.skip_s + (piece.start_s - over.start_s) * part.speed
        return replace(leaf, drive=Drive(part.clip, skip_s, part.speed))

    return replace(piece, image=map_image(piece.image, driven))


def _shown_alone(driver: Piece) -> ClipPart:
    """What a piece of a driver track shows; a part without a clip where several meet in it."""
    top = driver.image.top if isinstance(driver.image, Over) else driver.image
    return top if isinstance(top, ClipPart) else _NO_PART


def _driver_of(piece: Piece, leaf: ClipPart, drivers: Sequence[Piece]) -> Piece | None:
    """The driver over the start of a piece; in a handle, the one over the end of the clip that is nearest."""
    first_s, last_s = leaf.home or (piece.start_s, piece.stop_s)
    if piece.start_s >= last_s:
        return next((over for over in drivers if over.start_s < last_s <= over.stop_s), None)
    moment_s = max(piece.start_s, first_s)
    return next((over for over in drivers if over.start_s <= moment_s < over.stop_s), None)


def overlapping(pieces: Sequence[Piece], other: Piece) -> Sequence[Piece]:
    """Those of the sorted ``pieces`` that share time with ``other``."""
    first = bisect_right(pieces, other.start_s, key=lambda piece: piece.stop_s)
    last = first
    while last < len(pieces) and pieces[last].start_s < other.stop_s:
        last += 1
    return pieces[first:last]
