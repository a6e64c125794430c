"""Whether the sound of the picture's own media is the sound that the timeline wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from dpe_toolkit.plan import Problem
from dpe_toolkit.planning.intervals import Piece, overlapping
from dpe_toolkit.planning.media import clip_label
from dpe_toolkit.timeline import media_basename

__all__ = ["check_sound"]


def check_sound(picture: Sequence[Piece], sound: Sequence[Piece], frame_s: Fraction) -> list[Problem]:
    """Where the sound tracks ask for something else than the picture's own sound.

    Args:
        picture: pieces that are seen, sorted.
        sound: pieces of all sound tracks; none at all means the picture's own sound.
        frame_s: seconds of a frame.
    """
    if not sound:
        return []
    heard = _union(sound)
    foreign = [
        _problem(piece, "sound that is not the picture's own at the same time")
        for piece in sound
        if not all(_belongs(piece, seen, frame_s) for seen in overlapping(picture, piece))
        or _uncovered_s(piece, picture) > frame_s / 2
    ]
    mute = [
        _problem(seen, "silence of the sound tracks under it")
        for seen in picture
        if _uncovered_s(seen, heard) > frame_s / 2
    ]
    return foreign + mute


def _problem(piece: Piece, what: str) -> Problem:
    return Problem(
        where=clip_label(piece.clip.name),
        wrong=f"{what} is not yet honoured",
        expected="sound tracks that hold the sound of the media that is seen, in sync, or none",
        action="disable the sound tracks to render with the sound of the picture's media, and lay the sound afterwards",
    )


def _belongs(piece: Piece, seen: Piece, frame_s: Fraction) -> bool:
    same = media_basename(piece.clip.media.url) == media_basename(seen.clip.media.url)
    return same and abs(_media_s(piece) - piece.start_s - _media_s(seen) + seen.start_s) <= frame_s / 2


def _media_s(piece: Piece) -> Fraction:
    """Media time at the start of a piece, from the start of the media."""
    held = piece.clip.range.start_s if piece.clip.range else Fraction(0)
    available = piece.clip.media.available
    origin_s = available.start_s if available else Fraction(0)
    return (held - origin_s if piece.clip.range else Fraction(0)) + piece.skip_s


def _union(pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces without overlaps that cover the same time."""
    merged: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: piece.start_s):
        if merged and piece.start_s <= merged[-1].stop_s:
            merged[-1] = replace(merged[-1], stop_s=max(merged[-1].stop_s, piece.stop_s))
        else:
            merged.append(piece)
    return merged


def _uncovered_s(piece: Piece, others: Sequence[Piece]) -> Fraction:
    """How much of ``piece`` none of the sorted ``others`` covers."""
    covered = (
        min(piece.stop_s, other.stop_s) - max(piece.start_s, other.start_s) for other in overlapping(others, piece)
    )
    return piece.stop_s - piece.start_s - sum(covered, Fraction(0))
