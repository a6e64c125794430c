"""The media that a timeline names: found, probed and checked, each file once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from dpe_toolkit.core.errors import DpeError, MediaError
from dpe_toolkit.core.frames import ColorInfo, PixelLayout
from dpe_toolkit.planning.image_sequences import is_sequence, read_sequence
from dpe_toolkit.plans.media import MediaPlan, MissingImages
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.timeline import find_media

__all__ = [
    "KnownMedia",
    "KnownSound",
    "MediaFacts",
    "MediaLibrary",
    "Probe",
    "clip_label",
    "media_origin_s",
    "problem_of",
]


class MediaFacts(Protocol):
    """What planning wants to know of a media file; `dpe_toolkit.media.MediaInfo` has it."""

    @property
    def width(self) -> int:
        """Pixels."""
        ...

    @property
    def height(self) -> int:
        """Pixels."""
        ...

    @property
    def num_frames(self) -> int:
        """Frames that are really there."""
        ...

    @property
    def rate(self) -> Fraction:
        """Frames a second."""
        ...

    @property
    def start_frame(self) -> int:
        """Frame number of the start timecode, 0 where there is none."""
        ...

    @property
    def layout(self) -> PixelLayout:
        """How a picture lies in planes."""
        ...

    @property
    def color(self) -> ColorInfo:
        """What code values mean."""
        ...

    @property
    def audio_streams(self) -> int:
        """How many."""
        ...

    @property
    def sample_aspect(self) -> Fraction:
        """Width of a pixel over its height."""
        ...

    @property
    def rotation_deg(self) -> int:
        """Rotation of the stored picture, which readers apply."""
        ...

    @property
    def interlaced(self) -> bool:
        """Lines are of two times."""
        ...

    @property
    def variable_rate(self) -> bool:
        """Frames last differently long."""
        ...


_KNOWN_MATRICES = frozenset({0, 1, 2, 4, 5, 6, 7, 9, 10})
_NARROWEST, _WIDEST = Fraction(1, 4), Fraction(4)

Probe = Callable[[Path], MediaFacts]
Digest = Callable[[Path], str]


@dataclass(frozen=True, slots=True)
class KnownMedia:
    """A media file that is there and can be read."""

    plan: MediaPlan
    alpha: bool
    """The picture can be transparent."""
    missing: frozenset[int] = frozenset()
    """Of an image sequence: frames whose pictures are not there."""

    @property
    def is_still(self) -> bool:
        """One picture, which has no time of its own."""
        return self.plan.num_frames == 1

    @property
    def duration_s(self) -> Fraction:
        """Length of the picture."""
        return self.plan.num_frames / self.plan.rate


@dataclass(frozen=True, slots=True)
class KnownSound:
    """A file whose sound can be read, with or without a picture."""

    path: Path
    digest: str
    num_streams: int
    media: MediaPlan | None
    """Its picture, None where it has none."""

    def origin_s(self, available_start_s: Fraction | None, moment_s: Fraction | None) -> Fraction:
        """As `media_origin_s`; a file of sound alone begins at zero unless the timeline says otherwise."""
        if self.media is not None:
            return media_origin_s(available_start_s, moment_s, self.media)
        return available_start_s or Fraction(0)


class MediaLibrary:
    """Looks media up by reference; ``problems`` fills as it goes, one entry a fault of a file.

    Args:
        folders: where relative references start.
        roots: further folders to look in.
        resolve: asked for references that are not found, e.g. `Registry.resolve_media`.
        probe: reads a file's headers.
        digest: content digest of a file.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        roots: Sequence[Path] = (),
        resolve: Callable[[str, Path], Path | None] | None = None,
        probe: Probe | None = None,
        digest: Digest | None = None,
    ) -> None:
        self._folders = tuple(folders)
        self._roots = tuple(roots)
        self._resolve = resolve
        self._probe = probe or _video_probe()
        self._digest = digest or _video_digest()
        self._known: dict[str, KnownMedia | None] = {}
        self._faults: dict[str, list[Problem]] = {}
        self._users: dict[str, list[str]] = {}
        self._sounds: dict[str, KnownSound | None] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every fault found, named after all that use the file."""
        return tuple(
            fault.model_copy(update={"where": ", ".join(self._users[url])})
            for url, faults in self._faults.items()
            for fault in faults
        )

    def get(
        self, url: str, user: str, *, rate: Fraction | None = None, missing: MissingImages = "error"
    ) -> KnownMedia | None:
        """The media that ``url`` means, None where it cannot be used.

        Args:
            url: reference as the timeline has it.
            user: clip or driver that uses it, for messages.
            rate: of an image sequence, pictures a second.
            missing: of an image sequence, what is shown for a picture that is not there.
        """
        users = self._users.setdefault(url, [])
        if user not in users:
            users.append(user)
        key = f"{url}|{rate}|{missing}" if is_sequence(url) else url
        if key not in self._known:
            self._known[key] = self._read(url, rate, missing)
        return self._known[key]

    def get_sound(self, url: str, user: str) -> KnownSound | None:
        """The sound of the media that ``url`` means, None where it cannot be used.

        Args:
            url: reference as the timeline has it.
            user: clip that uses it, for messages.
        """
        if url not in self._sounds:
            self._sounds[url] = self._read_sound(url)
        if self._sounds[url] is None:
            users = self._users.setdefault(url, [])
            if user not in users:
                users.append(user)
        return self._sounds[url]

    def _read_sound(self, url: str) -> KnownSound | None:
        faults = self._faults.setdefault(url, [])
        told = bool(faults)
        try:
            path = self._find(url)
            digest = self._digest(path)
            try:
                info = self._probe(path)
            except MediaError:
                return KnownSound(path, digest, _count_streams(path), None)
            return KnownSound(path, digest, info.audio_streams, _media_plan(path, info, digest))
        except MediaError as error:
            problem = problem_of(error, "")
        except OSError as error:
            problem = problem_of(MediaError(f"it cannot be read: {error.strerror}", path=url), "")
        if not told:
            faults.append(problem)
        return None

    def _read(self, url: str, rate: Fraction | None, missing: MissingImages) -> KnownMedia | None:
        faults = self._faults.setdefault(url, [])
        try:
            if is_sequence(url):
                return KnownMedia(*read_sequence(url, self._find, rate=rate, missing=missing))
            path = self._find(url)
            info = self._probe(path)
            faults += _refusals(info, path)
            plan = _media_plan(path, info, self._digest(path))
        except MediaError as error:
            faults.append(problem_of(error, ""))
            return None
        except OSError as error:
            faults.append(problem_of(MediaError(f"it cannot be read: {error.strerror}", path=url), ""))
            return None
        return KnownMedia(plan, info.layout.alpha)

    def picture(self, url: str) -> tuple[Path, str]:
        """The file of a picture, and its digest.

        Raises:
            MediaError: there is no such file.
        """
        path = self._find(url)
        return path, self._digest(path)

    def _find(self, url: str) -> Path:
        return find_media(url, self._folders, roots=self._roots, resolve=self._resolve)


def media_origin_s(available_start_s: Fraction | None, moment_s: Fraction | None, media: MediaPlan) -> Fraction:
    """The media time of a file's first frame.

    The timeline's own word counts. Where it says nothing, times at or after the file's start timecode
    count from there and smaller ones from zero.

    Args:
        available_start_s: start of the available range of the reference, None if not stated.
        moment_s: a time in that media that the timeline uses.
        media: the file.
    """
    if available_start_s is not None:
        return available_start_s
    timecode_s = media.start_frame / media.rate
    return timecode_s if moment_s is not None and moment_s >= timecode_s else Fraction(0)


def problem_of(error: DpeError, where: str) -> Problem:
    """An error as a problem of a plan."""
    wrong = f"{error.wrong} ({error.path})" if error.path is not None else error.wrong
    return Problem(where=where, wrong=wrong, expected=error.expected, action=error.action)


def clip_label(name: str) -> str:
    """How problems call a clip."""
    return f"clip {name!r}" if name else "a clip without a name"


def _media_plan(path: Path, info: MediaFacts, digest: str) -> MediaPlan:
    return MediaPlan(
        path=path,
        digest=digest,
        width=info.width,
        height=info.height,
        num_frames=info.num_frames,
        rate=info.rate,
        start_frame=info.start_frame,
        pixel_format=info.layout.name,
        has_audio=info.audio_streams > 0,
    )


def _refusals(info: MediaFacts, path: Path) -> list[Problem]:
    unknown = info.layout.family == "yuv" and info.color.matrix not in _KNOWN_MATRICES
    found = [
        ("interlaced pictures", info.interlaced, "deinterlace the media first"),
        (
            f"pixels of shape {info.sample_aspect}",
            not _NARROWEST <= info.sample_aspect <= _WIDEST,
            "correct the pixel aspect of the media",
        ),
        (
            f"colour matrix {info.color.matrix}",
            unknown,
            "convert it to BT.601, BT.709, BT.2020 or RGB first, or correct its tag",
        ),
    ]
    return [
        Problem(wrong=f"{path.name!r} has {what}, which is not yet honoured", action=action)
        for what, present, action in found
        if present
    ] + _notices(info, path)


def _notices(info: MediaFacts, path: Path) -> list[Problem]:
    found = []
    if info.rotation_deg % 360:
        found.append(f"{path.name!r} is turned upright by {info.rotation_deg} degrees, and so is the output")
    if info.variable_rate:
        found.append(
            f"{path.name!r} has a variable frame rate and is shown at {info.rate} frames a second: frames that last "
            "longer are repeated, those that come faster left out"
        )
    return [Problem(severity="warning", wrong=text) for text in found]


def _count_streams(path: Path) -> int:
    from dpe_toolkit.media import sound_streams

    return len(sound_streams(path))


def _video_probe() -> Probe:
    from dpe_toolkit.media import probe

    return probe


def _video_digest() -> Digest:
    from dpe_toolkit.media import file_digest

    return file_digest
