from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_face_mesh import plugin
from dpe_face_mesh.bundle import MESH_PX, load_network
from dpe_face_mesh.detector import mesh_in_image
from dpe_face_mesh.options import RegressorOptions
from dpe_face_mesh.regressor import BLENDSHAPE_SPREADS, MeshRegressor
from dpe_face_mesh.torch_port.regions import Region
from dpe_toolkit.api import ComponentContext, FaceReading, full_rgb
from dpe_toolkit.api.face import BLENDSHAPE_NAMES, canonical_shapes, fit_pose
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plugins import Registry
from tests.plugins.face_mesh.scenes import astronaut, detector, source_clip

CPU = torch.device("cpu")
angles = st.tuples(*[st.floats(-0.9, 0.9)] * 3)


@lru_cache(maxsize=1)
def regressor() -> MeshRegressor:
    return MeshRegressor(RegressorOptions(), CPU)


@lru_cache(maxsize=1)
def portrait() -> torch.Tensor:
    """(1, 3, 256, 256) the photographed face."""
    crop = np.ascontiguousarray(astronaut()[0:256, 98:354])
    return (torch.from_numpy(crop).permute(2, 0, 1)[None] / 255).float()


@lru_cache(maxsize=1)
def seen() -> FaceReading:
    with torch.no_grad():
        return regressor().read(portrait())


def near() -> torch.Tensor:
    return seen().points_px


def test_the_registry_makes_the_regressor_with_its_options() -> None:
    registry = Registry.of({"face_mesh": plugin})
    choice = ComponentChoice(
        kind="regressor", name="mesh", options={"shape_weight": 0}, plugin="face_mesh", version="0"
    )
    made = registry.create(choice, ComponentContext(CPU))
    assert isinstance(made, MeshRegressor)
    with torch.no_grad():
        found = made.read(portrait(), near()).expression
    assert found.shape == (1, made.expression_size)
    assert not found[:, len(BLENDSHAPE_SPREADS) :].any()
    assert found[:, : len(BLENDSHAPE_SPREADS)].any()


@torch.no_grad()
def test_the_mesh_is_that_of_the_detectors_network_in_the_same_region() -> None:
    found = regressor().read(portrait(), near())
    expected = mesh_in_image(portrait()[0], near()[0].numpy(), load_network("face_landmarks_detector"))
    # That one reads its pixels with coordinates rounded to a 32nd of a pixel.
    np.testing.assert_allclose(found.points_px[0], expected, atol=0.15)
    pose = fit_pose(found.points_px.numpy())
    np.testing.assert_allclose(found.shape, canonical_shapes(found.points_px.numpy(), pose), atol=1e-3)
    np.testing.assert_allclose(found.place[:, :2] * 256, pose[:, 4:6], atol=1e-2)


@torch.no_grad()
def test_the_face_is_found_where_nobody_says_where_it_is() -> None:
    frames = source_clip().frames
    expected = detector().detect(frames.take(slice(0, 1)), None)[0]
    width, height = frames.size_px
    side = min(width, height)
    whole = torch.from_numpy(np.ascontiguousarray(full_rgb(frames, 0)[:side, :side])).float() / 255
    found = regressor().read(whole.permute(2, 0, 1)[None])
    assert float(found.score[0]) > 0.9
    assert np.abs(found.points_px[0].numpy() - expected.landmarks_px[0])[:, :2].mean() < 1
    np.testing.assert_allclose(found.blendshapes[0], expected.blendshapes[0], atol=0.1)


@torch.no_grad()
def test_no_face_is_a_low_score_and_no_error() -> None:
    found = regressor().read(torch.full((2, 3, 96, 96), 0.5))
    assert float(found.score.max()) < 0.5
    assert all(torch.isfinite(getattr(found, name)).all() for name in FaceReading.__slots__)


@torch.no_grad()
@pytest.mark.parametrize("side", [128, 384, 600])
def test_readings_hardly_depend_on_the_pictures_size(side: int) -> None:
    scaled = F.interpolate(portrait(), (side, side), mode="bilinear", align_corners=False, antialias=True)
    found = regressor().read(scaled, near() * side / 256)
    torch.testing.assert_close(found.place, seen().place, atol=0.01, rtol=0)
    torch.testing.assert_close(found.pose_deg, seen().pose_deg, atol=2.5, rtol=0)
    torch.testing.assert_close(found.points_px * 256 / side, seen().points_px, atol=3, rtol=0)


@torch.no_grad()
def test_a_picture_turned_clockwise_rolls_the_head_and_no_more() -> None:
    x, y, z = near().unbind(dim=2)
    found = regressor().read(torch.rot90(portrait(), -1, (2, 3)), torch.stack((256 - y, x, z), dim=2))
    change = (found.pose_deg - regressor().read(portrait(), near()).pose_deg)[0]
    assert float(change[2]) == pytest.approx(90, abs=0.5)
    assert change[:2].abs().max() < 0.5


