"""What changes inside a shot, from moments of the source to rows: keys and mattes.

Their values were checked when the effect was read, and are not checked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Protocol

from dpe_toolkit.editing.keyframes import Key, PolygonKey, polygon_at, value_at
from dpe_toolkit.editing.settings import MatteEdge
from dpe_toolkit.planning.driving import EditedShot, seconds_in
from dpe_toolkit.planning.media import MediaLibrary, media_origin_s
from dpe_toolkit.planning.problems import ProblemList
from dpe_toolkit.plans.edit import MattePlan
from dpe_toolkit.timeline import EffectSpec, MediaMoment
from dpe_toolkit.timeline.keyed import MatteSpec

__all__ = ["build_keys", "build_mattes"]


class _Timed(Protocol):
    @property
    def time(self) -> MediaMoment: ...


def build_keys(spec: EffectSpec, shot: EditedShot, problems: ProblemList) -> dict[str, tuple[Key, ...]]:
    """The keys of an edit, by rows of its shot."""
    found: dict[str, tuple[Key, ...]] = {}
    for name, specs in spec.keys.items():
        rows = _rows(specs, shot, f"keys of {name!r}", problems)
        if rows is None:
            continue
        pairs = zip(rows, specs, strict=True)
        keys = [Key.model_construct(row=row, value=one.value, interpolation=one.interpolation) for row, one in pairs]
        keys.sort(key=lambda key: key.row)
        if _is_frozen(shot):
            keys = [Key.model_construct(row=Fraction(0), value=value_at(keys, 0))]
        found[name] = tuple(keys)
    return found


def build_mattes(
    spec: EffectSpec, shot: EditedShot, library: MediaLibrary, problems: ProblemList
) -> tuple[MattePlan, ...]:
    """The mattes of an edit, those left out that cannot be used."""
    made = [_matte(one, shot, library, problems) for one in spec.mattes]
    return tuple(matte for matte in made if matte is not None)


def _matte(spec: MatteSpec, shot: EditedShot, library: MediaLibrary, problems: ProblemList) -> MattePlan | None:
    if spec.polygon is not None:
        keys = [PolygonKey.model_construct(row=Fraction(0), points=spec.polygon)]
        return MattePlan.model_construct(polygons=tuple(keys), **_edge(spec))
    if spec.polygons is not None:
        rows = _rows(spec.polygons, shot, "polygons of a matte", problems)
        if rows is None:
            return None
        pairs = zip(rows, spec.polygons, strict=True)
        keys = [
            PolygonKey.model_construct(row=row, points=one.points, interpolation=one.interpolation)
            for row, one in pairs
        ]
        keys.sort(key=lambda key: key.row)
        if _is_frozen(shot):
            keys = [PolygonKey.model_construct(row=Fraction(0), points=polygon_at(keys, 0))]
        return MattePlan.model_construct(polygons=tuple(keys), **_edge(spec))
    return _film(spec, shot, library, problems)


def _edge(spec: MatteSpec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in MatteEdge.model_fields}


def _film(spec: MatteSpec, shot: EditedShot, library: MediaLibrary, problems: ProblemList) -> MattePlan | None:
    assert spec.media is not None
    where = f"matte of {shot.where}"
    known = library.get(spec.media.url, where)
    if known is None:
        return None
    part = spec.media.source_range
    stated_s = spec.media.available_range.start_s if spec.media.available_range is not None else None
    first_s = part.start_s if part is not None else None
    moment_s = spec.start.seconds if spec.start is not None and spec.start.seconds is not None else first_s
    origin_s = media_origin_s(stated_s, moment_s, known.plan)
    begin_s: Fraction | None = Fraction(0) if first_s is None else first_s - origin_s
    if spec.start is not None:
        begin_s = seconds_in(spec.start, known, origin_s, where=where, problems=problems)
    if begin_s is None:
        return None
    rate, row_s = known.plan.rate, 1 / shot.take.row_rate
    if shot.take.held_rate is not None:
        row_s *= shot.clip_speed
    start = (begin_s + shot.row_s) * rate
    return MattePlan.model_construct(media=known.plan, start=start, step=rate * row_s, **_edge(spec))


def _rows(keys: Sequence[_Timed], shot: EditedShot, what: str, problems: ProblemList) -> list[Fraction] | None:
    """The row of each key, None with a problem where the moments cannot be used."""
    clip, rows = shot.clip, []
    stated_s = clip.media.available.start_s if clip.media.available is not None else None
    for key in keys:
        first_s = clip.range.start_s if clip.range is not None else key.time.seconds
        origin_s = media_origin_s(stated_s, first_s, shot.source.plan)
        seconds = seconds_in(key.time, shot.source, origin_s, where=f"{what} of {shot.where}", problems=problems)
        if seconds is None:
            return None
        rows.append(_row_at(seconds, shot))
    if len(set(rows)) < len(rows):
        problems.refuse(shot.where, f"two of the {what} are at one time", "one for a time", "remove one of them")
        return None
    return rows


def _row_at(seconds: Fraction, shot: EditedShot) -> Fraction:
    """The row of a moment of the source, counted from the media's first frame."""
    if shot.take.held_rate is None:
        return seconds * shot.source.plan.rate - shot.source_span.start
    passed_s = seconds - shot.in_s - shot.skip_s
    return passed_s if _is_frozen(shot) else passed_s / shot.clip_speed * shot.take.held_rate


def _is_frozen(shot: EditedShot) -> bool:
    """The source's time stands still in the shot, although its rows go on: rows are then counted from that time."""
    return shot.take.held_rate is not None and shot.clip_speed == 0
