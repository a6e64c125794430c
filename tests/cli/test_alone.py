"""A frame is the same whether it is rendered alone, in a part, or in the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import VideoReader
from dpe_toolkit.planning import build_plan
from dpe_toolkit.plugins import load_registry
from dpe_toolkit.rendering import render_frame
from tests.cli.conftest import NUM_FRAMES, Dpe
from tests.cli.test_conform import clip, save


@pytest.fixture
def linked(dpe: Dpe, media: Path, tmp_path: Path) -> Path:
    held = save(tmp_path / "plain.otio", clip("face", (media / "face.mkv").as_uri(), 0, NUM_FRAMES))
    words = ("--clip", "face", "--driver", media / "face.mkv", "--start", "3", "--consent", "given")
    assert dpe("link", held, *words, "-o", tmp_path / "cut.otio").returncode == 0
    return tmp_path / "cut.otio"


def planes_of(path: Path) -> tuple[np.ndarray, ...]:
    with VideoReader(path) as reader:
        return reader.read(Span(0, reader.info.num_frames)).planes


def expect_same(planes: tuple[np.ndarray, ...], others: tuple[np.ndarray, ...]) -> None:
    """Equal but for a few values that stood half way between two codes."""
    for plane, other in zip(planes, others, strict=True):
        apart = np.abs(plane.astype(int) - other)
        assert apart.max() <= 1
        assert np.count_nonzero(apart) <= 1e-4 * apart.size


def test_frames_alone_and_in_parts_are_those_of_the_whole(
    dpe: Dpe, linked: Path, media: Path, cache: Path, tmp_path: Path
) -> None:
    assert dpe("render", linked, "-o", tmp_path / "whole.mkv", "-q").returncode == 0
    whole = planes_of(tmp_path / "whole.mkv")
    assert np.count_nonzero(whole[0] != planes_of(media / "face.mkv")[0]) > 0.02 * whole[0].size
    assert dpe("render", linked, "--frames", "1:4", "-o", tmp_path / "part.mkv", "-q").returncode == 0
    expect_same(planes_of(tmp_path / "part.mkv"), tuple(plane[1:4] for plane in whole))
    registry = load_registry()
    plan = build_plan(linked, registry=registry)
    for frame in range(0, NUM_FRAMES, 3):
        alone = render_frame(plan, frame, registry=registry, cache_dir=cache).result.planes
        expect_same(alone, tuple(plane[frame : frame + 1] for plane in whole))
