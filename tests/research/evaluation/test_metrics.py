from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.signal import correlate2d
from skimage.metrics import peak_signal_noise_ratio

from dpe_research.evaluation.metrics import (
    Lpips,
    MetricInfo,
    Psnr,
    Ssim,
    average,
    blendshape_distance,
    expression_distance,
    identity_similarity,
    load_lpips,
    pose_error_deg,
)
from dpe_research.evaluation.metrics.backbones import Backbone, channels_of
from dpe_research.evaluation.movement import distances
from dpe_toolkit.core.errors import CheckpointError
from tests.research.evaluation.fakes import FakeRegressor

TORCHVISION_ALEX = {
    0: (64, 3, 11, 11),
    3: (192, 64, 5, 5),
    6: (384, 192, 3, 3),
    8: (256, 384, 3, 3),
    10: (256, 256, 3, 3),
}
TORCHVISION_VGG = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)


def noise(seed: int, count: int = 2, size: int = 24) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def reading(**changed: torch.Tensor):
    plain = FakeRegressor().read(noise(0))
    return type(plain)(**{name: changed.get(name, getattr(plain, name)) for name in plain.__dataclass_fields__})


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 0.5))
def test_psnr_is_that_of_scikit_image(seed: int, size: float) -> None:
    first = noise(seed)
    second = (first + size * (noise(seed + 1) - 0.5)).clamp(0, 1)
    expected = [
        peak_signal_noise_ratio(a.double().numpy(), b.double().numpy(), data_range=1)
        for a, b in zip(first, second, strict=True)
    ]
    assert Psnr().compare(second, first).tolist() == pytest.approx(expected, abs=1e-6)


def test_psnr_has_its_known_values() -> None:
    black = torch.zeros(1, 3, 4, 4)
    assert Psnr().compare(black, black).tolist() == [math.inf]
    assert Psnr().compare(black, black + 0.1).item() == pytest.approx(20, abs=1e-5)
    assert Psnr().higher_is_better


def test_ssim_is_what_its_formula_gives() -> None:
    first, second = noise(3, 1)[0].double().numpy(), noise(4, 1)[0].double().numpy()

    def blur(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, 1.5, truncate=3.5)

    c1, c2, border = 0.01**2, 0.03**2, 5
    values = []
    for a, b in zip(first, second, strict=True):
        mean_a, mean_b = blur(a), blur(b)
        var_a, var_b, both = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2, blur(a * b) - mean_a * mean_b
        top = (2 * mean_a * mean_b + c1) * (2 * both + c2)
        index = top / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
        values.append(index[border:-border, border:-border].mean())
    found = Ssim().compare(torch.from_numpy(first)[None], torch.from_numpy(second)[None]).item()
    assert found == pytest.approx(np.mean(values), abs=1e-9)


def test_ssim_of_a_picture_with_itself_is_one_and_small_pictures_are_refused() -> None:
    assert Ssim().compare(noise(1), noise(1)).tolist() == pytest.approx([1, 1])
    with pytest.raises(ValueError, match="at least 11 px"):
        Ssim().compare(noise(1, size=8), noise(1, size=8))


def test_backbones_have_torchvisions_names_and_shapes() -> None:
    alex = {f"features.{place}.weight": shape for place, shape in TORCHVISION_ALEX.items()}
    assert {k: tuple(v.shape) for k, v in Backbone("alex").state_dict().items() if k.endswith("weight")} == alex
    vgg = [int(key.split(".")[1]) for key in Backbone("vgg").state_dict() if key.endswith("weight")]
    assert tuple(vgg) == TORCHVISION_VGG
    assert channels_of("alex") == (64, 192, 384, 256, 256)
    assert channels_of("vgg") == (64, 128, 256, 512, 512)


def lpips_files(folder: Path, name: str = "alex") -> tuple[Path, Path]:
    generator = torch.Generator().manual_seed(7)
    features = {key: 0.05 * torch.randn(v.shape, generator=generator) for key, v in Backbone(name).state_dict().items()}
    linear = {
        f"lin{n}.model.1.weight": torch.rand(1, c, 1, 1, generator=generator) for n, c in enumerate(channels_of(name))
    }
    torch.save(features | {"classifier.1.weight": torch.zeros(2, 2)}, folder / "features.pth")
    torch.save(linear, folder / "linear.pth")
    return folder / "features.pth", folder / "linear.pth"


def convolved(picture: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int, padding: int) -> np.ndarray:
    padded = np.pad(picture, ((0, 0), (padding, padding), (padding, padding)))
    sums = [sum(correlate2d(p, w, "valid") for p, w in zip(padded, kernel, strict=True)) for kernel in weight]
    return np.maximum(np.stack(sums)[:, ::stride, ::stride] + bias[:, None, None], 0)


