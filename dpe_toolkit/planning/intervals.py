"""Pieces of clips on the time line of a stack: trimming, covering and driving."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from dpe_toolkit.timeline import Clip

__all__ = ["Drive", "Piece", "cover", "drive", "overlapping", "trim_pieces"]


@dataclass(frozen=True, slots=True, eq=False)
class Drive:
    """A clip of a driver track, as it lies over a piece of picture."""

    clip: Clip
    skip_s: Fraction
    """Time of the driver clip, from its own start, at the start of the piece."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part of a clip on the time line. Lists of pieces are sorted and do not overlap."""

    start_s: Fraction
    stop_s: Fraction
    clip: Clip
    skip_s: Fraction = Fraction(0)
    """Time of the clip, from its own start, at ``start_s``."""
    drive: Drive | None = None

    def part(self, start_s: Fraction, stop_s: Fraction) -> Piece:
        """The piece between two times inside it."""
        passed_s = start_s - self.start_s
        moved = self.drive and replace(self.drive, skip_s=self.drive.skip_s + passed_s)
        return replace(self, start_s=start_s, stop_s=stop_s, skip_s=self.skip_s + passed_s, drive=moved)

    def shift(self, seconds: Fraction) -> Piece:
        """The same piece, later on the time line."""
        return replace(self, start_s=self.start_s + seconds, stop_s=self.stop_s + seconds)


def trim_pieces(pieces: Sequence[Piece], start_s: Fraction, stop_s: Fraction) -> list[Piece]:
    """What lies between two times, moved so that ``start_s`` becomes zero."""
    return [
        piece.part(max(piece.start_s, start_s), min(piece.stop_s, stop_s)).shift(-start_s)
        for piece in pieces
        if max(piece.start_s, start_s) < min(piece.stop_s, stop_s)
    ]


def cover(lower: Sequence[Piece], upper: Sequence[Piece]) -> list[Piece]:
    """``upper`` whole, and what it leaves to see of ``lower``."""
    seen = list(upper)
    for piece in lower:
        start_s = piece.start_s
        for over in overlapping(upper, piece):
            if start_s < over.start_s:
                seen.append(piece.part(start_s, over.start_s))
            start_s = max(start_s, over.stop_s)
        if start_s < piece.stop_s:
            seen.append(piece.part(start_s, piece.stop_s))
    return sorted(seen, key=lambda piece: piece.start_s)


def drive(picture: Sequence[Piece], drivers: Sequence[Piece]) -> tuple[list[Piece], list[tuple[Clip, Clip]]]:
    """The picture, split where drivers begin and end, each part with its driver.

    Returns:
        The pieces, and pairs of picture and driver clip where another track drives the picture already.
    """
    driven: list[Piece] = []
    conflicts: list[tuple[Clip, Clip]] = []
    for piece in picture:
        start_s = piece.start_s
        for over in overlapping(drivers, piece):
            if piece.drive is not None:
                conflicts.append((piece.clip, over.clip))
                continue
            first_s, last_s = max(start_s, over.start_s), min(piece.stop_s, over.stop_s)
            if start_s < first_s:
                driven.append(piece.part(start_s, first_s))
            held = Drive(over.clip, over.skip_s + first_s - over.start_s)
            driven.append(replace(piece.part(first_s, last_s), drive=held))
            start_s = last_s
        if start_s < piece.stop_s:
            driven.append(piece.part(start_s, piece.stop_s))
    return driven, conflicts


def overlapping(pieces: Sequence[Piece], other: Piece) -> Sequence[Piece]:
    """Those of the sorted ``pieces`` that share time with ``other``."""
    first = bisect_right(pieces, other.start_s, key=lambda piece: piece.stop_s)
    last = first
    while last < len(pieces) and pieces[last].start_s < other.stop_s:
        last += 1
    return pieces[first:last]
