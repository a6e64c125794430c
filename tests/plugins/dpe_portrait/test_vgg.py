from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from dpe_portrait import plugin
from dpe_portrait.options import VggOptions
from dpe_portrait.vgg import Vgg19, load_vgg, open_vgg
from dpe_toolkit.api import CheckpointError, ComponentContext
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plugins import Registry

CPU = torch.device("cpu")
CONVOLUTIONS = {
    0: (3, 64),
    2: (64, 64),
    5: (64, 128),
    7: (128, 128),
    10: (128, 256),
    12: (256, 256),
    14: (256, 256),
    16: (256, 256),
    19: (256, 512),
    21: (512, 512),
    23: (512, 512),
    25: (512, 512),
    28: (512, 512),
}
"""Of torchvision's model, by number in its ``features``."""


def published_state() -> dict[str, Tensor]:
    """A state of the published layout: convolutions that go on after relu5_1, and a classifier, cut short."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for number, (before, after) in CONVOLUTIONS.items():
        state[f"features.{number}.weight"] = (
            torch.randn(after, before, 3, 3, generator=generator) * (2 / before / 9) ** 0.5
        )
        state[f"features.{number}.bias"] = torch.full((after,), 0.01)
    return state | {"features.30.weight": torch.zeros(1), "classifier.6.bias": torch.zeros(1000)}


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return published_state()


@pytest.fixture(scope="module")
def file(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vgg") / "vgg19.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def network(file: Path) -> Vgg19:
    return load_vgg(file)


def test_the_registry_makes_the_features_from_a_file(file: Path) -> None:
    registry = Registry.of({"dpe_portrait": plugin})
    choice = ComponentChoice(kind="features", name="vgg19", plugin="dpe_portrait", version="0", weights=file)
    made = registry.create(choice, ComponentContext(CPU, file))
    assert isinstance(made, Vgg19)
    assert not any(parameter.requires_grad for parameter in made.parameters())


def test_maps_are_those_of_the_layers_in_the_published_order(network: Vgg19, state: dict[str, Tensor]) -> None:
    picture = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    maps = network.features(picture)
    value = (picture - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[
        :, None, None
    ]
    expected = []
    for number in CONVOLUTIONS:
        if number in (5, 10, 19, 28):
            value = nn.functional.max_pool2d(value, 2)
        value = nn.functional.conv2d(
            value, state[f"features.{number}.weight"], state[f"features.{number}.bias"], padding=1
        ).relu()
        if number in (0, 5, 10, 19, 28):
            expected.append(value)
    assert [tuple(one.shape[1:]) for one in maps] == [
        (64, 32, 32),
        (128, 16, 16),
        (256, 8, 8),
        (512, 4, 4),
        (512, 2, 2),
    ]
    for one, other in zip(maps, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_gradients_reach_the_pixels_from_every_map(network: Vgg19) -> None:
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(2)).requires_grad_()
    for one in network.features(picture):
        (gradient,) = torch.autograd.grad(one.sum(), picture, retain_graph=True)
        assert torch.isfinite(gradient).all()
        assert gradient.abs().max() > 0


def test_pictures_that_would_shrink_to_nothing_are_refused(network: Vgg19) -> None:
    with pytest.raises(ValueError, match="pictures are 15 px wide, expected at least 16"):
        network.features(torch.zeros(1, 3, 15, 15))
    with pytest.raises(ValueError, match=r"pictures has shape \(1, 1, 32, 32\), expected \(N, 3, S, S\)"):
        network.features(torch.zeros(1, 1, 32, 32))


def test_weights_of_another_network_are_refused(state: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"features.0.weight": state["features.0.weight"], "features.1.weight": torch.ones(64)}, path)
    with pytest.raises(
        CheckpointError, match=r"no tensor 'features\.0\.bias' .*begin with 'features\.0\.weight'.*'face_mesh'"
    ):
        load_vgg(path)
    torch.save(state | {"features.2.weight": torch.zeros(64, 64, 1, 1)}, path)
    with pytest.raises(CheckpointError, match=r"'features\.2\.weight' has shape \(64, 64, 1, 1\), not"):
        load_vgg(path)


class _Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


def test_a_file_that_could_run_code_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "hostile.pth"
    torch.save({"features.0.weight": _Hostile()}, path)
    with pytest.raises(CheckpointError, match="it was refused, since loading it could run code"):
        load_vgg(path)
    assert capsys.readouterr().out == ""


def test_without_weights_the_folder_and_the_substitute_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(CheckpointError, match=r"no weights of VGG-19.*checkpoints holds no vgg19-\*\.pth.*'face_mesh'"):
        open_vgg(VggOptions(), ComponentContext(CPU))


def test_the_copy_in_the_cache_is_taken_if_it_is_whole(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    content = file.read_bytes()
    mark = hashlib.sha256(content).hexdigest()[:8]
    copy = folder / f"vgg19-{mark}.pth"
    copy.write_bytes(content)
    assert isinstance(open_vgg(VggOptions(), ComponentContext(CPU)), Vgg19)
    copy.write_bytes(content[:-10])
    with pytest.raises(CheckpointError, match=rf"its digest is \w+\. One that begins with '{mark}'.*get it again"):
        open_vgg(VggOptions(), ComponentContext(CPU))


def test_a_path_among_the_options_is_taken(tmp_path: Path) -> None:
    missing = tmp_path / "none.pth"
    with pytest.raises(CheckpointError, match=r"none\.pth'.*it cannot be opened"):
        open_vgg(VggOptions(weights=str(missing)), ComponentContext(CPU))
