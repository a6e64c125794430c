"""From the tree of a timeline to the pieces of clips that are seen and heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil

from dpe_toolkit.planning.intervals import ClipPart, Piece, cover, drive, warp_pieces
from dpe_toolkit.planning.media import clip_label
from dpe_toolkit.planning.sound import SoundLayer
from dpe_toolkit.planning.tracks import Handles, flatten_track
from dpe_toolkit.planning.unsupported import UnsupportedItems
from dpe_toolkit.plans.images import Dissolve, Gap, Image, Over
from dpe_toolkit.timeline import Clip, Stack, Track, Transition
from dpe_toolkit.timeline import Gap as EmptyItem
from dpe_toolkit.timeline.document import Item

__all__ = ["Flattener", "picture_clips"]

NO_HANDLES = Handles()


def picture_clips(stack: Stack) -> list[Clip]:
    """Every enabled clip that can be picture, in reading order."""
    return [clip for item in stack.children for clip in _picture_clips(item)]


def _picture_clips(item: Item) -> list[Clip]:
    if isinstance(item, Clip):
        return [item] if item.enabled else []
    if isinstance(item, EmptyItem | Transition) or not item.enabled:
        return []
    if isinstance(item, Track) and (item.kind != "Video" or item.is_driver):
        return []
    return [clip for child in item.children for clip in _picture_clips(child)]


class Flattener:
    """Lays a timeline out in time; ``problems`` fills as it goes.

    Args:
        rate: frames a second of the timeline.
        length_s: length of a clip that states no range, None where it is unknown.
        is_opaque: False for clips through or beside whose image others can be seen.
    """

    def __init__(
        self, rate: Fraction, *, length_s: Callable[[Clip], Fraction | None], is_opaque: Callable[[Clip], bool]
    ) -> None:
        self._rate = rate
        self._length_s = length_s
        self._is_opaque = is_opaque
        self._unsupported = UnsupportedItems()
        self.problems = self._unsupported.problems

    def picture(self, stack: Stack, handles: Handles = NO_HANDLES) -> list[Piece]:
        """What is seen, without overlaps; holes show nothing."""
        self._unsupported.item(stack, f"stack {stack.name!r}")
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
            seen = cover(seen, layer, self._hides)
        return self._trimmed(stack, seen, handles)

    def sound(self, stack: Stack) -> list[SoundLayer]:
        """The pieces of each sound track, and of each picture track whose compositions hold sound.

        Pieces of one layer may overlap, where a composition has several sound tracks.
        """
        layers = []
        for child in stack.children:
            pieces = self._trimmed(stack, self._sound_of(child)) if getattr(child, "enabled", True) else []
            if pieces:
                layers.append(SoundLayer(getattr(child, "name", ""), tuple(pieces)))
        return layers

    def duration_s(self, item: Item) -> Fraction:
        """How long an item is."""
        if isinstance(item, EmptyItem):
            return item.duration_s
        if isinstance(item, Transition):
            return Fraction(0)
        if item.range is not None:
            return item.range.duration_s
        return self._held_s(item)

    def _held_s(self, item: Clip | Track | Stack) -> Fraction:
        """How long an item is without its range."""
        if isinstance(item, Clip):
            return self._length_s(item) or Fraction(0)
        lengths = [self.duration_s(child) for child in item.children]
        return sum(lengths, Fraction(0)) if isinstance(item, Track) else max(lengths, default=Fraction(0))

    def _pieces(self, item: Item, handles: Handles = NO_HANDLES) -> list[Piece]:
        if isinstance(item, Clip):
            return self._clip(item, handles)
        if isinstance(item, Stack):
            return self.picture(item, handles)
        if not isinstance(item, Track):
            return []
        if item.is_driver:
            return self._trimmed(item, self._in_turn(item, self._pieces))
        self._unsupported.item(item, f"track {item.name!r}")
        laid = flatten_track(item, self._pieces, self.duration_s, unsupported=self._unsupported, rate=self._rate)
        return self._trimmed(item, laid, handles)

    def _sound_of(self, item: Item) -> list[Piece]:
        if isinstance(item, Stack):
            return [piece for layer in self.sound(item) for piece in layer.pieces]
        if not isinstance(item, Track):
            return []
        if item.kind == "Audio":
            self._unsupported.item(item, f"track {item.name!r}")
            heard = flatten_track(item, self._audible, self.duration_s, unsupported=self._unsupported, rate=self._rate)
        else:
            heard = self._in_turn(
                item, lambda child: [] if isinstance(child, Clip) else self._sound_of(child), quiet=True
            )
        return self._trimmed(item, heard)

    def _audible(self, item: Item, handles: Handles) -> list[Piece]:
        return self._clip(item, handles) if isinstance(item, Clip) else self._sound_of(item)

    def _in_turn(self, track: Track, pieces_of: Callable[[Item], list[Piece]], *, quiet: bool = False) -> list[Piece]:
        if not quiet:
            self._unsupported.item(track, f"track {track.name!r}")
            self._unsupported.every_transition(track)
        found: list[Piece] = []
        start_s = Fraction(0)
        for child in track.children:
            if not isinstance(child, EmptyItem | Transition) and child.enabled:
                found += [piece.shift(start_s) for piece in pieces_of(child)]
            start_s += self.duration_s(child)
        return found

    def _clip(self, clip: Clip, handles: Handles = NO_HANDLES) -> list[Piece]:
        for effect in clip.effects:
            if effect.kind != "dpe":
                self._unsupported.effect(effect, clip_label(clip.name))
        length_s = self.duration_s(clip)
        if length_s <= 0:
            return []
        offset_s, speed = _own_time(clip, Fraction(0), length_s)
        start_s, stop_s = -handles.lead_s, length_s + handles.tail_s
        home = None if handles == NO_HANDLES else (Fraction(0), length_s)
        return [Piece(start_s, stop_s, ClipPart(clip, offset_s + speed * start_s, speed=speed, home=home))]

    def _trimmed(self, item: Track | Stack, pieces: Sequence[Piece], handles: Handles = NO_HANDLES) -> list[Piece]:
        """What the range and the speed of an item leave of it, and the handles beside that."""
        length_s = self.duration_s(item)
        first_s = item.range.start_s if item.range is not None else Fraction(0)
        offset_s, speed = _own_time(item, first_s, length_s)
        if item.range is None and speed == 1 and handles == NO_HANDLES:
            return list(pieces)
        start_s, stop_s = -handles.lead_s, length_s + handles.tail_s
        if handles != NO_HANDLES:
            ends = sorted((offset_s + speed * start_s, offset_s + speed * stop_s))
            missing_s = max(Fraction(0), -ends[0]) + max(Fraction(0), ends[1] - self._held_s(item))
            if missing_s and speed:
                self._unsupported.without_handles(item, missing_s / abs(speed), self._rate)
        return warp_pieces(pieces, offset_s, speed, start_s=start_s, stop_s=stop_s)

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

    def _hides(self, piece: Piece) -> bool:
        """True where nothing below a piece can be seen."""
        return self._covers(piece.image)

    def _covers(self, image: Image[ClipPart]) -> bool:
        match image:
            case Gap():
                return False
            case Dissolve(first=first, second=second):
                return self._covers(first) and self._covers(second)
            case Over(top=top, below=below):
                return self._covers(top) or self._covers(below)
            case part:
                return self._is_opaque(part.clip)


def _own_time(item: Clip | Track | Stack, first_s: Fraction, length_s: Fraction) -> tuple[Fraction, Fraction]:
    """The item's moment at its start, and its seconds in one second.

    An item that runs backwards shows what it would show forwards at the same speed, from the end.
    """
    speed = Fraction(1)
    for effect in item.effects:
        if effect.kind == "time" and effect.speed is not None:
            speed *= effect.speed
    return (first_s if speed >= 0 else first_s - speed * length_s), speed


def _shows(item: Item) -> bool:
    if isinstance(item, Track):
        return item.enabled and item.kind == "Video"
    return isinstance(item, Clip | Stack) and item.enabled
