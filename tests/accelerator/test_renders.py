"""Whole renders on an accelerator: what comes out is what the CPU gives, sample for sample."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import VideoReader
from dpe_toolkit.testing import pretend_accelerator
from tests.cli.conftest import Dpe, cache, dpe, media  # noqa: F401 - fixtures
from tests.plugins.dpe_portrait.conftest import tiny  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[2]
DPE = ("--generator", "dpe/expression", "--pose", "0.5")
Edit = Callable[..., FrameBatch]


def frames_of(path: Path) -> FrameBatch:
    with VideoReader(path) as reader:
        return reader.read(Span(0, reader.info.num_frames))


def most_apart(first: FrameBatch, second: FrameBatch) -> int:
    pairs = zip(first.planes, second.planes, strict=True)
    return max(int(np.abs(one.astype(int) - other.astype(int)).max()) for one, other in pairs)


@pytest.fixture
def edit(dpe: Dpe, media: Path, tmp_path: Path) -> Edit:  # noqa: F811 - fixtures
    """Edits a photograph's clip by itself, at half its speed, each time from an analysis of its own."""

    def run(*words: object, name: str = "out.mkv") -> FrameBatch:
        out = tmp_path / name
        usual = ("--consent", "none needed", "--retime", "0.5", "--cache-dir", tmp_path / f"{name}.cache", "-q")
        done = dpe("edit", media / "face.mkv", media / "face.mkv", "-o", out, *usual, *words)
        assert done.returncode == 0, done.stderr
        return frames_of(out)

    return run


@pytest.mark.parametrize(
    "words",
    [
        ("--expression", "1.4", "--pose", "0.3", "--mode", "relative"),
        ("--regions", "mouth,brows", "--compositor", "poisson"),
        ("--compositor", "multiband", "--frames", "2:6"),
    ],
    ids=["mesh and feather", "poisson", "multiband"],
)
def test_the_default_method_renders_on_an_accelerator_what_it_renders_on_the_cpu(edit: Edit, words: tuple[str]) -> None:
    wanted = edit(*words, "--device", "cpu")
    with pretend_accelerator(has_float64=False):
        got = edit(*words, name="there.mkv")
    assert most_apart(got, wanted) == 0


@pytest.mark.parametrize("words", [(), ("--compositor", "crop", "--set", "dpe/expression.paste=flow_residual")])
def test_the_dpe_network_edits_on_an_accelerator_what_it_edits_on_the_cpu(
    edit: Edit,
    tiny: Path,  # noqa: F811 - a fixture
    words: tuple[str],
) -> None:
    wanted = edit(*DPE, "--weights", tiny, *words, "--device", "cpu")
    with pretend_accelerator(has_float64=False):
        got = edit(*DPE, "--weights", tiny, *words, name="there.mkv")
    # A CPU samples its features by a quicker way of its own; see `dpe_toolkit.networks.fast_layers`.
    assert most_apart(got, wanted) <= 1


def test_a_portrait_talks_on_an_accelerator(dpe: Dpe, media: Path, tiny: Path, tmp_path: Path) -> None:  # noqa: F811
    still = np.ascontiguousarray(frames_of(media / "face.mkv").planes[0][0])
    cv2.imwrite(str(tmp_path / "portrait.png"), np.repeat(still[:, :, None], 3, axis=2))
    with pretend_accelerator(has_float64=False):
        words = ("--weights", tiny, "--consent", "none needed", "--frames", "0:3")
        done = dpe("animate", tmp_path / "portrait.png", media / "face.mkv", "-o", tmp_path / "talk.mkv", *words)
    assert done.returncode == 0, done.stderr
    assert len(frames_of(tmp_path / "talk.mkv")) == 3


@pytest.fixture
def demo(demo_media: Path, tmp_path: Path) -> Path:
    """A copy of the demonstration's timeline, with its media beside it."""
    (tmp_path / "timelines").mkdir()
    (tmp_path / "demo_output").mkdir()
    (tmp_path / "demo_output" / "media").symlink_to(demo_media, target_is_directory=True)
    copied: str = shutil.copy(ROOT / "timelines" / "demo.otio", tmp_path / "timelines")
    return Path(copied)


