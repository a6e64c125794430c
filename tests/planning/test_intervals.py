from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.planning.intervals import ClipPart, Piece, cover, drive, trim_pieces
from dpe_toolkit.timeline import Clip, MediaReference


@st.composite
def layers(draw: st.DrawFn) -> list[Piece]:
    """Sorted pieces without overlaps inside 0 to 40, each of a clip of its own."""
    edges = sorted(draw(st.sets(st.integers(0, 40), max_size=12)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    return [
        Piece(
            Fraction(start),
            Fraction(stop),
            ClipPart(Clip(f"c{start}", MediaReference("missing")), Fraction(100 + start)),
        )
        for start, stop in pairs
    ]


def at(pieces: list[Piece], second: int) -> tuple[Clip, Fraction, Fraction | None] | None:
    """What is shown at a time: clip, its time, and its driver's time."""
    for piece in pieces:
        if piece.start_s <= second < piece.stop_s:
            passed = second - piece.start_s
            (leaf,) = piece.leaves()
            return leaf.clip, leaf.skip_s + passed, leaf.drive and leaf.drive.skip_s + passed
    return None


def is_sorted(pieces: list[Piece]) -> bool:
    edges = [edge for piece in pieces for edge in (piece.start_s, piece.stop_s)]
    return edges == sorted(edges) and all(piece.start_s < piece.stop_s for piece in pieces)


@given(layers(), layers())
def test_covering_shows_the_upper_layer_else_the_lower_at_every_time(lower: list[Piece], upper: list[Piece]) -> None:
    seen = cover(lower, upper, lambda piece: True)
    assert is_sorted(seen)
    for second in range(41):
        assert at(seen, second) == (at(upper, second) or at(lower, second))


@given(layers(), st.integers(0, 40), st.integers(0, 40))
def test_trimming_shifts_what_lies_inside(pieces: list[Piece], start: int, length: int) -> None:
    kept = trim_pieces(pieces, Fraction(start), Fraction(start + length))
    assert is_sorted(kept)
    for second in range(length):
        assert at(kept, second) == at(pieces, start + second)
    assert all(piece.start_s >= 0 and piece.stop_s <= length for piece in kept)


@given(layers(), layers())
def test_driving_changes_no_picture_and_gives_each_time_its_driver(picture: list[Piece], drivers: list[Piece]) -> None:
    driven, conflicts = drive(picture, drivers)
    assert is_sorted(driven)
    assert conflicts == []
    for second in range(41):
        shown, over = at(driven, second), at(drivers, second)
        assert (shown and shown[:2]) == ((found := at(picture, second)) and found[:2])
        assert (shown[2] if shown else None) == (over[1] if over and shown else None)


@given(layers(), layers())
def test_driving_twice_reports_each_overlap_and_keeps_the_first(picture: list[Piece], drivers: list[Piece]) -> None:
    once, _ = drive(picture, drivers)
    twice, conflicts = drive(once, drivers)
    assert all(at(twice, second) == at(once, second) for second in range(41))
    assert len(conflicts) == sum(leaf.drive is not None for piece in once for leaf in piece.leaves())
