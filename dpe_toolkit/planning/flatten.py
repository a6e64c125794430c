"""From the tree of a timeline to the pieces of clips that are seen and heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil

from dpe_toolkit.planning.intervals import Piece, cover, drive, trim_pieces
from dpe_toolkit.planning.media import clip_label
from dpe_toolkit.planning.problems import ProblemList
from dpe_toolkit.timeline import Clip, EffectRecord, Gap, Stack, Track, Transition
from dpe_toolkit.timeline.document import MARKER_PREFIX, Item

__all__ = ["Flattener", "picture_clips"]


def picture_clips(stack: Stack) -> list[Clip]:
    """Every enabled clip that can be picture, in reading order."""
    return [clip for item in stack.children for clip in _picture_clips(item)]


def _picture_clips(item: Item) -> list[Clip]:
    if isinstance(item, Clip):
        return [item] if item.enabled else []
    if isinstance(item, Gap | Transition) or not item.enabled:
        return []
    if isinstance(item, Track) and (item.kind != "Video" or item.is_driver):
        return []
    return [clip for child in item.children for clip in _picture_clips(child)]


class Flattener:
    """Lays a timeline out in time; ``problems`` fills as it goes.

    Args:
        rate: frames a second of the timeline.
        length_s: length of a clip that states no range, None where it is unknown.
        is_opaque: False for clips whose picture can be transparent.
    """

    def __init__(
        self, rate: Fraction, *, length_s: Callable[[Clip], Fraction | None], is_opaque: Callable[[Clip], bool]
    ) -> None:
        self._rate = rate
        self._length_s = length_s
        self._is_opaque = is_opaque
        self.problems = ProblemList()

    def picture(self, stack: Stack) -> list[Piece]:
        """What is seen, without overlaps; holes show nothing."""
        self._judge(stack, f"stack {stack.name!r}")
        layers: list[list[Piece]] = []
        for child in stack.children:
            if isinstance(child, Track) and child.kind not in {"Video", "Audio"}:
                self.problems.warn(f"track {child.name!r}", f"it is of kind {child.kind!r} and left out")
            if not _shows(child):
                continue
            pieces = self._pieces(child)
            if not (isinstance(child, Track) and child.is_driver):
                layers.append(pieces)
            elif layers:
                layers[-1] = self._driven(layers[-1], pieces)
            else:
                self.problems.refuse(
                    f"track {child.name!r}", "it drives nothing", "a picture track below it", "move the track up"
                )
        seen: list[Piece] = []
        for layer in layers:
            self._expect_opaque(seen, layer)
            seen = cover(seen, layer)
        return self._trimmed(stack, seen)

    def sound(self, stack: Stack) -> list[Piece]:
        """Every piece of every sound track, overlapping as they do."""
        heard = [
            piece for child in stack.children if getattr(child, "enabled", True) for piece in self._sound_of(child)
        ]
        return self._trimmed(stack, heard)

    def duration_s(self, item: Item) -> Fraction:
        """How long an item is."""
        if isinstance(item, Gap):
            return item.duration_s
        if isinstance(item, Transition):
            return Fraction(0)
        if item.range is not None:
            return item.range.duration_s
        if isinstance(item, Clip):
            return self._length_s(item) or Fraction(0)
        lengths = [self.duration_s(child) for child in item.children]
        return sum(lengths, Fraction(0)) if isinstance(item, Track) else max(lengths, default=Fraction(0))

    def _pieces(self, item: Item) -> list[Piece]:
        if isinstance(item, Clip):
            return self._clip(item)
        if isinstance(item, Stack):
            return self.picture(item)
        return self._trimmed(item, self._in_turn(item, self._pieces)) if isinstance(item, Track) else []

    def _sound_of(self, item: Item) -> list[Piece]:
        if isinstance(item, Stack):
            return self.sound(item)
        if not isinstance(item, Track):
            return []
        if item.kind == "Audio":
            heard = self._in_turn(
                item, lambda child: self._clip(child) if isinstance(child, Clip) else self._sound_of(child)
            )
        else:
            heard = self._in_turn(
                item, lambda child: [] if isinstance(child, Clip) else self._sound_of(child), quiet=True
            )
        return self._trimmed(item, heard)

    def _in_turn(self, track: Track, pieces_of: Callable[[Item], list[Piece]], *, quiet: bool = False) -> list[Piece]:
        if not quiet:
            self._judge(track, f"track {track.name!r}")
            self._judge_transitions(track)
        found: list[Piece] = []
        start_s = Fraction(0)
        for child in track.children:
            if not isinstance(child, Gap | Transition) and child.enabled:
                found += [piece.shift(start_s) for piece in pieces_of(child)]
            start_s += self.duration_s(child)
        return found

    def _clip(self, clip: Clip) -> list[Piece]:
        for effect in clip.effects:
            if effect.kind != "dpe":
                self._judge_effect(effect, clip_label(clip.name))
        length_s = self.duration_s(clip)
        return [Piece(Fraction(0), length_s, clip)] if length_s > 0 else []

    def _trimmed(self, item: Track | Stack, pieces: Sequence[Piece]) -> list[Piece]:
        if item.range is None:
            return list(pieces)
        return trim_pieces(pieces, item.range.start_s, item.range.stop_s)

    def _driven(self, picture: list[Piece], drivers: list[Piece]) -> list[Piece]:
        # A frame belongs to the driver that runs at its start, so that drivers which meet leave no frame out.
        snapped = []
        for piece in drivers:
            start_s = Fraction(ceil(piece.start_s * self._rate - Fraction(1, 50))) / self._rate
            stop_s = Fraction(ceil(piece.stop_s * self._rate - Fraction(1, 50))) / self._rate
            if start_s < stop_s:
                snapped.append(piece.part(start_s, stop_s))
        driven, conflicts = drive(picture, snapped)
        for clip, driver in conflicts:
            self.problems.refuse(
                clip_label(clip.name),
                f"several driver tracks lie over it, {driver.name!r} among them",
                "one driver at a time",
                "disable all but one",
            )
        return driven

    def _expect_opaque(self, lower: Sequence[Piece], upper: Sequence[Piece]) -> None:
        for piece in upper:
            if not self._is_opaque(piece.clip) and trim_pieces(lower, piece.start_s, piece.stop_s):
                self.problems.refuse(
                    clip_label(piece.clip.name),
                    "its picture can be transparent and lies over another, which is not yet honoured",
                    "opaque pictures",
                    "disable what lies below it, or flatten the two in the editing program",
                )

    def _judge(self, item: Track | Stack, where: str) -> None:
        for effect in item.effects:
            if effect.kind == "dpe":
                self.problems.refuse(
                    where, "an edit on it is not yet honoured", "edits on clips", "put the effect on the clip"
                )
            else:
                self._judge_effect(effect, where)
        for marker in item.markers:
            if marker.casefold().startswith(MARKER_PREFIX):
                self.problems.refuse(
                    where, f"marker {marker!r} on it is not yet honoured", "markers on clips", "move the marker"
                )

    def _judge_effect(self, effect: EffectRecord, where: str) -> None:
        if effect.kind == "time":
            action = "write the media at the wanted speed first, or remove the effect"
            self.problems.refuse(
                where, f"{effect.detail} ({effect.name!r}) is not yet honoured", "normal speed", action
            )
        else:
            self.problems.warn(where, f"effect {effect.name!r} is the editing program's and is not rendered")

    def _judge_transitions(self, track: Track) -> None:
        padded = [None, *track.children, None]
        names = [child.name if isinstance(child, Clip) else "nothing" for child in padded]
        for position, child in enumerate(padded):
            if isinstance(child, Transition):
                self.problems.refuse(
                    clip_label(names[position - 1]),
                    f"the transition {child.name!r} to {names[position + 1]!r} is not yet honoured",
                    "a cut",
                    "replace it with a cut, and put it back in the editing program after the render",
                )


def _shows(item: Item) -> bool:
    if isinstance(item, Track):
        return item.enabled and item.kind == "Video"
    return isinstance(item, Clip | Stack) and item.enabled