def test_a_still_is_the_same_on_an_accelerator(edit: Edit, dpe: Dpe, tmp_path: Path) -> None:  # noqa: F811
    edit("--expression", "1.3", "--device", "cpu", "--frames", "0:1")
    made = tmp_path / "out.mkv.otio"
    words = ("still", made, "--frame", 5, "--cache-dir", tmp_path / "stills")
    assert dpe(*words, "-o", tmp_path / "cpu.png", "--device", "cpu").returncode == 0
    shutil.rmtree(tmp_path / "stills")
    with pretend_accelerator(has_float64=False):
        done = dpe(*words, "-o", tmp_path / "there.png")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "cpu.png")), cv2.imread(str(tmp_path / "there.png")))


@pytest.mark.gpu
def test_a_gpu_renders_the_demonstration_as_the_cpu_does(dpe: Dpe, demo: Path, tmp_path: Path) -> None:  # noqa: F811
    found = {}
    for device in ("cpu", "cuda"):
        out = tmp_path / f"{device}.mkv"
        done = dpe("render", demo, "-o", out, "--device", device, "--cache-dir", tmp_path / device, "--codec", "ffv1")
        assert done.returncode == 0, done.stderr
        found[device] = frames_of(out)
    untouched = json.loads((tmp_path / "cuda.mkv.edits.json").read_text())["shots"][-1]["output_frames"][1]
    for one, other in zip(found["cpu"].planes, found["cuda"].planes, strict=True):
        apart = np.abs(one.astype(int) - other.astype(int))
        # Sums are ordered otherwise there: a sample at an edge may round to the next code value, or the one after.
        assert (apart <= 2).mean() > 0.9999
        assert not apart[untouched:].any()
        assert not apart[:, :8, :8].any()


def test_a_component_goes_on_on_the_cpu_where_an_accelerator_lacks_something_and_it_is_said_once(
    edit: Edit, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = edit("--device", "cpu")
    with caplog.at_level(logging.WARNING), pretend_accelerator(lacks=["grid_sample", "scatter_reduce_"]):
        got = edit(name="there.mkv")
    assert most_apart(got, wanted) == 0
    said = [record.getMessage() for record in caplog.records if "goes on on the CPU" in record.getMessage()]
    assert len(said) == 1
    assert said[0].startswith("generator 'mesh' goes on on the CPU, since ipu cannot run it: The operator 'aten::")


def test_spans_are_halved_where_the_memory_of_an_accelerator_ends(edit: Edit, caplog: pytest.LogCaptureFixture) -> None:
    alone = ("--set", "mesh.hold_pose_deg=0", "--set", "mesh.mouth_from=none", "--set", "mesh.eye_donors=false")
    wanted = edit(*alone, "--device", "cpu")
    with caplog.at_level(logging.INFO), pretend_accelerator(max_tensor_bytes=4_000_000):
        got = edit(*alone, name="there.mkv")
    assert most_apart(got, wanted) == 0
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "ipu has no room for 8 frames at once: 4 are tried" in said
    assert "goes on on the CPU" not in said


def test_a_component_that_needs_more_memory_than_an_accelerator_has_goes_on_on_the_cpu(
    edit: Edit, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = edit("--device", "cpu")
    with caplog.at_level(logging.WARNING), pretend_accelerator(max_tensor_bytes=4_000_000):
        got = edit(name="there.mkv")
    assert most_apart(got, wanted) == 0
    assert "generator 'mesh' goes on on the CPU, since ipu cannot run it: ipu out of memory" in caplog.text


def test_a_frame_that_does_not_fit_an_accelerator_is_named_with_the_way_out(
    dpe: Dpe,  # noqa: F811 - a fixture
    media: Path,  # noqa: F811 - a fixture
    tmp_path: Path,
) -> None:
    with pretend_accelerator(max_tensor_bytes=100_000):
        done = dpe(
            "edit", media / "face.mkv", media / "face.mkv", "-o", tmp_path / "out.mkv", "--consent", "none needed"
        )
    assert done.returncode == 1
    assert "needs more memory than the device has" in done.stderr
    assert "--device cpu" in done.stderr
    assert not (tmp_path / "out.mkv").exists()


def test_a_still_that_does_not_fit_an_accelerator_is_told_in_the_same_words(
    edit: Edit,
    dpe: Dpe,  # noqa: F811 - a fixture
    tmp_path: Path,
) -> None:
    edit("--device", "cpu", "--frames", "0:1")
    with pretend_accelerator(max_tensor_bytes=100_000):
        done = dpe("still", tmp_path / "out.mkv.otio", "--frame", 3, "-o", tmp_path / "still.png")
    assert done.returncode == 1
    assert "needs more memory than the device has" in done.stderr
    assert not (tmp_path / "still.png").exists()
