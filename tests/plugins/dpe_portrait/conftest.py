from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dpe_portrait.model import DpeModel, open_model
from dpe_portrait.options import ModelOptions
from dpe_toolkit.api import ComponentContext, FaceBatch, FaceTrack, Placement
from dpe_toolkit.checkpoint import WeightsHeader, save_weights
from dpe_toolkit.networks import DpeNetwork, NetworkParams

TINY = NetworkParams(size=32, style_dim=16, motion_dim=4, max_channels=8)
CPU = torch.device("cpu")


def write_tiny(path: Path, seed: int = 0, **header: object) -> Path:
    torch.manual_seed(seed)
    network = DpeNetwork(TINY)
    save_weights(path, network.state_dict(), WeightsHeader.of(TINY, licence="CC0-1.0", **header))  # type: ignore[arg-type]
    return path


def faces_of(pixels: torch.Tensor, focus: np.ndarray | None = None) -> FaceBatch:  # type: ignore[type-arg]
    count, _, height, width = pixels.shape
    to_frame = np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1))
    placement = Placement(to_frame, (width, height), np.ones(count, np.bool_), focus)
    points = torch.zeros(count, 3, 3)
    return FaceBatch(pixels, placement, points, torch.zeros(count, 0), np.arange(count))


def track_of(present: list[bool], blendshapes: np.ndarray | None = None) -> FaceTrack:  # type: ignore[type-arg]
    count = len(present)
    return FaceTrack(
        np.arange(5, 5 + count),
        np.zeros((count, 4), np.float32),
        np.zeros((count, 0, 3), np.float32),
        np.ones(count, np.float32),
        np.array(present),
        np.zeros((count, 0), np.float32) if blendshapes is None else blendshapes.astype(np.float32),
    )


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a network of 32 px."""
    return write_tiny(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(scope="session")
def model(tiny: Path) -> DpeModel:
    return open_model(ModelOptions(), ComponentContext(CPU, tiny))


@pytest.fixture
def windows() -> torch.Tensor:
    """Two pictures with detail, as native windows of one size."""
    generator = torch.Generator().manual_seed(4)
    coarse = torch.rand(3, 3, 6, 6, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(48, 48), mode="bicubic").clamp(0, 1)