def test_lpips_is_what_numpy_makes_of_its_first_layer(tmp_path: Path) -> None:
    network = load_lpips(*lpips_files(tmp_path))
    weights = torch.load(tmp_path / "features.pth", weights_only=True)
    linear = torch.load(tmp_path / "linear.pth", weights_only=True)["lin0.model.1.weight"].numpy()[0, :, 0, 0]
    kernel, bias = weights["features.0.weight"].double().numpy(), weights["features.0.bias"].double().numpy()
    pictures = noise(5, size=32)
    shift, scale = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])
    maps = []
    for picture in pictures.double().numpy():
        normal = (picture * 2 - 1 - shift[:, None, None]) / scale[:, None, None]
        features = convolved(normal, kernel, bias, 4, 2)
        maps.append(features / (np.sqrt((features**2).sum(0, keepdims=True)) + 1e-10))
    expected = (((maps[0] - maps[1]) ** 2) * linear[:, None, None]).sum(0).mean()
    with torch.no_grad():
        for weight in network.linear[1:]:
            weight.zero_()
    assert network.compare(pictures[:1], pictures[1:]).item() == pytest.approx(expected, rel=1e-4)


def test_every_layer_of_lpips_counts_by_its_weights(tmp_path: Path) -> None:
    network, pictures = load_lpips(*lpips_files(tmp_path, "vgg"), name="vgg"), noise(6, size=32)
    whole = network.compare(pictures[:1], pictures[1:]).item()
    parts = []
    for layer in range(5):
        single = load_lpips(*lpips_files(tmp_path, "vgg"), name="vgg")
        with torch.no_grad():
            for number, weight in enumerate(single.linear):
                weight.mul_(float(number == layer))
        parts.append(single.compare(pictures[:1], pictures[1:]).item())
    assert min(parts) > 0
    assert whole == pytest.approx(sum(parts), rel=1e-5)
    assert network.compare(pictures, pictures).tolist() == [0, 0]
    assert not network.higher_is_better


def test_lpips_refuses_what_is_not_its_weights(tmp_path: Path) -> None:
    features, linear = lpips_files(tmp_path)
    with pytest.raises(CheckpointError, match=r"no weights of its own.*--lpips-backbone"):
        load_lpips(None, linear)
    with pytest.raises(CheckpointError, match=r"cannot be read.*correct --lpips-linear"):
        load_lpips(features, tmp_path / "none.pth")
    with pytest.raises(CheckpointError, match="of another network"):
        load_lpips(features, linear, name="vgg")
    torch.save(["no", "mapping"], tmp_path / "list.pth")
    with pytest.raises(CheckpointError, match="something else than named tensors"):
        load_lpips(tmp_path / "list.pth", linear)
    with pytest.raises(ValueError, match="at least 32 px"):
        Lpips().compare(noise(1), noise(1))


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("hostile-was-run"),))


def test_lpips_runs_nothing_that_a_file_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"features.0.weight": Hostile()}, tmp_path / "hostile.pth")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_lpips(tmp_path / "hostile.pth", None)
    assert not (tmp_path / "hostile-was-run").exists()


@given(st.floats(0.0, math.pi), st.floats(0.1, 9))
def test_csim_is_the_cosine_of_the_angle(angle: float, length: float) -> None:
    first = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    second = length * torch.tensor([[math.cos(angle), math.sin(angle)]], dtype=torch.float64)
    assert identity_similarity(first, second).item() == pytest.approx(math.cos(angle), abs=1e-9)


def test_distances_of_readings_have_their_known_values() -> None:
    zero = torch.zeros
    plain = reading(
        place=torch.full((1, 3), 0.5),
        expression=zero(1, 2),
        pose_deg=zero(1, 3),
        shape=zero(1, 2, 3),
        blendshapes=zero(1, 4),
    )
    other = reading(
        expression=torch.tensor([[3.0, 4.0]]),
        pose_deg=torch.tensor([[3.0, -4.0, 0.0]]),
        place=torch.tensor([[0.53, 0.54, 0.9]]),
        shape=torch.tensor([[[0.3, 0.4, 0.0], [0.0, 0.0, 0.1]]]),
        blendshapes=torch.tensor([[0.4, 0.0, 0.0, 0.4]]),
    )
    apart = distances(other, plain)
    assert apart["code"].item() == pytest.approx(12.5**0.5)
    assert expression_distance(other, plain).item() == pytest.approx(3.5)
    assert apart["shape"].item() == pytest.approx((5 + 1) / 2)
    assert apart["shift"].item() == pytest.approx(100 * 0.05)
    assert apart["pose"].item() == pytest.approx(5, abs=0.01)
    assert blendshape_distance(other, plain).item() == pytest.approx(0.2)
    assert pose_error_deg(other, plain).item() == pytest.approx(7 / 3)


def test_angles_are_compared_the_short_way_round() -> None:
    first, second = (reading(pose_deg=torch.tensor([[0.0, 0.0, angle]])) for angle in (179.0, -179.0))
    assert distances(first, second)["pose"].item() == pytest.approx(2, abs=1e-4)
    assert pose_error_deg(first, second).item() == pytest.approx(2 / 3, abs=1e-4)


def test_a_mean_counts_frames_without_error_and_leaves_out_what_was_not_measured() -> None:
    nan, inf = math.nan, math.inf
    assert average(np.array([30.0, nan, 50.0]), empty="none").value == 40
    assert average(np.array([30.0, inf]), empty="none").value == 65
    assert average(np.array([inf, inf]), empty="none").value == inf
    cell = average(np.array([nan]), empty="nobody looked")
    assert (cell.value, cell.count, cell.why) == (None, 0, "nobody looked")
    assert MetricInfo(key="a", label="A").higher_is_better is None
