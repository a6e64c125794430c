"""Whole renders through the program, on a real face."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import VideoReader
from tests.cli.conftest import Dpe, cache, dpe, media  # noqa: F401 - fixtures

Render = Callable[..., FrameBatch]


def frames_of(path: Path) -> FrameBatch:
    with VideoReader(path) as reader:
        return reader.read(Span(0, reader.info.num_frames))


@pytest.fixture
def render(dpe: Dpe, media: Path, tmp_path: Path) -> Render:  # noqa: F811 - fixtures
    """Edits the photograph's clip by itself, backwards in time, and gives the frames that come out."""

    def run(*words: object) -> FrameBatch:
        out = tmp_path / "out.mkv"
        chosen = ("--generator", "dpe/expression", "--consent", "none needed", "--retime", "0.5", *words)
        done = dpe("edit", media / "face.mkv", media / "face.mkv", "-o", out, *chosen)
        assert done.returncode == 0, done.stderr
        return frames_of(out)

    return run


def same(first: FrameBatch, second: FrameBatch) -> bool:
    return all(np.array_equal(*planes) for planes in zip(first.planes, second.planes, strict=True))


def test_an_expression_of_nothing_is_the_source_bit_for_bit(render: Render, media: Path, tiny: Path) -> None:  # noqa: F811
    assert same(render("--weights", tiny, "--expression", 0), frames_of(media / "face.mkv"))


@pytest.mark.parametrize("paste", ["plain", "residual", "flow", "flow_residual"])
def test_an_edit_changes_the_face_and_nothing_else(render: Render, media: Path, tiny: Path, paste: str) -> None:  # noqa: F811
    before, after = frames_of(media / "face.mkv"), render("--weights", tiny, "--set", f"dpe/expression.paste={paste}")
    changed = before.planes[0] != after.planes[0]
    assert changed[2:].any()
    assert not changed[:, :10, :10].any()


def test_expression_and_pose_together_render_in_half_precision(render: Render, media: Path, tiny: Path) -> None:  # noqa: F811
    words = ("--pose", 1, "--set", "dpe.dtype=bf16", "--compositor", "crop", "--mode", "relative")
    assert not same(render("--weights", tiny, *words), frames_of(media / "face.mkv"))


def test_a_frame_alone_is_that_of_the_whole_within_a_code_value(render: Render, tiny: Path) -> None:
    whole = render("--weights", tiny)
    alone = render("--weights", tiny, "--frames", "4:5")
    for plane, other in zip(whole.planes, alone.planes, strict=True):
        apart = np.abs(plane[4:5].astype(int) - other)
        assert apart.max() <= 1
        assert np.count_nonzero(apart) <= 1e-3 * apart.size


@pytest.mark.slow
def test_random_weights_render_at_the_released_size(render: Render, media: Path) -> None:  # noqa: F811
    assert not same(
        render("--set", "dpe.weights=random", "--set", "dpe.dtype=bf16", "--frames", "4:6"),
        frames_of(media / "face.mkv"),
    )
