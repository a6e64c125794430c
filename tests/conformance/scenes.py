"""Timelines over numbered clips, rendered, and what their pixels say."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio

from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.settings import EditSettings
from dpe_toolkit.media import VideoReader
from dpe_toolkit.planning import build_plan
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plugins import Registry
from dpe_toolkit.rendering import render_plan
from dpe_toolkit.testing import NumberedClip, make_numbered_clip, read_burn_ins
from tests.analysis import fakes
from tests.planning.conftest import FakePlugin

Shown = list[dict[int, int]]
"""For each output frame: lane to number."""


def time(value: float, rate: float = 25.0) -> Any:
    return otio.opentime.RationalTime(value, rate)


def stretch(start: float, length: float, rate: float = 25.0) -> Any:
    return otio.opentime.TimeRange(time(start, rate), time(length, rate))


def clip(media: str | Path, start: float | None = None, length: float = 0, *effects: Any, rate: float = 25.0) -> Any:
    held = None if start is None else stretch(start, length, rate)
    made = otio.schema.Clip(Path(media).stem, otio.schema.ExternalReference(str(media)), held)
    made.effects.extend(effects)
    return made


def speed(scalar: float) -> Any:
    return otio.schema.FreezeFrame() if scalar == 0 else otio.schema.LinearTimeWarp(time_scalar=scalar)


def gap(length: float, rate: float = 25.0) -> Any:
    return otio.schema.Gap(source_range=stretch(0, length, rate))


def dissolve(before: float, behind: float, rate: float = 25.0) -> Any:
    return otio.schema.Transition("cross", "SMPTE_Dissolve", time(before, rate), time(behind, rate))


def track(*items: Any, name: str = "V1", kind: str = "Video") -> Any:
    made = otio.schema.Track(name, kind=kind)
    made.extend(items)
    return made


def stack(*items: Any, held: Any = None, effects: tuple[Any, ...] = ()) -> Any:
    made = otio.schema.Stack("nested", source_range=held)
    made.extend(items)
    made.effects.extend(effects)
    return made


@dataclass
class Stage:
    """A folder of numbered clips, and renders of timelines over them."""

    folder: Path
    registry: Registry = field(default_factory=lambda: Registry.of({"fake": FakePlugin()}, version="1"))

    def media(self, name: str, **facts: Any) -> str:
        path = self.folder / name
        if not path.exists():
            make_numbered_clip(path, NumberedClip(**facts))
        return name

    def plan(self, *tracks: Any, start: Any = None, **options: Any) -> RenderPlan:
        timeline = otio.schema.Timeline("cut", global_start_time=start)
        timeline.tracks.extend(tracks)
        path = self.folder / "cut.otio"
        path.write_text(timeline.to_json_string())
        options["edit_overrides"] = EditSettings(**options.pop("edit_overrides", {}))
        return build_plan(path, registry=self.registry, **options)

    def render(self, plan: RenderPlan, name: str = "out.mkv", registry: Any = None) -> FrameBatch:
        assert [str(problem) for problem in plan.errors] == []
        output = self.folder / name
        output.unlink(missing_ok=True)
        parts = registry or fakes.Registry()
        render_plan(plan, output, registry=parts, device="cpu", cache_dir=self.folder / "cache")
        with VideoReader(output) as reader:
            return reader.read(Span(0, reader.info.num_frames))

    def shown(self, *tracks: Any, **options: Any) -> Shown:
        """The numbers in the pixels of each output frame, which must be what the plan promises."""
        plan = self.plan(*tracks, **options)
        frames = numbers(self.render(plan))
        assert len(frames) == plan.num_frames
        return frames


def numbers(frames: FrameBatch) -> Shown:
    depth = frames.layout.depth
    read = (read_burn_ins(luma, depth=depth) for luma in frames.planes[0])
    return [{lane: one.number for lane, one in lanes.items()} for lanes in read]


def shares(frames: FrameBatch, lane: int) -> list[float]:
    read = (read_burn_ins(luma) for luma in frames.planes[0])
    return [lanes[lane].share if lane in lanes else 0.0 for lanes in read]


def lane(number: int, frames: Any) -> Shown:
    """Expected: these frames of the clip in one lane, nothing else."""
    return [{number: int(frame)} for frame in frames]


def black(count: int) -> Shown:
    return [{} for _ in range(count)]


NTSC, FILM = Fraction(30000, 1001), Fraction(24000, 1001)


def expected_at(count: int, media: Fraction, output: Fraction, first: int = 0) -> list[int]:
    """By another way than the toolkit's: the last media frame that has begun when the output frame does."""
    begins = [Fraction(index) / media for index in range(4 * count + 8)]
    return [first + sum(begin <= n / output for begin in begins) - 1 for n in range(count)]
