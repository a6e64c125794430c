"""The render plan: what a timeline asks for, with every name resolved and every range an integer.

Models only. `dpe_toolkit.planning` builds them, `dpe_toolkit.rendering` obeys them; both see nothing else
of each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import computed_field, model_validator

from dpe_toolkit.core.framemap import ExactFraction
from dpe_toolkit.core.timing import Span
from dpe_toolkit.plans.images import leaves_of
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.problems import Frozen, Problem
from dpe_toolkit.plans.shot import ShotPlan
from dpe_toolkit.plans.soundtrack import SoundTrack
from dpe_toolkit.plans.take import Take

__all__ = ["PLAN_SCHEMA", "Fit", "Gaps", "RenderPlan", "ShotPlan", "SourceUse"]

PLAN_SCHEMA = 2
Fit = Literal["fit", "fill", "none"]
Gaps = Literal["black", "transparent"]


class SourceUse(Frozen):
    """A source of a plan, for what an output takes from it."""

    media: MediaPlan
    alone: bool
    """Somewhere it is shown without others, so that its transparency is the output's."""


class RenderPlan(Frozen):
    """A whole timeline, ready to render.

    Shots hold their takes. In a file each take stands once, under ``takes``, and shots name it by its id.
    """

    schema_version: int = PLAN_SCHEMA
    toolkit_version: str
    timeline: str
    """Name of the timeline."""
    timeline_path: Path | None = None
    rate: ExactFraction
    width: int
    height: int
    start_frame: int = 0
    """Frame number of the output's start timecode."""
    fit: Fit = "fit"
    """How an image of another size comes into the frame: ``fit`` shows all of it with bars, ``fill`` fills the frame
    and cuts off what stands out, ``none`` leaves its pixels as they are, in the middle."""
    gaps: Gaps = "black"
    """What is seen where nothing is: ``black``, or ``transparent`` in an output that can be."""
    shots: tuple[ShotPlan, ...]
    """In output order, without holes."""
    sound: tuple[SoundTrack, ...] | None = None
    """The timeline's sound tracks, in seconds from frame 0; None where it has none, which means the images' own
    sound."""
    part_of: tuple[SourceUse, ...] = ()
    """Of a part by `trim`: the sources of the whole, from which its output takes pixel format and tags. Empty for a
    plan that takes them from its own."""
    problems: tuple[Problem, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _find_takes(cls, data: object) -> object:
        if not isinstance(data, Mapping) or "takes" not in data:
            return data
        takes: dict[str, Take] = {}
        for one in data["takes"]:
            take = Take.model_validate(one)
            if take.id in takes:
                raise ValueError(f"two takes have the id {take.id!r}")
            takes[take.id] = take
        rest = {name: value for name, value in data.items() if name != "takes"}
        return rest | {"shots": _with_takes(data.get("shots"), takes)}

    @model_validator(mode="after")
    def _agree(self) -> Self:
        found: dict[str, Take] = {}
        for shot in self.shots:
            for show in leaves_of(shot.image):
                take = found.setdefault(show.take.id, show.take)
                if take is not show.take and take != show.take:
                    raise ValueError(f"two takes have the id {take.id!r}")
                if show.start + shot.num_frames > take.num_frames:
                    raise ValueError(
                        f"shot {shot.name!r} shows frames {show.start} to {show.start + shot.num_frames - 1} of a take "
                        f"of {take.num_frames}"
                    )
        return self

    @computed_field  # type: ignore[prop-decorator] # what pydantic asks for
    @property
    def takes(self) -> tuple[Take, ...]:
        """Every take that is shown, once, in the order in which they are first seen."""
        shows = (show for shot in self.shots for show in leaves_of(shot.image))
        return tuple({show.take.id: show.take for show in shows}.values())

    @property
    def source_uses(self) -> tuple[SourceUse, ...]:
        """The sources that decide how the output is stored, once each, in the order in which they are first seen."""
        if self.part_of:
            return self.part_of
        alone = {shot.source.path for shot in self.shots if shot.is_plain and shot.source is not None}
        media: dict[Path, MediaPlan] = {}
        for take in self.takes:
            media.setdefault(take.source.path, take.source)
        return tuple(SourceUse(media=one, alone=path in alone) for path, one in media.items())

    @property
    def num_frames(self) -> int:
        """Output frames."""
        return max((shot.record.stop for shot in self.shots), default=0) - min(
            (shot.record_start for shot in self.shots), default=0
        )

    def leaves(self) -> Iterator[ShotPlan]:
        """Every part of a take that is shown, as a shot of its own, in output order."""
        for shot in self.shots:
            yield from shot.leaves()

    def media(self) -> Iterator[MediaPlan]:
        """Every source, driver and matte, some of them perhaps several times."""
        for take in self.takes:
            yield take.source
            if take.edit is not None:
                yield take.edit.driver
                yield from (matte.media for matte in take.edit.mattes if matte.media is not None)

    def files(self) -> Iterator[Path]:
        """Every file and folder that is read to make and to render it, some of them perhaps several times."""
        if self.timeline_path is not None:
            yield self.timeline_path
        yield from (media.path for media in self.media())
        yield from (part.path for track in self.sound or () for part in track.parts)
        for edit in (take.edit for take in self.takes if take.edit is not None):
            yield from (Path(face.reference) for face in (edit.source_face, edit.driver_face) if face.reference)
            yield from (path for choice in edit.choices for path in choice.all_weights.values())

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that forbid rendering."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def digest(self) -> str:
        """``sha256:`` of the plan without its problems; equal plans render equal images."""
        text = self.model_dump_json(exclude={"problems"})
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def trim(self, span: Span) -> RenderPlan:
        """The plan of these output frames alone.

        Its takes stay whole and its output is stored as that of the whole, so that its frames come out as they do here.
        """
        shots = tuple(shot.trim(span) for shot in self.shots if len(shot.record.intersect(span)))
        return self.model_copy(update={"shots": shots, "part_of": self.source_uses})


def _with_takes(node: object, takes: Mapping[str, Take]) -> object:
    """What was read of shots, with takes in the place of their ids."""
    if isinstance(node, list | tuple):
        return [_with_takes(one, takes) for one in node]
    if not isinstance(node, Mapping):
        return node
    if node.get("kind") != "show" or not isinstance(node.get("take"), str):
        return {name: _with_takes(value, takes) for name, value in node.items()}
    if node["take"] not in takes:
        raise ValueError(f"the take {node['take']!r} is shown, and is not among the plan's takes")
    return {**node, "take": takes[node["take"]]}
