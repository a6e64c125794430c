"""The timeline's sound tracks: which stream of which file is heard when, how fast and how loud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dpe_toolkit.planning.intervals import ClipPart, Piece
from dpe_toolkit.planning.media import KnownSound, MediaLibrary, clip_label
from dpe_toolkit.planning.problems import ProblemList
from dpe_toolkit.plans.images import Dissolve, Gap, Image, Over
from dpe_toolkit.plans.soundtrack import SoundPart, SoundTrack
from dpe_toolkit.timeline import Clip

__all__ = ["SoundLayer", "plan_sound"]

_ALL, _NOTHING = Fraction(1), Fraction(0)


@dataclass(frozen=True, slots=True)
class SoundLayer:
    """What one sound track holds."""

    name: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class _Voice:
    """A clip of a sound track, with its loudness."""

    piece: Piece
    part: ClipPart
    """What the piece shows of the clip."""
    fade: tuple[Fraction, Fraction]

    def same_sound(self, other: _Voice) -> bool:
        """True where both play the same moments of the same file at the same time."""
        mine, theirs = self.piece, other.piece
        meet = mine.start_s < theirs.stop_s and theirs.start_s < mine.stop_s
        return meet and self.part.clip.media.url == other.part.clip.media.url and _line(self) == _line(other)


def plan_sound(
    layers: Sequence[SoundLayer], library: MediaLibrary, problems: ProblemList
) -> tuple[SoundTrack, ...] | None:
    """The tracks as a plan holds them, None where the timeline has none, which means the clips' own sound.

    Editing programs lay a file of several streams on several tracks, in sync, and say nowhere which stream is
    which: the first track then has the first stream, the next one the second. A file of one stream that lies on
    several tracks like that is heard once.

    Args:
        layers: the enabled sound tracks, pieces in timeline time.
        library: where media are looked up; it is told of those that are missing.
        problems: told of clips without sound.
    """
    if not layers:
        return None
    tracks: list[SoundTrack] = []
    earlier: list[_Voice] = []
    for layer in layers:
        voices = [voice for piece in layer.pieces for voice in _voices(piece, piece.image, (_ALL, _ALL))]
        parts = [part for voice in voices for part in _part(voice, earlier, library, problems)]
        tracks.append(SoundTrack(name=layer.name, parts=tuple(parts)))
        earlier += voices
    return tuple(tracks)


def _voices(piece: Piece, image: Image[ClipPart], fade: tuple[Fraction, Fraction]) -> Iterator[_Voice]:
    """The clips of a piece: in a dissolve both of its sides, one falling as the other rises."""
    match image:
        case Gap():
            return
        case Dissolve(first=first, second=second):
            length_s = piece.stop_s - piece.start_s
            shares = [image.share(at_s) for at_s in (_NOTHING, length_s)]
            yield from _voices(piece, second, (fade[0] * shares[0], fade[1] * shares[1]))
            yield from _voices(piece, first, (fade[0] * (1 - shares[0]), fade[1] * (1 - shares[1])))
        case Over(top=top):
            yield from _voices(piece, top, fade)
        case part:
            yield _Voice(piece, part, fade)


def _part(
    voice: _Voice, earlier: Sequence[_Voice], library: MediaLibrary, problems: ProblemList
) -> Iterator[SoundPart]:
    """The part of a clip; none where it is frozen, without sound, or heard already."""
    piece, part = voice.piece, voice.part
    clip, where = part.clip, clip_label(part.clip.name)
    if clip.media.kind != "external":
        problems.refuse(
            where, "its sound has no media file", "a reference to a media file", "relink the clip, or disable it"
        )
        return
    sound = library.get_sound(clip.media.url, where)
    if sound is None or not part.speed:
        return
    if not sound.num_streams:
        problems.warn(where, f"{sound.path.name!r} has no sound, and so the clip is silent")
        return
    number = sum(1 for other in earlier if voice.same_sound(other))
    if number >= sound.num_streams:
        return
    yield SoundPart(
        path=sound.path,
        digest=sound.digest,
        stream=number,
        record_s=piece.start_s,
        duration_s=piece.stop_s - piece.start_s,
        start_s=_range_s(clip, sound) + part.skip_s,
        speed=part.speed,
        fade=voice.fade,
    )


def _range_s(clip: Clip, sound: KnownSound) -> Fraction:
    """Start of the clip's range, from the file's first frame, or its first sound where it has no frames."""
    if clip.range is None:
        return _NOTHING
    stated_s = clip.media.available.start_s if clip.media.available is not None else None
    return clip.range.start_s - sound.origin_s(stated_s, clip.range.start_s)


def _line(voice: _Voice) -> tuple[Fraction, Fraction]:
    part = voice.part
    first_s = part.clip.range.start_s if part.clip.range is not None else _NOTHING
    return first_s + part.skip_s - voice.piece.start_s * part.speed, part.speed
