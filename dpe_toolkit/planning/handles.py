"""Edited shots one by one: each clip's own frames, and what its media have beyond the cut, as a plan of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from dpe_toolkit.core.framemap import FrameMap
from dpe_toolkit.core.timing import Span
from dpe_toolkit.planning.media import media_origin_s
from dpe_toolkit.plans.edit import EditPlan, MattePlan
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.plans.shot import ShotPlan
from dpe_toolkit.plans.take import Take
from dpe_toolkit.timeline import Clip, EditedMedia, effect_fields, media_url

__all__ = ["ShotFile", "edited_media", "plan_shot_files"]

_STATED = ("project", "effect", "command line")
"""Origins of what somebody asked for."""


@dataclass(frozen=True, slots=True)
class ShotFile:
    """One edited clip, ready to be rendered into a file of its own."""

    name: str
    ids: tuple[str, ...]
    """Ids of its edits, in the order of its media."""
    clip_index: int
    """As `Take.clip_index`."""
    source: MediaPlan
    shown: Span
    """Media frames from the lowest to the highest that the timeline shows, dissolves included."""
    frames: Span
    """Media frames of the file: those shown, with handles."""
    plan: RenderPlan
    """At the source's own rate and size, each of `frames` once, in order."""

    @property
    def lead(self) -> int:
        """Frames before the first one shown."""
        return self.shown.start - self.frames.start

    @property
    def tail(self) -> int:
        """Frames behind the last one shown."""
        return self.frames.stop - self.shown.stop


def plan_shot_files(plan: RenderPlan, handles: int) -> tuple[list[ShotFile], list[Problem]]:
    """The edited clips of a plan as files of their own, and warnings of those that cannot be.

    Speed, rate and dissolves stay the timeline's: a file holds the media's own frames. The edit runs on into
    the handles as the timeline would run it, with its driver held where that has no frames.

    Args:
        plan: a plan without errors.
        handles: frames wanted before and behind each shot; as many are taken as the media have.
    """
    clips: dict[int, list[Take]] = {}
    for take in plan.takes:
        clips.setdefault(-1 if take.clip_index is None else take.clip_index, []).append(take)
    files: list[ShotFile] = []
    problems: list[Problem] = []
    for place, takes in clips.items():
        if not any(take.edit is not None and not take.edit.changes_nothing for take in takes):
            continue
        reason = _hindrance(takes)
        if reason:
            action = "render it with the whole timeline; its edit stays in the new timeline"
            problems.append(
                Problem(
                    severity="warning",
                    where=f"shot {takes[0].name!r}",
                    wrong=f"{reason}; it is left out",
                    action=action,
                )
            )
        else:
            files.append(_file(plan, place, sorted(takes, key=lambda take: take.source_span), handles))
    return files, problems


def edited_media(file: ShotFile, path: Path, clip: Clip) -> EditedMedia:
    """A shot's file as the media of its clip.

    Args:
        file: what was rendered.
        path: where to.
        clip: the clip of `ShotFile.clip_index`.
    """
    stated_s = None if clip.media.available is None else clip.media.available.start_s
    origin_s = media_origin_s(stated_s, None if clip.range is None else clip.range.start_s, file.source)
    return EditedMedia(
        clip_index=file.clip_index,
        path=path,
        start_s=origin_s + file.frames.start / file.source.rate,
        num_frames=len(file.frames),
        rate=file.source.rate,
        lead=file.lead,
        tail=file.tail,
        ids=file.ids,
        stated=_stated(file, path),
    )


def _stated(file: ShotFile, path: Path) -> dict[str, object]:
    """The edit of a shot that only a driver track describes, as an effect says it."""
    shot = next(shot for shot in file.plan.shots if shot.edit is not None)
    edit = shot.edit
    assert edit is not None
    driver = edit.driver
    lead_s = (file.shown.start - shot.source_start) / file.source.rate * edit.retime
    position = driver.start_frame + (edit.driver_start_s + lead_s) * driver.rate
    driving = {
        "media": {"url": media_url(driver.path, path.absolute().parent)},
        "start": {"value": float(position), "rate": float(driver.rate)},
        "retime": float(edit.retime),
        "when_short": edit.when_short,
    }
    return {**effect_fields(edit), "driving": driving, **_stated_components(edit)}


