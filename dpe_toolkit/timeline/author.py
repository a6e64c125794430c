"""Writing edits into timelines: a new timeline for one clip, or an effect on a clip of an existing one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import opentimelineio as otio  # type: ignore[import-untyped] # ships no types

from dpe_toolkit.core.errors import OptionsError, TimelineError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.settings import ComponentNames, ComponentOptions, EditSettings
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.timeline.atomic import write_text
from dpe_toolkit.timeline.document import EFFECT_NAME, MARKER_PREFIX, METADATA_KEY
from dpe_toolkit.timeline.effect import EFFECT_SCHEMA, effect_fields
from dpe_toolkit.timeline.sidecar import write_sidecar

__all__ = ["Performance", "attach_edit", "media_url", "write_edit_timeline", "write_otio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """The driver of one edit and what is asked of it."""

    driver: MediaPlan
    start: int = 0
    """0-based frame of the driver that the shot's first frame shows."""
    settings: EditSettings = field(default_factory=EditSettings)
    """What is asked of the edit; only what was set is written."""
    retime: float = 1.0
    """Driver seconds that pass in a second of the shot; see `dpe_toolkit.editing.settings.Retime`."""
    neutral: Mapping[str, str] = field(default_factory=dict)
    """``source`` or ``driver`` to the moment at which that face rests, as people type it."""
    components: ComponentNames = field(default_factory=dict)
    options: ComponentOptions = field(default_factory=dict)


def write_edit_timeline(
    output: Path, *, source: MediaPlan, performance: Performance, span: Span | None = None, name: str = ""
) -> Path:
    """Writes a timeline of one edited clip, with its sidecar, and returns its path.

    Args:
        output: an .otio file; an existing one is replaced.
        source: the footage.
        performance: the driver and what is asked of it.
        span: 0-based frames of the source to show; None means all.
        name: name of the timeline; the source's by default.

    Raises:
        TimelineError: the file cannot be written, or has another suffix than .otio.
        OptionsError: the span leaves the source.
    """
    shown = Span(0, source.num_frames) if span is None else span
    if shown.intersect(Span(0, source.num_frames)) != shown or not len(shown):
        raise OptionsError(
            f"frames {shown.start}:{shown.stop} are not in {source.path.name!r}",
            f"a range inside 0:{source.num_frames}",
            "correct the range",
        )
    clip = _clip(source, shown, output.absolute().parent)
    timeline = otio.schema.Timeline(name or source.path.stem)
    picture = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    picture.append(clip)
    timeline.tracks.append(picture)
    if source.has_audio:
        sound = otio.schema.Track("A1", kind=otio.schema.TrackKind.Audio)
        sound.append(clip.deepcopy())
        timeline.tracks.append(sound)
    entry = attach_edit(clip, performance, output.absolute().parent, frozenset())
    write_otio(timeline, output)
    write_sidecar(output, timeline.name, [entry])
    return output


def attach_edit(clip: Any, performance: Performance, base_dir: Path, taken_ids: frozenset[str]) -> dict[str, object]:
    """Puts effect and marker on an OTIO clip in place of those it has, and returns its sidecar entry."""
    plain = _metadata(clip, performance, base_dir, taken_ids)
    kept = [effect for effect in clip.effects if METADATA_KEY not in effect.metadata]
    clip.effects[:] = [*kept, otio.schema.Effect(effect_name=EFFECT_NAME, metadata={METADATA_KEY: _typed(plain)})]
    shown = clip.trimmed_range()
    markers = [marker for marker in clip.markers if not marker.name.casefold().startswith(MARKER_PREFIX)]
    start = otio.opentime.TimeRange(shown.start_time, otio.opentime.RationalTime(0, shown.start_time.rate))
    clip.markers[:] = [*markers, otio.schema.Marker(name=f"{MARKER_PREFIX}{plain['id']}", marked_range=start)]
    return {
        "id": plain["id"],
        "clip": clip.name,
        "media": getattr(clip.media_reference, "target_url", ""),
        "source_range": {"start_time": _plain_time(shown.start_time), "duration": _plain_time(shown.duration)},
        "effect": plain,
    }


def write_otio(timeline: Any, output: Path) -> Path:
    """Writes an OTIO timeline in one step and returns its path.

    Raises:
        TimelineError: the file cannot be written, or has another suffix than .otio.
    """
    if output.suffix.lower() != ".otio":
        raise TimelineError(
            f"timelines of kind {output.suffix or output.name!r} are not written",
            "a name that ends in .otio",
            "name the output so",
            path=output,
        )
    return write_text(output, timeline.to_json_string(indent=4) + "\n")


def media_url(path: Path, base_dir: Path) -> str:
    """How a timeline in ``base_dir`` refers to ``path``: relative where it lies below, else a file: URL."""
    absolute = path.absolute()
    if absolute.is_relative_to(base_dir):
        return quote(absolute.relative_to(base_dir).as_posix())
    return absolute.as_uri()


def _clip(source: MediaPlan, shown: Span, base_dir: Path) -> Any:
    rate = float(source.rate)
    start = otio.opentime.RationalTime(source.start_frame + shown.start, rate)
    return otio.schema.Clip(
        source.path.stem,
        media_reference=_reference(source, base_dir),
        source_range=otio.opentime.TimeRange(start, otio.opentime.RationalTime(len(shown), rate)),
    )


def _reference(media: MediaPlan, base_dir: Path) -> Any:
    rate = float(media.rate)
    available = otio.opentime.TimeRange(
        otio.opentime.RationalTime(media.start_frame, rate), otio.opentime.RationalTime(media.num_frames, rate)
    )
    return otio.schema.ExternalReference(media_url(media.path, base_dir), available)


def _metadata(clip: Any, performance: Performance, base_dir: Path, taken_ids: frozenset[str]) -> dict[str, Any]:
    driver = performance.driver
    rate = float(driver.rate)
    available = {
        "start_time": {"value": driver.start_frame, "rate": rate},
        "duration": {"value": driver.num_frames, "rate": rate},
    }
    driving = {
        "media": {"url": media_url(driver.path, base_dir), "available_range": available},
        "start": {"value": driver.start_frame + performance.start, "rate": rate},
        "retime": performance.retime,
        "when_short": performance.settings.when_short,
    }
    shown = clip.trimmed_range()
    seed = f"{clip.name}|{driver.digest}|{performance.start}|{shown.start_time.value}|{shown.duration.value}"
    names = (hashlib.sha256(f"{seed}|{number}".encode()).hexdigest()[:8] for number in range(len(taken_ids) + 1))
    identity = next(name for name in names if name not in taken_ids)
    further: dict[str, Mapping[str, object]] = {
        "neutral": performance.neutral,
        "components": performance.components,
        "options": performance.options,
    }
    stated = effect_fields(performance.settings) | {name: dict(value) for name, value in further.items() if value}
    return {"schema": EFFECT_SCHEMA, "id": identity, **stated, "driving": driving}


def _typed(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata with OTIO's own types where hosts and relinking tools look for them."""
    driving = dict(plain["driving"])
    media, start = driving["media"], driving["start"]
    available = otio.opentime.TimeRange(
        _typed_time(media["available_range"]["start_time"]), _typed_time(media["available_range"]["duration"])
    )
    driving["media"] = otio.schema.ExternalReference(media["url"], available)
    driving["start"] = _typed_time(start)
    return {**plain, "driving": driving}


def _typed_time(plain: Mapping[str, float]) -> Any:
    return otio.opentime.RationalTime(plain["value"], plain["rate"])


def _plain_time(value: Any) -> dict[str, float]:
    return {"value": value.value, "rate": value.rate}
