"""A timeline laid out in frames, and what of it cannot be honoured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from dpe_toolkit.core.framemap import FrameMap
from dpe_toolkit.core.timing import Span
from dpe_toolkit.planning.flatten import Flattener
from dpe_toolkit.planning.intervals import Piece
from dpe_toolkit.planning.media import KnownMedia, MediaLibrary, clip_label, media_origin_s
from dpe_toolkit.planning.problems import ProblemList
from dpe_toolkit.planning.runs import Run, collect_runs, first_frame, media_map
from dpe_toolkit.planning.sound import plan_sound
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import Fit
from dpe_toolkit.plans.soundtrack import SoundTrack
from dpe_toolkit.timeline import Clip, TimelineDoc

__all__ = ["FlatTimeline", "MediaRun", "TimelineLayout"]

_Value = TypeVar("_Value")

_FALLBACK_RATE = Fraction(25)
_WHOLE = Fraction(1, 50)


@dataclass(frozen=True, slots=True)
class MediaRun:
    """A run with its media settled."""

    run: Run
    media: KnownMedia | None
    """None where it cannot be used."""
    map: FrameMap
    """Media frames shown, counted from the run's first output frame."""
    in_s: Fraction = Fraction(0)
    """Start of the clip's range, from the media's first frame."""


@dataclass(frozen=True, slots=True)
class FlatTimeline:
    """A timeline in frames."""

    pieces: tuple[Piece, ...]
    """What is seen, in output order, perhaps with holes."""
    runs: tuple[MediaRun, ...]
    """The runs that the pieces are parts of."""
    num_frames: int
    sound: tuple[SoundTrack, ...] | None = None
    """What the sound tracks hold, None where there is none."""