def _stated_components(edit: EditPlan) -> dict[str, object]:
    """The components that somebody named and the options that somebody gave, as an effect says them."""
    named = {kind for kind in (*edit.components, *edit.chains) if edit.origins.get(f"components.{kind}") in _STATED}
    components: dict[str, object] = {kind: one.name for kind, one in edit.components.items() if kind in named}
    components |= {kind: [one.name for one in chain] for kind, chain in edit.chains.items() if kind in named}
    options: dict[str, dict[str, object]] = {}
    for choice in edit.choices:
        # Weights by their place here: a name or path may mean another file where the new timeline lies.
        values = choice.options | {option: str(path) for option, path in choice.all_weights.items()}
        given = {option: values[option] for option, origin in choice.origins.items() if origin in _STATED}
        if given:
            options.setdefault(choice.name, {}).update(given)
    return ({"components": components} if components else {}) | ({"options": options} if options else {})


def _hindrance(takes: Sequence[Take]) -> str:
    """Why frames of the media cannot hold the edit; empty where they can."""
    if any(take.held_rate is not None for take in takes):
        return "its driver moves on over one held frame, which no frames of its media can show"
    spans = sorted(take.source_span for take in takes)
    edited = [take.source_span for take in takes if take.edit is not None]
    if any(one != other and len(one.intersect(other)) for one in edited for other in spans):
        return "the same frames of its media are driven in several ways"
    if len(set(edited)) < len(edited):
        return "the same frames of its media are driven in several ways"
    return ""


def _file(plan: RenderPlan, place: int, takes: Sequence[Take], handles: int) -> ShotFile:
    source = takes[0].source
    shown = Span(takes[0].source_span.start, max(take.source_span.stop for take in takes))
    frames = Span(max(0, shown.start - handles), min(source.num_frames, shown.stop + handles))
    edited = [take for take in takes if take.edit is not None]
    shots = tuple(_shots(edited, source, shown, frames, place))
    update = {
        "rate": source.rate,
        "width": source.width,
        "height": source.height,
        "start_frame": source.start_frame + frames.start,
        "gaps": "black",
        "sound": None,
        "part_of": (),
        "problems": (),
        "shots": shots,
    }
    ids = tuple(dict.fromkeys(take.edit.id for take in edited if take.edit is not None))
    return ShotFile(takes[0].name, ids, place, source, shown, frames, plan.model_copy(update=update))


def _shots(edited: Sequence[Take], source: MediaPlan, shown: Span, frames: Span, place: int) -> Iterator[ShotPlan]:
    """Edited takes in the order of their media, what lies between them unedited."""
    position = frames.start

    def shot(like: Take, span: Span, take_id: str, edit: EditPlan | None = None) -> ShotPlan:
        take = Take(
            id=take_id,
            name=like.name,
            source=source,
            num_frames=len(span),
            time=FrameMap(start=Fraction(span.start)),
            edit=edit,
            clip_index=place,
        )
        return ShotPlan.of(take, span.start - frames.start)

    for take in edited:
        own = take.source_span
        span = Span(
            frames.start if own.start == shown.start else own.start, frames.stop if own.stop == shown.stop else own.stop
        )
        if span.start > position:
            yield shot(take, Span(position, span.start), f"{take.id}-before")
        assert take.edit is not None
        yield shot(take, span, take.id, _moved(take.edit, own.start - span.start, source.rate))
        position = span.stop
    if position < frames.stop:
        yield shot(edited[-1], Span(position, frames.stop), f"{edited[-1].id}-behind")


def _moved(edit: EditPlan, lead: int, rate: Fraction) -> EditPlan:
    """The edit of a shot that begins ``lead`` media frames earlier."""
    update: Mapping[str, object] = {
        "driver_start_s": edit.driver_start_s - lead / rate * edit.retime,
        # What the timeline shows is covered, or planning had refused it: only handles can lack a driver.
        "when_short": "hold" if edit.when_short == "error" else edit.when_short,
        "keys": {
            name: tuple(key.model_copy(update={"row": key.row + lead}) for key in keys)
            for name, keys in edit.keys.items()
        },
        "mattes": tuple(_moved_matte(matte, lead) for matte in edit.mattes),
    }
    return edit.model_copy(update=update)


def _moved_matte(matte: MattePlan, lead: int) -> MattePlan:
    polygons = tuple(key.model_copy(update={"row": key.row + lead}) for key in matte.polygons)
    return matte.model_copy(update={"polygons": polygons, "start": matte.start - lead * matte.step})
