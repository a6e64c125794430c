"""``dpe sync``: where a driver must begin so that it is heard together with a clip."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_toolkit.cli.named import as_usage
from dpe_toolkit.cli.screen import help_text, say
from dpe_toolkit.core.errors import OptionsError, TimelineError, nearest_names

if TYPE_CHECKING:
    from dpe_toolkit.media.sound.sync import HeardPart, SoundMatch
    from dpe_toolkit.timeline import Clip

__all__ = ["HELP", "heard_clip", "run"]

HELP = help_text(
    "Find where a driver must begin to be in sync with a clip, by their sound.",
    "SOURCE is footage, or a timeline and the name of one of its clips. The actor who gave the performance must have "
    "heard or spoken what is heard in the clip. A match that is not clearly better than all others is refused.",
    examples=(
        "dpe sync actor.mp4 smile.mp4",
        "dpe sync cut.otio smile.mp4 --clip sh010",
        "dpe link cut.otio --clip sh010 --driver smile.mp4 --sync -o cut_dpe.otio",
    ),
)
_TIMELINES = (".otio", ".otioz", ".otiod")


def run(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Footage, or a timeline.")],
    driver: Annotated[Path, typer.Argument(metavar="DRIVER", help="Footage of the performance.")],
    *,
    clip: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Clip of the timeline; where several share a name, NAME#2 is the second."),
    ] = None,
) -> None:
    """Says where the driver begins, and how surely."""
    from dpe_toolkit.media import probe
    from dpe_toolkit.media.sound.sync import HeardPart, match_sound

    if source.suffix.lower() in _TIMELINES:
        part, name = heard_clip(source, clip), clip or source.stem
    elif clip is not None:
        raise OptionsError("--clip is given, and SOURCE is no timeline", "a timeline", "leave out --clip", path=source)
    else:
        with as_usage():
            part, name = HeardPart(source, Fraction(0), probe(source).duration_s), source.name
    with as_usage():
        rate = probe(driver).rate
    match = match_sound(part, driver)
    say(_told(match, name, driver.name, rate))


def _told(match: SoundMatch, name: str, driver: str, rate: Fraction) -> str:
    seconds = float(match.shift_s)
    sure = f"confidence {match.confidence:.2f}"
    if seconds < 0:
        return f"{driver} begins {-seconds:.3f} s after {name} does ({sure})"
    return f"{driver} is in sync with {name} from {seconds:.3f} s, frame {round(match.shift_s * rate)} ({sure})"


def heard_clip(timeline: Path, name: str | None) -> HeardPart:
    """The sound that belongs to the picture of a clip.

    Args:
        timeline: the timeline.
        name: of the clip, or None where the timeline has one.

    Raises:
        TimelineError: there is no such clip, or it has no media.
        MediaError: its media cannot be read.
    """
    from dpe_toolkit.media import media_plan, probe
    from dpe_toolkit.media.sound.sync import HeardPart
    from dpe_toolkit.planning.flatten import picture_clips
    from dpe_toolkit.planning.media import media_origin_s
    from dpe_toolkit.timeline import find_media, read_timeline

    doc = read_timeline(timeline)
    clip = _named(picture_clips(doc.stack), name, timeline)
    if not clip.media.url:
        raise TimelineError("it has no media", "a clip of footage", "relink it", clip=clip.name, path=timeline)
    path = find_media(clip.media.url, doc.folders)
    duration_s = probe(path).duration_s
    if clip.range is None:
        return HeardPart(path, Fraction(0), duration_s)
    stated_s = clip.media.available.start_s if clip.media.available is not None else None
    start_s = clip.range.start_s - media_origin_s(stated_s, clip.range.start_s, media_plan(path))
    return HeardPart(path, start_s, min(clip.range.duration_s, duration_s - start_s))


def _named(clips: list[Clip], name: str | None, timeline: Path) -> Clip:
    known = nearest_names(name or "", {clip.name for clip in clips})
    if name is None:
        if len(clips) == 1:
            return clips[0]
        raise TimelineError(f"it has {len(clips)} clips", known, "say which, with --clip", path=timeline)
    base, _, number = name.rpartition("#")
    found = [clip for clip in clips if clip.name == name]
    if not found and number.isdecimal() and int(number):
        found = [clip for clip in clips if clip.name == base][int(number) - 1 :][:1]
    if len(found) != 1:
        wrong = f"there is no picture clip {name!r}" if not found else f"{len(found)} clips are called {name!r}"
        raise TimelineError(wrong, known, f"correct --clip; {name}#2 is the second of that name", path=timeline)
    return found[0]