class TimelineLayout:
    """One timeline in frames; ``problems`` fills as it goes.

    Args:
        doc: the timeline.
        clips: its clips that can be picture.
        library: where their media are looked up.
        fit: how images of another size come into the frame.
    """

    def __init__(self, doc: TimelineDoc, clips: Sequence[Clip], library: MediaLibrary, *, fit: Fit = "fit") -> None:
        self._doc = doc
        self._library = library
        self.fit: Fit = fit
        self.problems = ProblemList()
        self._media = {clip: self._media_of(clip) for clip in dict.fromkeys(clips)}
        known = [media.plan for media in self._media.values() if media is not None]
        moving = [media.plan for media in self._media.values() if media is not None and not media.is_still]
        self.rate = _most_common((media.rate for media in moving), _stated_rate(clips))
        """Frames a second: what most clips have."""
        self._one_rate = all(media.rate == self.rate for media in moving)
        self.size_px = _most_common(((media.width, media.height) for media in known), (0, 0))
        """(width, height): what most clips have."""

    def flatten(self) -> FlatTimeline:
        """The timeline in frames."""
        flattener = Flattener(self.rate, length_s=self._length_s, is_opaque=self._is_opaque)
        pieces = flattener.picture(self._doc.stack)
        layers = flattener.sound(self._doc.stack)
        self.problems.items.extend(flattener.problems.items)
        sound = plan_sound(layers, self._library, self.problems)
        runs = tuple(self._place_run(run) for run in collect_runs(pieces, self.rate))
        # A clip without a length of its own takes that of its media: where these are missing, that is the fault.
        if not runs and None not in self._media.values():
            where = f"timeline {self._doc.name!r}"
            self.problems.refuse(where, "it shows nothing", "a clip on a picture track", "add a clip")
        for piece in pieces:
            self._warn_uneven(piece)
        end_s = max([flattener.duration_s(self._doc.stack), *(piece.stop_s for piece in pieces)])
        return FlatTimeline(tuple(pieces), runs, first_frame(end_s, self.rate), sound)

    def _media_of(self, clip: Clip) -> KnownMedia | None:
        where = clip_label(clip.name)
        if clip.media.url:
            return known_media(clip, self._library, where)
        if clip.media.kind == "missing":
            self.problems.refuse(where, "its media is missing", "a reference to a media file", "relink the clip")
        else:
            kind = f"{clip.media.kind} {clip.media.name!r}" if clip.media.name else f"media of kind {clip.media.kind!r}"
            self.problems.refuse(where, f"{kind} is not yet honoured", "a media file", "render it to a file first")
        return None

    def _length_s(self, clip: Clip) -> Fraction | None:
        if clip.media.available is not None:
            return clip.media.available.duration_s
        media = self._media.get(clip)
        if media is None and clip.media.url:
            media = known_media(clip, self._library, clip_label(clip.name))
        if media is not None and media.is_still:
            where = clip_label(clip.name)
            self.problems.refuse(
                where, "it is a still, and nothing says for how long it is shown", "a range", "trim the clip"
            )
        return media.duration_s if media is not None else None

    def _is_opaque(self, clip: Clip) -> bool:
        media = self._media.get(clip)
        return media is None or (not media.alpha and fills(media.plan, self.size_px, self.fit))

    def _place_run(self, run: Run) -> MediaRun:
        clip, media = run.clip, self._media.get(run.clip)
        if media is None:
            return MediaRun(run, None, FrameMap(start=Fraction(0)))
        first_s = clip.range.start_s if clip.range is not None else None
        stated_s = clip.media.available.start_s if clip.media.available is not None else None
        in_s = Fraction(0) if first_s is None else first_s - media_origin_s(stated_s, first_s, media.plan)
        line = media_map(run, media, in_s, self.rate)
        self._check_range(run, media, line)
        return MediaRun(run, media, line, in_s)

    def _check_range(self, run: Run, media: KnownMedia, line: FrameMap) -> None:
        where, have = clip_label(run.clip.name), Span(0, media.plan.num_frames)
        self._check_images(run, media, line)
        wanted = line.covers(len(run.record))
        if have.intersect(wanted) == wanted:
            return
        missing = len({frame for frame in line.frames(Span(0, len(run.record))) if frame not in have})
        name = media.plan.path.name
        asked = "its dissolve asks" if run.in_handle else "it asks"
        self.problems.refuse(
            where,
            f"{asked} for frames {wanted.start} to {wanted.stop - 1} of {name!r}, of which {missing} are missing",
            f"frames from 0 to {have.stop - 1}",
            "trim the clip, shorten its dissolve, or relink it to longer media"
            if run.in_handle
            else "trim the clip, or relink it to longer media",
        )

    def _check_images(self, run: Run, media: KnownMedia, line: FrameMap) -> None:
        """Refuses, or tells of, images of a sequence that are not there."""
        lost = sorted(media.missing.intersection(line.frames(Span(0, len(run.record)))))
        if not lost:
            return
        where, policy = clip_label(run.clip.name), media.plan.missing_images
        wrong = f"{len(lost)} of the images of {media.plan.path.name!r} are missing, the first of them frame {lost[0]}"
        if policy == "error":
            self.problems.refuse(
                where, wrong, "an image for every frame", "put them there, or set what is shown for missing ones"
            )
        else:
            instead = "black is shown" if policy == "black" else "the image before is held"
            self.problems.warn(where, f"{wrong}; {instead}")

    def _warn_uneven(self, piece: Piece) -> None:
        """Warns of a cut between frames, where all run at one rate and speed."""
        leaf = next(piece.leaves(), None)
        position = piece.start_s * self.rate
        uneven = abs(position - round(position)) > _WHOLE
        if leaf is not None and uneven and self._one_rate and leaf.speed == 1:
            self.problems.warn(
                clip_label(leaf.clip.name),
                f"it begins between frames, at {float(position):.3f}; it is shown from the next whole frame on",
            )


def known_media(clip: Clip, library: MediaLibrary, where: str) -> KnownMedia | None:
    """The media of a clip that refers to some."""
    reference = clip.media
    stated = clip.range.rate if clip.range is not None else None
    return library.get(reference.url, where, rate=reference.rate or stated, missing=reference.missing)


def fills(media: MediaPlan, size_px: tuple[int, int], fit: Fit) -> bool:
    """True where an image leaves no part of the frame free."""
    width, height = size_px
    if fit == "fit":
        return media.width * height == width * media.height
    return fit == "fill" or (media.width >= width and media.height >= height)


def _stated_rate(clips: Iterable[Clip]) -> Fraction:
    """The rate in which the first clip counts, for timelines whose media cannot be read."""
    return next((clip.range.rate for clip in clips if clip.range is not None), _FALLBACK_RATE)


def _most_common(values: Iterable[_Value], otherwise: _Value) -> _Value:
    counted = Counter(values).most_common(1)
    return counted[0][0] if counted else otherwise
