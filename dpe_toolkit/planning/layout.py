"""A timeline laid out in frames, and what of it cannot be honoured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from dpe_toolkit.planning.flatten import Flattener
from dpe_toolkit.planning.intervals import Piece
from dpe_toolkit.planning.media import KnownMedia, MediaLibrary, clip_label, media_origin_s
from dpe_toolkit.planning.problems import ProblemList
from dpe_toolkit.planning.sound import check_sound
from dpe_toolkit.timeline import Clip, TimelineDoc
from dpe_toolkit.timing import Span

__all__ = ["Cut", "TimelineLayout"]

_Value = TypeVar("_Value")

_FALLBACK_RATE = Fraction(25)
_WHOLE = Fraction(1, 50)
"""How far from a frame's edge a cut may lie, in frames, and still be taken to lie on it."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece of picture with its frames settled."""

    piece: Piece
    record: Span
    """Output frames."""
    media: KnownMedia | None
    """None where it cannot be used."""
    source_start: int
    """0-based media frame shown first."""

    @property
    def source_span(self) -> Span:
        """Media frames shown."""
        return Span(self.source_start, self.source_start + len(self.record))


class TimelineLayout:
    """One timeline in frames; ``problems`` fills as it goes.

    Args:
        doc: the timeline.
        clips: its clips that can be picture.
        library: where their media are looked up.
    """

    def __init__(self, doc: TimelineDoc, clips: Sequence[Clip], library: MediaLibrary) -> None:
        self._doc = doc
        self._library = library
        self.problems = ProblemList()
        self._media = {clip: self._media_of(clip) for clip in dict.fromkeys(clips)}
        known = [media.plan for media in self._media.values() if media is not None]
        self.rate = _most_common((media.rate for media in known), _stated_rate(clips))
        """Frames a second: what most clips have."""
        self._one_rate = all(media.rate == self.rate for media in known)
        self.size_px = _most_common(((media.width, media.height) for media in known), (0, 0))
        """(width, height): what most clips have."""

    def cuts(self) -> tuple[list[Cut], int]:
        """The cuts in output order, perhaps with holes, and the number of output frames."""
        flattener = Flattener(self.rate, length_s=self._length_s, is_opaque=self._is_opaque)
        pieces = flattener.picture(self._doc.stack)
        sound = flattener.sound(self._doc.stack)
        self.problems.items.extend(flattener.problems.items)
        self.problems.items.extend(check_sound(pieces, sound, 1 / self.rate))
        cuts = [cut for piece in pieces if (cut := self._cut(piece)) is not None]
        # A clip without a length of its own takes that of its media: where these are missing, that is the fault.
        if not cuts and None not in self._media.values():
            where = f"timeline {self._doc.name!r}"
            self.problems.refuse(where, "it shows nothing", "a clip on a picture track", "add a clip")
        end_s = max([flattener.duration_s(self._doc.stack), *(piece.stop_s for piece in pieces)])
        return cuts, self._frame(end_s, f"end of timeline {self._doc.name!r}")

    def _media_of(self, clip: Clip) -> KnownMedia | None:
        where = clip_label(clip.name)
        if clip.media.kind == "external":
            return self._library.get(clip.media.url, where)
        if clip.media.kind == "missing":
            self.problems.refuse(where, "its media is missing", "a reference to a media file", "relink the clip")
        else:
            kind = f"media of kind {clip.media.kind!r}"
            self.problems.refuse(where, f"{kind} is not yet honoured", "a media file", "render it to a file first")
        return None

    def _length_s(self, clip: Clip) -> Fraction | None:
        if clip.media.available is not None:
            return clip.media.available.duration_s
        media = self._media.get(clip)
        if media is None and clip.media.kind == "external":
            media = self._library.get(clip.media.url, clip_label(clip.name))
        return media.duration_s if media is not None else None

    def _is_opaque(self, clip: Clip) -> bool:
        media = self._media.get(clip)
        return media is None or not media.alpha

    def _cut(self, piece: Piece) -> Cut | None:
        clip, where = piece.clip, clip_label(piece.clip.name)
        start, stop = self._frame(piece.start_s, where), self._frame(piece.stop_s, where)
        if start >= stop:
            return None
        media = self._media.get(clip)
        record = Span(start, stop)
        if media is None:
            return Cut(piece, record, None, 0)
        self._check_kind(clip, media)
        first_s = clip.range.start_s if clip.range is not None else None
        stated_s = clip.media.available.start_s if clip.media.available is not None else None
        in_s = Fraction(0) if first_s is None else first_s - media_origin_s(stated_s, first_s, media.plan)
        source_start = self._frame(in_s + piece.skip_s, where)
        self._check_range(where, media, Span(source_start, source_start + len(record)))
        return Cut(piece, record, media, max(0, source_start))

    def _check_kind(self, clip: Clip, media: KnownMedia) -> None:
        where, plan = clip_label(clip.name), media.plan
        counted = clip.range.rate if clip.range is not None else plan.rate
        if plan.rate != self.rate:
            self.problems.refuse(
                where,
                f"its media runs at {plan.rate} frames a second, the timeline at {self.rate}; "
                "mixed frame rates are not yet honoured",
                "one frame rate",
                "convert the media to the timeline's rate",
            )
        elif counted != plan.rate and 10 <= counted <= 200:
            self.problems.refuse(
                where,
                f"its times count {counted} frames a second, its media has {plan.rate}; "
                "mixed frame rates are not yet honoured",
                "times at the rate of the media",
                "relink the clip, or convert the media",
            )
        if (plan.width, plan.height) != self.size_px:
            self.problems.refuse(
                where,
                f"its picture has {plan.width}x{plan.height} pixels, the timeline {self.size_px[0]}x{self.size_px[1]}; "
                "mixed sizes are not yet honoured",
                "one picture size",
                "scale the media first",
            )

    def _check_range(self, where: str, media: KnownMedia, wanted: Span) -> None:
        have = media.plan.num_frames
        missing = len(wanted) - len(Span(0, have).intersect(wanted))
        if not missing:
            return
        if have == 1:
            self.problems.refuse(
                where,
                f"{media.plan.path.name!r} is a still, which is not yet honoured",
                "footage as long as the clip",
                "make a clip of it in the editing program first",
            )
            return
        self.problems.refuse(
            where,
            f"it asks for frames {wanted.start} to {wanted.stop - 1} of {media.plan.path.name!r}, "
            f"of which {missing} are missing",
            f"frames from 0 to {have - 1}",
            "trim the clip, or relink it to longer media",
        )

    def _frame(self, seconds: Fraction, where: str) -> int:
        position = seconds * self.rate
        frame = round(position)
        # With mixed rates, which are refused by themselves, cuts between frames only follow.
        if self._one_rate and abs(position - frame) > _WHOLE:
            self.problems.refuse(
                where,
                f"a cut lies between frames, at {float(position):.3f}",
                f"whole frames at {self.rate} a second",
                "conform the timeline to one frame rate",
            )
        return frame


def _stated_rate(clips: Iterable[Clip]) -> Fraction:
    """The rate in which the first clip counts, for timelines whose media cannot be read."""
    return next((clip.range.rate for clip in clips if clip.range is not None), _FALLBACK_RATE)


def _most_common(values: Iterable[_Value], otherwise: _Value) -> _Value:
    counted = Counter(values).most_common(1)
    return counted[0][0] if counted else otherwise
