"""What is heard under the picture: the timeline's sound tracks, or the shots' own sound, and performances'."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from dpe_toolkit.media import AudioMix, AudioPart, AudioTracks, sound_streams
from dpe_toolkit.plans.edit import EditPlan
from dpe_toolkit.plans.images import Dissolve, Gap, Image, Over, Show
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import RenderPlan, ShotPlan
from dpe_toolkit.plans.soundtrack import SoundPart, SoundTrack

__all__ = ["audio_mixes"]

CountStreams = Callable[[Path], int]
Fade = tuple[Fraction, Fraction]
_DRIVERS = "performances"
_ALL, _HALF = Fraction(1), Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class _Voice:
    """A shot that is heard, with its loudness at its begin and end."""

    shot: ShotPlan
    fade: Fade

    @property
    def edit(self) -> EditPlan:
        """The shot's edit, which must be there."""
        assert self.shot.edit is not None
        return self.shot.edit


def count_streams(path: Path) -> int:
    """How many audio streams a file has."""
    return len(sound_streams(path))


def audio_mixes(
    plan: RenderPlan, tracks: AudioTracks = "mix", count: CountStreams = count_streams
) -> tuple[AudioMix, ...]:
    """The audio streams of the output, as long as the picture; none where nothing is heard.

    Without sound tracks in the timeline, the n-th stream is made of the n-th stream of each shot's file, at the
    shot's speed and with its dissolves. With sound tracks, these are heard instead: mixed into one, or one stream
    each. A shot may bring its performance's sound, instead of its source's or with it; a source's sound is that of
    every part of the same file while the shot lasts.

    Args:
        plan: the plan, trimmed to what is wanted.
        tracks: ``mix`` or ``separate``.
        count: audio streams of a file.
    """
    first_s = plan.shots[0].record_start / plan.rate
    length_s = plan.num_frames / plan.rate
    voices = [voice for shot in plan.shots for voice in _voices(shot, shot.image)]
    spoken = [voice for voice in voices if voice.shot.edit is not None and voice.edit.audio != "source"]
    heard = list(plan.sound) if plan.sound is not None else _own_sound(voices, plan.rate, count)
    heard = [_muted(track, spoken, plan.rate) for track in heard]
    performed = _performed(spoken, plan.rate, count)
    if plan.sound is not None and tracks == "mix":
        parts = [part for track in (*heard, *performed) for part in track.parts]
        heard, performed = [SoundTrack(parts=tuple(parts))], []
    elif tracks == "mix":
        heard, performed = _joined_by_number(heard, performed), []
    mixes = [_mix(track, first_s, length_s) for track in (*heard, *performed)]
    return tuple(mix for mix in mixes if mix.parts)


def _mix(track: SoundTrack, first_s: Fraction, length_s: Fraction) -> AudioMix:
    cut = [part.cut(first_s, first_s + length_s) for part in track.parts]
    ordered = sorted((part.shift(-first_s) for part in cut if part is not None), key=lambda part: part.record_s)
    parts = [
        AudioPart(part.path, part.stream, part.record_s, part.duration_s, part.start_s, part.speed, part.fade)
        for part in _connected(ordered)
    ]
    return AudioMix(tuple(parts), length_s, track.name)


def _connected(parts: Sequence[SoundPart]) -> Iterator[SoundPart]:
    """Parts that go on in the same file as one.

    A cut without a jump is then not heard, and a file used whole can be copied.
    """
    previous: SoundPart | None = None
    for part in parts:
        if previous is not None and _goes_on(previous, part):
            previous = previous.model_copy(update={"duration_s": previous.duration_s + part.duration_s})
            continue
        if previous is not None:
            yield previous
        previous = part
    if previous is not None:
        yield previous


def _goes_on(first: SoundPart, second: SoundPart) -> bool:
    same = (first.path, first.stream, first.speed) == (second.path, second.stream, second.speed)
    level = {*first.fade, *second.fade} == {Fraction(1)}
    meets = first.stop_s == second.record_s and first.start_s + first.duration_s * first.speed == second.start_s
    return same and level and meets


def _own_sound(voices: Sequence[_Voice], rate: Fraction, count: CountStreams) -> list[SoundTrack]:
    return _by_stream([part for voice in voices for part in _source_part(voice, rate)], count)


def _by_stream(parts: Iterable[SoundPart], count: CountStreams, name: str = "") -> list[SoundTrack]:
    """A track for each stream of the files, the n-th of all of them in the n-th."""
    found: list[list[SoundPart]] = []
    for part in parts:
        for number in range(count(part.path)):
            if number == len(found):
                found.append([])
            found[number].append(part.model_copy(update={"stream": number}))
    return [SoundTrack(name=name, parts=tuple(parts)) for parts in found]


