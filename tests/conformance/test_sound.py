"""Sound tracks of a written timeline, through planning and render, heard sample by sample."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
import pytest

from dpe_toolkit.media import OutputSettings, sound_streams
from dpe_toolkit.media.sound.samples import read_samples
from dpe_toolkit.planning import build_plan
from dpe_toolkit.plugins import Registry
from dpe_toolkit.rendering import render_plan
from dpe_toolkit.testing.claps import CLAP_RATE_HZ, click_samples, flash_frames, write_claps
from tests.analysis.fakes import Registry as Squares

RATE = 30000 / 1001
EXACT = Fraction(30000, 1001)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``claps.mov``, a clap every 12 frames, and ``music.wav``, a low tone in stereo."""
    folder = tmp_path_factory.mktemp("timeline")
    write_claps(folder / "claps.mov", 150, rate=EXACT, every=12)
    tone = (np.sin(np.arange(CLAP_RATE_HZ * 5) * 0.02) * 800).astype(np.int16)
    with wave.open(str(folder / "music.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(CLAP_RATE_HZ)
        file.writeframes(np.stack([tone, tone], axis=1).tobytes())
    return folder


def clip(name: str, start: float, length: float, speed: float | None = None) -> Any:
    time = otio.opentime.RationalTime
    held = otio.opentime.TimeRange(time(start, RATE), time(length, RATE))
    made = otio.schema.Clip(name, otio.schema.ExternalReference(name), held)
    if speed is not None:
        made.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed))
    return made


def dissolve(frames: float) -> Any:
    half = otio.opentime.RationalTime(frames / 2, RATE)
    return otio.schema.Transition("x", otio.schema.TransitionTypes.SMPTE_Dissolve, half, half)


def cut() -> list[Any]:
    """A plain clip, one at double speed, and a dissolve between two."""
    return [
        clip("claps.mov", 5, 30),
        clip("claps.mov", 36, 24, 2.0),
        clip("claps.mov", 62, 30),
        dissolve(8),
        clip("claps.mov", 102, 30),
    ]


def render(folder: Path, output: Path, *, music: bool, **settings: object) -> int:
    """Number of frames of the output."""
    timeline = otio.schema.Timeline("cut")
    tracks = [("V1", "Video", cut()), ("A1", "Audio", cut())]
    if music:
        tracks.append(("music", "Audio", [clip("music.wav", 0, 60)]))
    for name, kind, items in tracks:
        track = otio.schema.Track(name, kind=kind)
        track.extend(items)
        timeline.tracks.append(track)
    path = folder / f"{output.stem}.otio"
    path.write_text(timeline.to_json_string())
    plan = build_plan(path, registry=Registry.of({}, version="0"))
    assert plan.problems == ()
    chosen = OutputSettings.model_validate({"codec": "prores", **settings})
    render_plan(plan, output, registry=Squares(), device="cpu", settings=chosen, cache_dir=output.parent / "cache")
    return plan.num_frames


def test_sound_tracks_follow_speeds_and_dissolves_to_the_sample(folder: Path, tmp_path: Path) -> None:
    num_frames = render(folder, tmp_path / "out.mov", music=False)
    flashes = flash_frames(tmp_path / "out.mov")
    clicks = click_samples(tmp_path / "out.mov", round(num_frames / EXACT * CLAP_RATE_HZ))
    exact = [frame / EXACT * CLAP_RATE_HZ for frame in flashes]
    assert len(flashes) >= 8
    assert all(min(abs(click - at) for click in clicks) <= 1 for at in exact)
    assert num_frames == 30 + 24 + 30 + 30


def test_tracks_are_mixed_or_kept_apart_with_their_names(folder: Path, tmp_path: Path) -> None:
    render(folder, tmp_path / "mixed.mov", music=True)
    render(folder, tmp_path / "apart.mov", music=True, audio_tracks="separate")
    (mixed,) = sound_streams(tmp_path / "mixed.mov")
    assert mixed.layout == "stereo"
    ask = {"start_s": Fraction(0), "num_samples": CLAP_RATE_HZ, "rate": CLAP_RATE_HZ, "layout": "stereo"}
    heard = np.concatenate(list(read_samples(tmp_path / "mixed.mov", 0, **ask)), axis=1)  # type: ignore[arg-type] # keywords
    tone = np.sin(np.arange(CLAP_RATE_HZ) * 0.02) * 800 / 32768
    assert np.median(np.abs(heard - tone)) < 1e-4
    assert heard.max() > 0.3
    one, two = sound_streams(tmp_path / "apart.mov")
    assert (one.layout, two.layout) == ("mono", "stereo")
    with av.open(str(tmp_path / "apart.mov")) as container:
        names = [stream.metadata["handler_name"] for stream in container.streams.audio]
    assert names == ["A1", "music"]
