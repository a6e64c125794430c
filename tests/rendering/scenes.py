"""Plans over clips of squares, written losslessly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import count
from pathlib import Path

from dpe_toolkit.core.framemap import FrameMap
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import OutputSettings, VideoReader, VideoWriter, media_plan
from dpe_toolkit.plans.edit import EditPlan
from dpe_toolkit.plans.images import Dissolve, Gap, Over
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.shot import ShotPlan
from dpe_toolkit.plans.take import Take
from tests.analysis.fakes import CHOICES, COLOR, LAYOUT, Square, draw

Scene = Callable[[int], Sequence[Square]]
SOURCE_MOOD = 100


def still_face(frame: int) -> list[Square]:
    return [Square(30, 20, mood=SOURCE_MOOD)]


def acting_face(frame: int) -> list[Square]:
    return [Square(40, 24, mood=20 + 3 * frame)]


def write_clip(
    path: Path, scene: Scene, num_frames: int = 40, rate: int = 25, *, sample_aspect: Fraction = Fraction(1)
) -> MediaPlan:
    size = (96, 64)
    with VideoWriter(
        path,
        OutputSettings(codec="ffv1"),
        width=size[0],
        height=size[1],
        rate=Fraction(rate),
        layout=LAYOUT,
        color=COLOR,
        sample_aspect=sample_aspect,
    ) as writer:
        writer.write(draw(scene, num_frames, size))
    return media_plan(path)


def edit(driver: MediaPlan, **changes: object) -> EditPlan:
    return EditPlan.model_validate(
        {"id": "e1", "driver": driver, "components": CHOICES, "fade_frames": 3, "consent": "given"} | changes
    )


_ids = count(1)


def take(
    source: MediaPlan,
    num_frames: int = 40,
    *,
    name: str = "shot",
    source_start: int = 0,
    time: FrameMap | None = None,
    edit: EditPlan | None = None,
) -> Take:
    line = time or FrameMap(start=Fraction(source_start))
    return Take(id=f"take{next(_ids)}", name=name, source=source, num_frames=num_frames, time=line, edit=edit)


def shot(
    source: MediaPlan | None,
    num_frames: int = 40,
    *,
    name: str = "shot",
    source_start: int = 0,
    time: FrameMap | None = None,
    edit: EditPlan | None = None,
) -> ShotPlan:
    """All of a take, or nothing, from output frame 0."""
    if source is not None:
        return ShotPlan.of(take(source, num_frames, name=name, source_start=source_start, time=time, edit=edit))
    return ShotPlan(name=name, record_start=0, num_frames=num_frames, image=Gap())


def dissolved(one: ShotPlan, other: ShotPlan, start: Fraction, step: Fraction) -> ShotPlan:
    return one.showing(Dissolve(first=one.image, second=other.image, start=start, step=step))


def laid_over(top: ShotPlan, below: ShotPlan) -> ShotPlan:
    return top.showing(Over(top=top.image, below=below.image))


def plan(*shots: ShotPlan, **changes: object) -> RenderPlan:
    placed, start = [], 0
    for one in shots:
        placed.append(one.model_copy(update={"record_start": start}))
        start += one.num_frames
    plain: dict[str, object] = {
        "toolkit_version": "0",
        "timeline": "test",
        "rate": 25,
        "width": 96,
        "height": 64,
        "shots": tuple(placed),
    }
    return RenderPlan.model_validate(plain | changes)


def frames_of(path: Path) -> FrameBatch:
    with VideoReader(path) as reader:
        return reader.read(Span(0, reader.info.num_frames))