def _voices(shot: ShotPlan, image: Image[Show], fade: Fade = (_ALL, _ALL)) -> Iterator[_Voice]:
    """What is seen on top in a shot; in a dissolve both of its sides, one falling as the other rises."""
    match image:
        case Show():
            yield _Voice(shot.showing(image), fade)
        case Dissolve(first=first, second=second):
            # A share counts for the middle of its frame; the dissolve begins and ends half a frame further out.
            shares = [image.share(at - _HALF) for at in (0, shot.num_frames)]
            yield from _voices(shot, second, (fade[0] * shares[0], fade[1] * shares[1]))
            yield from _voices(shot, first, (fade[0] * (1 - shares[0]), fade[1] * (1 - shares[1])))
        case Over(top=top, below=below):
            yield from _voices(shot, top, fade)
            if isinstance(top.first if isinstance(top, Dissolve) else top, Gap):
                yield from _voices(shot, below, fade)


def _source_part(voice: _Voice, rate: Fraction) -> Iterator[SoundPart]:
    """The sound of the shot's own file; of frozen frames there is none."""
    shot, line, media = voice.shot, voice.shot.frame_map, voice.shot.source
    if media is None or not media.has_audio or not line.step:
        return
    yield SoundPart(
        path=media.path,
        digest=media.digest,
        record_s=shot.record_start / rate,
        duration_s=shot.num_frames / rate,
        start_s=line.start / media.rate,
        speed=line.step * rate / media.rate,
        fade=voice.fade,
    )


def _muted(track: SoundTrack, spoken: Sequence[_Voice], rate: Fraction) -> SoundTrack:
    """The track without the sources of shots that bring another sound."""
    parts = list(track.parts)
    for shot in (voice.shot for voice in spoken if voice.edit.audio != "mix"):
        begin_s, end_s = shot.record.start / rate, shot.record.stop / rate
        parts = [
            kept
            for part in parts
            for kept in (part.without(begin_s, end_s) if shot.source and part.path == shot.source.path else (part,))
        ]
    return track.model_copy(update={"parts": tuple(parts)})


def _performed(spoken: Sequence[_Voice], rate: Fraction, count: CountStreams) -> list[SoundTrack]:
    """The drivers' sound, stream by stream, where shots bring it."""
    parts = [
        _faded(part, voice)
        for voice in spoken
        if voice.edit.audio != "none" and voice.edit.driver.has_audio
        for part in _driver_parts(voice.shot, voice.edit, rate)
    ]
    return _by_stream(parts, count, _DRIVERS)


def _faded(part: SoundPart, voice: _Voice) -> SoundPart:
    return part.model_copy(update={"fade": voice.fade})


def _driver_parts(shot: ShotPlan, edit: EditPlan, rate: Fraction) -> Iterator[SoundPart]:
    """The driver's sound while its performance is seen: at its speed, again where it loops, silent where it is held."""
    line, media = shot.frame_map, edit.driver
    if shot.held_rate is not None:
        start_s, speed = edit.driver_start_s, edit.retime * rate / shot.held_rate
    else:
        passed_s = (line.start - shot.source_span.start) / shot.row_rate
        start_s = edit.driver_start_s + passed_s * edit.retime
        speed = edit.retime * line.step * rate / shot.row_rate
    if not speed:
        return
    length_s = media.num_frames / media.rate
    record_s, left_s = shot.record_start / rate, shot.num_frames / rate
    while left_s > 0:
        if edit.when_short == "loop":
            start_s %= length_s
            if not start_s and speed < 0:
                start_s = length_s
        room_s = (length_s - start_s if speed > 0 else start_s) / abs(speed)
        duration_s = min(left_s, room_s)
        if duration_s > 0:
            yield _driver_part(media, record_s, duration_s, start_s, speed)
        if edit.when_short != "loop":
            return
        record_s, left_s, start_s = record_s + duration_s, left_s - duration_s, start_s + duration_s * speed


def _driver_part(
    media: MediaPlan, record_s: Fraction, duration_s: Fraction, start_s: Fraction, speed: Fraction
) -> SoundPart:
    return SoundPart(
        path=media.path,
        digest=media.digest,
        record_s=record_s,
        duration_s=duration_s,
        start_s=start_s,
        speed=speed,
    )


def _joined_by_number(first: Sequence[SoundTrack], second: Sequence[SoundTrack]) -> list[SoundTrack]:
    """The n-th track of both as one."""
    joined = []
    for number in range(max(len(first), len(second))):
        both = [tracks[number] for tracks in (first, second) if number < len(tracks)]
        joined.append(SoundTrack(parts=tuple(part for track in both for part in track.parts)))
    return joined
