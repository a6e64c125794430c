from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import dpe_toolkit.plugins
from dpe_research import plugin
from dpe_research.dataset import ClipDraft, ClipMotion, DatasetWriter
from dpe_toolkit.checkpoint import load_network
from dpe_toolkit.plugins import Registry
from tests.research.training.test_loss_networks import PLUGINS

Dpe = Callable[..., subprocess.CompletedProcess[str]]

STAGE = {"steps": 1, "learning_rate": 0.001}
SMALL = (
    *("--set", "network.size=16", "--set", "network.style_dim=20", "--set", "network.max_channels=4"),
    *("--set", "data.batch_size=2", "--set", "parts.weight=0"),
    *("--set", f"stages={json.dumps([{**STAGE, 'compares': 'driven'}, STAGE, STAGE])}"),
    *("--set", "compute.accelerator=cpu", "--set", "logging.tensorboard=false", "--set", "logging.every_steps=1"),
)


@pytest.fixture(autouse=True)
def _judges(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry.of({**PLUGINS, "dpe_research": plugin})
    monkeypatch.setattr(dpe_toolkit.plugins, "load_registry", lambda **allowed: registry)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of two clips of noise, 24 px."""
    folder = tmp_path_factory.mktemp("faces") / "set"
    chance = np.random.default_rng(0)
    with DatasetWriter(folder, "video", 24) as writer:
        for name, split in (("a", "train"), ("b", "test")):
            count = 5
            motion = ClipMotion(
                mesh_px=chance.random((count, 6, 3), np.float32) * 24,
                pose_deg=np.zeros((count, 3), np.float32),
                place=np.full((count, 3), 0.5, np.float32),
                blendshapes=chance.random((count, 4), np.float32),
                score=np.ones(count, np.float32),
            )
            draft = ClipDraft(
                id=name, identity=name, split=split, rate="25", source="x.mkv", box_px=(0.0, 0.0, 24.0, 24.0)
            )
            writer.add(draft, list(chance.integers(0, 255, (count, 24, 24, 3), np.uint8)), motion)
    return folder


def test_a_training_ends_with_weights_that_load(dpe: Dpe, faces: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = dpe("train", "--config", "tiny", "--data", faces, "-o", run, *SMALL)
    assert done.returncode == 0, done.stderr
    assert "step 3 of 3" in done.stderr
    assert "branch 'pose' moves" in done.stderr
    assert "weights.safetensors" in done.stderr
    network, header = load_network(run / "weights.safetensors")
    assert network.params.size == 16
    assert header.training_digest is not None
    shown = dpe("weights", "show", run / "weights.safetensors")
    assert header.training_digest in shown.stdout
    again = dpe("train", "--config", "tiny", "--data", faces, "-o", run, *SMALL)
    assert again.returncode == 2
    assert "--resume" in again.stderr
    longer = dpe("train", "-o", run, "--resume", "--set", "stages.1.steps=2")
    assert longer.returncode == 0, longer.stderr
    assert "going on after step 3" in longer.stderr
    assert "step 4 of 4" in longer.stderr


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (("--set", "data.batchsize=2"), "Did you mean 'data.batch_size'", 2),
        (("--config", "tinny"), "Did you mean 'tiny'", 2),
        ((), "Name it with --data", 2),
        (("--data", "nowhere"), "holds no dataset", 1),
    ],
)
def test_what_cannot_be_trained_is_said_before_any_work(
    dpe: Dpe, tmp_path: Path, words: tuple[str, ...], message: str, code: int
) -> None:
    done = dpe("train", "-o", tmp_path / "run", *words)
    assert done.returncode == code
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "run").exists()


def test_pictures_smaller_than_the_networks_are_refused(dpe: Dpe, faces: Path, tmp_path: Path) -> None:
    done = dpe("train", "--data", faces, "-o", tmp_path / "run")
    assert done.returncode == 2
    assert "24 px wide, the network's 256 px" in " ".join(done.stderr.split())
