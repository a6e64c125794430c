from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from pydantic import Field

from dpe_toolkit.api import CodeSpace, Component, PluginOptions, RenderPlan, hookimpl
from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import ColorInfo, PixelLayout
from dpe_toolkit.editing.options import OptionValue
from dpe_toolkit.editing.settings import EditSettings
from dpe_toolkit.planning import build_plan
from dpe_toolkit.plugins import Registry

SPACE = CodeSpace("space/1", 4, 2)
UNTAGGED = ColorInfo()
YUV420 = PixelLayout("yuv420p", "yuv", 8, (1, 1))


@dataclass(frozen=True)
class Info:
    """What the fake probe says of a file."""

    width: int = 64
    height: int = 48
    num_frames: int = 100
    rate: Fraction = Fraction(25)
    start_frame: int = 0
    layout: PixelLayout = YUV420
    color: ColorInfo = UNTAGGED
    audio_streams: int = 1
    sample_aspect: Fraction = Fraction(1)
    rotation_deg: int = 0
    interlaced: bool = False
    variable_rate: bool = False


class MotionOptions(PluginOptions):
    smooth: float = Field(default=0.5, ge=0, le=1, description="Smoothing.")


class FeatherOptions(PluginOptions):
    feather_px: int = Field(default=8, ge=0, le=64, description="Feather.")
    match: bool = Field(default=True, description="Colour match.")


def component(
    kind: str, name: str, options: type[PluginOptions] = PluginOptions, space: Any = None, **more: Any
) -> Component[Any]:
    return Component(
        kind=kind,  # type: ignore[arg-type] # parametrised
        name=name,
        summary="",
        create=lambda options, context: None,
        options=options,
        space=space,
        fingerprint=f"print of {name}",
        **{"default": name in ("face_mesh", "mesh", "feather"), **more},
    )


class FakePlugin:
    @hookimpl
    def dpe_register_detectors(self) -> Iterable[Component[Any]]:
        return [component("detector", "face_mesh")]

    @hookimpl
    def dpe_register_encoders(self) -> Iterable[Component[Any]]:
        return [component("encoder", "mesh", space=SPACE)]

    @hookimpl
    def dpe_register_motion_extractors(self) -> Iterable[Component[Any]]:
        return [component("motion", "mesh", MotionOptions, SPACE)]

    @hookimpl
    def dpe_register_generators(self) -> Iterable[Component[Any]]:
        other = CodeSpace("space/2", 4, 2)
        return [component("generator", "mesh", space=SPACE), component("generator", "learned", space=other)]

    @hookimpl
    def dpe_register_compositors(self) -> Iterable[Component[Any]]:
        return [component("compositor", "feather", FeatherOptions), component("compositor", "poisson")]


def time(value: float, rate: float = 25.0) -> Any:
    return otio.opentime.RationalTime(value, rate)


def stretch(start: float, length: float, rate: float = 25.0) -> Any:
    return otio.opentime.TimeRange(time(start, rate), time(length, rate))


@dataclass
class Scene:
    """A folder with media that only the fake probe knows, and timelines over them."""

    folder: Path
    infos: dict[str, Info] = field(default_factory=dict)
    registry: Registry = field(default_factory=lambda: Registry.of({"fake": FakePlugin()}, version="1"))

    def media(self, name: str, **facts: Any) -> str:
        (self.folder / name).write_bytes(name.encode())
        self.infos[name] = replace(Info(), **facts)
        return name

    def clip(
        self, media: str | None, start: float = 0, length: float | None = 20, *, name: str = "", rate: float = 25.0
    ) -> Any:
        reference = otio.schema.ExternalReference(media) if media else otio.schema.MissingReference()
        held = None if length is None else stretch(start, length, rate)
        return otio.schema.Clip(name or Path(media or "lost").stem, reference, held)

    def effect(self, driver: str | None = "driver.mov", start: float | None = None, **fields: Any) -> Any:
        driving: dict[str, Any] = fields.pop("driving", {})
        if driver:
            driving["media"] = otio.schema.ExternalReference(driver)
        if start is not None:
            driving["start"] = time(start)
        metadata = {"schema": 1, "id": "e1", "consent": "signed", **({"driving": driving} if driving else {}), **fields}
        return otio.schema.Effect(effect_name="dpe.expression", metadata={"dpe": metadata})

    def edited(self, media: str, first: float = 0, length: float = 20, **fields: Any) -> Any:
        clip = self.clip(media, first, length)
        clip.effects.append(self.effect(**fields))
        return clip

    def track(self, *items: Any, name: str = "V1", kind: str = "Video") -> Any:
        track = otio.schema.Track(name, kind=kind)
        track.extend(items)
        return track

    def gap(self, length: float, rate: float = 25.0) -> Any:
        return otio.schema.Gap(source_range=stretch(0, length, rate))

    def write(self, *tracks: Any, name: str = "cut", start: Any = None) -> Path:
        timeline = otio.schema.Timeline(name, global_start_time=start)
        timeline.tracks.extend(tracks)
        path = self.folder / f"{name}.otio"
        path.write_text(timeline.to_json_string())
        return path

    def sidecar(self, *shots: dict[str, Any], name: str = "cut") -> None:
        content = {"schema": 1, "timeline": name, "shots": list(shots)}
        (self.folder / f"{name}.dpe.json").write_text(json.dumps(content))

    def probe(self, path: Path) -> Info:
        if path.name not in self.infos:
            raise MediaError("it is no video", "a video", "convert it", path=path)
        return self.infos[path.name]

    def plan(self, *tracks: Any, **options: Any) -> RenderPlan:
        path = options.pop("path", None) or self.write(*tracks)
        options["edit_overrides"] = EditSettings(**options.pop("edit_overrides", {}))
        options["overrides"] = [OptionValue(*name, value) for name, value in options.pop("overrides", {}).items()]
        return build_plan(
            path,
            registry=options.pop("registry", self.registry),
            probe=self.probe,
            digest=lambda path: f"sha256:{path.name}",
            **options,
        )


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path)
    made.media("a.mov")
    made.media("b.mov")
    made.media("driver.mov", num_frames=200)
    return made