@torch.no_grad()
def test_a_mirrored_picture_turns_and_rolls_the_other_way() -> None:
    found = regressor().read(portrait().flip(3))
    expected = seen().pose_deg * torch.tensor([-1.0, 1.0, -1.0])
    torch.testing.assert_close(found.pose_deg, expected, atol=3, rtol=0)
    smile = [BLENDSHAPE_NAMES.index(f"mouthSmile{side}") for side in ("Left", "Right")]
    torch.testing.assert_close(found.blendshapes[:, smile], seen().blendshapes[:, smile[::-1]], atol=0.15, rtol=0)


@given(st.floats(20, 200), st.floats(20, 200), st.floats(30, 400), st.floats(-3, 3))
@settings(deadline=None, max_examples=30)
def test_cutting_reads_the_pixels_that_the_map_names(x: float, y: float, size: float, angle: float) -> None:
    ramp = (torch.arange(220) + 0.5).expand(220, 220)
    image = torch.stack((ramp, ramp.T, torch.zeros_like(ramp)))[None]
    region = Region(torch.tensor([[x, y]]), torch.tensor([size]), torch.tensor([angle]))
    centres = torch.stack(torch.meshgrid(torch.arange(MESH_PX), torch.arange(MESH_PX), indexing="xy"), dim=-1) + 0.5
    expected = region.to_image(F.pad(centres.reshape(1, -1, 2), (0, 1)))[0, :, :2].reshape(MESH_PX, MESH_PX, 2)
    cut = region.cut(image)[0, :2].permute(1, 2, 0)
    inside = (expected > 1).all(dim=2) & (expected < 219).all(dim=2)
    torch.testing.assert_close(cut[inside], expected[inside], atol=0.02, rtol=0)


def test_large_faces_are_averaged_down() -> None:
    stripes = (torch.arange(1200) % 2).float().expand(1, 3, 1200, 1200)
    region = Region(torch.tensor([[600.0, 600.0]]), torch.tensor([1100.0]), torch.zeros(1))
    assert region.cut(stripes).std() < 0.02


@pytest.mark.parametrize("field", ["expression", "pose_deg", "place", "shape", "points_px", "blendshapes", "score"])
def test_gradients_flow_from_every_field_to_the_pixels(field: str) -> None:
    image = portrait().clone().requires_grad_()
    # A little off its place_shapes, since a score of 1 to the last bit has no slope.
    value = getattr(regressor().read(image, near() + 70), field)
    weights = torch.randn(value.shape, generator=torch.Generator().manual_seed(0))
    (value * weights).sum().backward()
    assert image.grad is not None
    assert torch.isfinite(image.grad).all()
    assert image.grad.abs().max() > 0


def test_the_gradient_of_the_whole_reading_agrees_with_finite_differences() -> None:
    exact = MeshRegressor(RegressorOptions(), CPU).double()
    image, place_px = portrait().double().requires_grad_(), near().double()
    size = exact.expression_size + 3
    weights = torch.randn(1, size, generator=torch.Generator().manual_seed(3), dtype=torch.float64)

    def weighed(value: torch.Tensor) -> torch.Tensor:
        reading = exact.read(value, place_px)
        return (torch.cat((reading.expression, reading.pose_deg), dim=1) * weights).sum()

    (gradient,) = torch.autograd.grad(weighed(image), image)
    direction = torch.randn(image.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        step = 1e-8
        measured = (weighed(image + step * direction) - weighed(image - step * direction)) / (2 * step)
    assert float((gradient * direction).sum()) == pytest.approx(float(measured), rel=1e-3)


@torch.no_grad()
def test_mixed_precision_changes_no_reading() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = regressor().read(portrait())
    torch.testing.assert_close(found.points_px, seen().points_px)
    assert regressor().read(portrait().bfloat16(), near()).expression.dtype == torch.float32


@torch.no_grad()
def test_each_picture_is_read_for_itself() -> None:
    both = torch.cat((portrait(), portrait().flip(3)))
    together = regressor().read(both)
    alone = regressor().read(both[1:])
    torch.testing.assert_close(together.expression[1:], alone.expression, atol=2e-2, rtol=0)
    torch.testing.assert_close(together.points_px[1:], alone.points_px, atol=1e-2, rtol=0)


@pytest.mark.parametrize(
    ("pictures", "near_px", "message"),
    [
        ((3, 64, 64), None, r"pictures has shape \(3, 64, 64\), expected \(N, 3, S, S\)"),
        ((1, 3, 64, 32), None, r"pictures has shape \(1, 3, 64, 32\)"),
        ((1, 3, 64, 64), (2, 478, 2), r"near_px has shape \(2, 478, 2\), expected \(1, 478, 2\)"),
        ((1, 3, 64, 64), (1, 68, 2), r"near_px has shape \(1, 68, 2\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(
    pictures: tuple[int, ...], near_px: tuple[int, ...] | None, message: str
) -> None:
    given_near = None if near_px is None else torch.zeros(near_px)
    with pytest.raises(ValueError, match=message):
        regressor().read(torch.zeros(pictures), given_near)
