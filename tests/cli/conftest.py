from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from skimage import data
from typer.testing import CliRunner

from dpe_toolkit.cli import app
from dpe_toolkit.media import OutputSettings, VideoWriter
from dpe_toolkit.testing import LAYOUTS, REC709, ClipSpec, batch_from_rgb, make_clip
from dpe_toolkit.testing.demo import push_in

Dpe = Callable[..., subprocess.CompletedProcess[str]]

NUM_FRAMES = 10


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``face.mkv``, ten frames of a real face, and ``room.mkv``, in which there is none."""
    folder = tmp_path_factory.mktemp("media")
    photograph = np.ascontiguousarray(data.astronaut())
    views = np.stack([push_in(photograph, 60 + 3 * frame)[40:280, 140:460] for frame in range(NUM_FRAMES)])
    batch = batch_from_rgb(views)
    with VideoWriter(
        folder / "face.mkv",
        OutputSettings(),
        width=320,
        height=240,
        rate=batch.rate,
        layout=LAYOUTS["yuv420p"],
        color=REC709,
        audio=(),
        metadata={},
        start_frame=0,
    ) as writer:
        writer.write(batch)
    make_clip(folder / "room.mkv", ClipSpec(num_frames=NUM_FRAMES, faces=lambda frame: (), numbered=False))
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache folder for all tests of a worker, so that each face is found once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def dpe(cache: Path) -> Dpe:
    """Runs the program in this process, which is quick."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        environment = {"DPE_CACHE_DIR": str(cache), "COLUMNS": "200"}
        result = CliRunner().invoke(app, [*map(str, words)], env=environment)
        return subprocess.CompletedProcess(words, result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def dpe_process(cache: Path) -> Dpe:
    """Runs the program as a person does, in a process of its own."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from dpe_toolkit.cli import main; main()", *map(str, words)]
        environment = {"PATH": "", "DPE_CACHE_DIR": str(cache), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    return run
