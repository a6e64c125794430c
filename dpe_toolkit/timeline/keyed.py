"""Keys and mattes of the effect ``dpe.expression``, as its metadata stores them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from dpe_toolkit.editing.checking import known_names
from dpe_toolkit.editing.keyframes import Interpolation, Point
from dpe_toolkit.editing.settings import Amount, MatteEdge, Settings
from dpe_toolkit.face.regions import REGIONS
from dpe_toolkit.timeline.moments import DrivingMedia, Moment, read_media

__all__ = ["KEYED", "KeySpec", "Keys", "MatteSpec", "PolygonKeySpec"]

KEYED = ("expression", "pose", *REGIONS)
"""What may be keyed: both amounts, and the weight of each region."""
Points = Annotated[tuple[Point, ...], Field(min_length=3, max_length=1000)]


def _listed(*names: str) -> BeforeValidator:
    """Reads ``[time, value, interpolation]`` as the fields so named; the last may be left out."""

    def read(value: object) -> object:
        if isinstance(value, Sequence) and not isinstance(value, str | bytes):
            if not len(names) - 1 <= len(value) <= len(names):
                raise ValueError(f"it has {len(value)} parts; expected {', '.join(names)}")
            return dict(zip(names, value, strict=False))
        return value

    return BeforeValidator(read)


class KeySpec(Settings):
    """A value at a moment of the source."""

    time: Moment
    value: Amount
    interpolation: Interpolation = "linear"


class PolygonKeySpec(Settings):
    """A polygon at a moment of the source."""

    time: Moment
    points: Points
    interpolation: Interpolation = "linear"


Key = Annotated[KeySpec, _listed("time", "value", "interpolation")]
PolygonKey = Annotated[PolygonKeySpec, _listed("time", "points", "interpolation")]
Keys = Annotated[
    dict[str, Annotated[tuple[Key, ...], Field(min_length=1, max_length=100_000)]], known_names("keyed value", KEYED)
]


class MatteSpec(MatteEdge):
    """Where in the picture an edit may show. Of several mattes each takes its share away."""

    polygon: Points | None = None
    """Points x, y as shares of the picture's width and height."""
    polygons: Annotated[tuple[PolygonKey, ...], Field(min_length=1, max_length=100_000)] | None = None
    """A polygon that moves: its keys have equally many points."""
    media: Annotated[DrivingMedia, BeforeValidator(read_media)] | None = None
    """A film whose luma is the matte: white lets the edit show, black keeps the source."""
    start: Moment | None = None
    """Time of that film at the clip's first frame; None means its start."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        given = [name for name in ("polygon", "polygons", "media") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a matte has one of polygon, polygons and media, this has {', '.join(given) or 'none'}")
        counts = {len(key.points) for key in self.polygons or ()}
        if len(counts) > 1:
            raise ValueError(f"its polygons have {', '.join(map(str, sorted(counts)))} points, not equally many")
        return self
