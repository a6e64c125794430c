from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dpe_feather_blend import plugin
from dpe_feather_blend.compositor import FeatherCompositor
from dpe_feather_blend.options import FeatherOptions
from dpe_toolkit.api import (
    API_VERSION,
    ComponentContext,
    Composited,
    Compositor,
    FaceBatch,
    Generated,
    OptionsError,
    Placement,
)

SIZE = (96, 80)
seeds = st.integers(0, 2**16)
centres = st.tuples(st.floats(-10, 106), st.floats(-10, 90))
feathers = st.floats(0, 40)


def blob(seed: int, centre: tuple[float, float], radius: float) -> Tensor:
    """(1, 40, 3) landmarks of a face of about this radius."""
    rng = np.random.default_rng(seed)
    angle, share = rng.uniform(0, 2 * np.pi, 40), rng.uniform(0.3, 1, 40)
    points = np.stack([np.cos(angle) * share * radius + centre[0], np.sin(angle) * share * radius + centre[1]], axis=1)
    return torch.from_numpy(np.concatenate([points, np.zeros((40, 1))], axis=1).astype(np.float32))[None]


def faces_with(landmarks: Tensor, pixels: Tensor) -> FaceBatch:
    count = len(landmarks)
    to_frame = np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1))
    placement = Placement(to_frame, SIZE, np.ones(count, bool))
    return FaceBatch(pixels, placement, landmarks, torch.zeros(count, 0), np.arange(count))


def picture(seed: int, count: int = 1) -> Tensor:
    return torch.rand(count, 3, SIZE[1], SIZE[0], generator=torch.Generator().manual_seed(seed))


def blend(before: Tensor, after: Tensor, pixels: Tensor, edited: Generated, **options: object) -> Composited:
    chosen = FeatherOptions.parse(options, owner="feather")
    return FeatherCompositor(chosen).composite(faces_with(before, pixels), edited)


def matte_of(before: Tensor, after: Tensor, **options: object) -> Tensor:
    pixels = picture(0, len(before))
    return blend(before, after, pixels, Generated(pixels, after), **options).matte


def depth_in_hull(before: Tensor, after: Tensor, grow: float) -> np.ndarray:
    """(h, w) how far a pixel's centre lies inside the hull of both, grown about its centre; negative outside."""
    hull = cv2.convexHull(np.ascontiguousarray(torch.cat([before, after], dim=1)[0, :, :2].numpy()))[:, 0]
    centre = hull.mean(axis=0)
    contour = (centre + (hull - centre) * grow).astype(np.float32)[:, None]
    rows, columns = range(SIZE[1]), range(SIZE[0])
    return np.array([[cv2.pointPolygonTest(contour, (x + 0.5, y + 0.5), True) for x in columns] for y in rows])


@given(seeds, centres, centres, st.floats(5, 40), feathers)
@settings(deadline=None, max_examples=20)
def test_the_matte_is_0_outside_the_hull_of_both_faces_grown_by_a_quarter(
    seed: int, centre: tuple[float, float], moved: tuple[float, float], radius: float, feather: float
) -> None:
    before, after = blob(seed, centre, radius), blob(seed + 1, moved, radius)
    matte = matte_of(before, after, feather_px=feather)
    assert matte.shape == (1, 1, SIZE[1], SIZE[0])
    assert ((matte >= 0) & (matte <= 1)).all()
    # a pixel that the hull only touches may count
    assert not matte[0, 0].numpy()[depth_in_hull(before, after, 1.25) < -1.5].any()


@given(seeds, st.floats(10, 30))
@settings(deadline=None, max_examples=20)
def test_with_little_feather_both_faces_show_altogether(seed: int, radius: float) -> None:
    before, after = blob(seed, (45, 40), radius * 0.9), blob(seed + 1, (50, 38), radius * 0.9)
    matte = matte_of(before, after, feather_px=1)[0, 0].numpy()
    inner = depth_in_hull(before, after, 1.0) >= 0
    inner[[0, -1]] = inner[:, [0, -1]] = False
    assert matte[inner].min() > 0.9


@given(seeds, st.floats(1, 12), st.floats(0.5, 8))
@settings(deadline=None, max_examples=20)
def test_a_wider_feather_shows_nowhere_more(seed: int, feather: float, more: float) -> None:
    before, after = blob(seed, (45, 40), 30), blob(seed + 1, (48, 40), 30)
    narrow, wide = (matte_of(before, after, feather_px=width) for width in (feather, feather + more))
    assert (wide <= narrow + 1e-6).all()


def test_a_matte_that_reaches_the_windows_edge_runs_out_there() -> None:
    around = blob(1, (48, 40), 400)
    matte = matte_of(around, around, feather_px=10)[0, 0]
    assert matte[40, 48] == 1
    for rim in (matte[0], matte[-1], matte[:, 0], matte[:, -1]):
        assert rim.max() < 0.1


def test_a_feather_of_0_is_a_twelfth_of_the_faces_width() -> None:
    face = blob(2, (48, 40), 30)
    width = float(np.ptp(face[0, :, 0].numpy()))
    torch.testing.assert_close(matte_of(face, face), matte_of(face, face, feather_px=width / 12))


@given(seeds, centres, st.floats(5, 40))
@settings(deadline=None, max_examples=20)
def test_each_window_has_a_matte_of_its_own(seed: int, centre: tuple[float, float], radius: float) -> None:
    before = torch.cat([blob(seed, centre, radius), blob(seed + 1, (48, 40), 20)])
    after = torch.cat([blob(seed + 2, centre, radius), blob(seed + 3, (48, 40), 20)])
    together = matte_of(before, after)
    for row in range(2):
        one = slice(row, row + 1)
        assert torch.equal(together[one], matte_of(before[one], after[one]))


@given(seeds, st.booleans())
@settings(deadline=None, max_examples=20)
def test_pixels_that_were_not_edited_stay_bit_for_bit(seed: int, match_colour: bool) -> None:
    face, pixels = blob(seed, (48, 40), 25), picture(seed)
    edited = pixels.clone()
    edited[:, :, 30:50, 40:60] += 0.25
    result = blend(face, face, pixels, Generated(edited, face), match_colour=match_colour)
    unchanged = torch.ones(SIZE[1], SIZE[0], dtype=torch.bool)
    unchanged[30:50, 40:60] = False
    assert torch.equal(result.pixels[0, :, unchanged], pixels[0, :, unchanged])
    if not match_colour:
        assert torch.equal(result.pixels, edited)


def test_an_edit_that_changes_nothing_is_nothing_with_colour_matching_too() -> None:
    face, pixels = blob(3, (48, 40), 25), picture(3)
    result = blend(face, face, pixels, Generated(pixels.clone(), face), match_colour=True)
    assert torch.equal(result.pixels, pixels)


def test_matching_colour_takes_a_cast_off() -> None:
    face, pixels = blob(4, (48, 40), 30), picture(4)
    cast = torch.tensor([0.1, -0.05, 0.02])[None, :, None, None]
    result = blend(face, face, pixels, Generated(pixels + cast, face), match_colour=True)
    torch.testing.assert_close(result.pixels, pixels, atol=1e-4, rtol=0)


@given(seeds)
@settings(deadline=None, max_examples=10)
def test_confidence_multiplies_the_matte(seed: int) -> None:
    face, pixels = blob(seed, (48, 40), 25), picture(seed)
    confidence = torch.rand(1, 1, SIZE[1], SIZE[0], generator=torch.Generator().manual_seed(seed))
    sure = blend(face, face, pixels, Generated(pixels, face))
    doubtful = blend(face, face, pixels, Generated(pixels, face, confidence))
    torch.testing.assert_close(doubtful.matte, sure.matte * confidence, rtol=0, atol=0)


def test_what_is_handed_in_is_not_changed() -> None:
    face, pixels, edited = blob(5, (48, 40), 25), picture(5), picture(6)
    kept = pixels.clone(), edited.clone(), face.clone()
    blend(face, face, pixels, Generated(edited, face), match_colour=True)
    for now, before in zip((pixels, edited, face), kept, strict=True):
        assert torch.equal(now, before)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"feather_px": -1}, r"option feather.feather_px = -1 is not accepted. Input should be greater"),
        ({"feather_px": 501}, r"option feather.feather_px = 501 is not accepted. Input should be less"),
        ({"feather-px": "wide"}, r"option feather.feather_px = 'wide' is not accepted"),
        ({"fether_px": 3}, r"feather has no option 'fether_px'. did you mean 'feather_px'"),
        ({"match_colour": "perhaps"}, r"option feather.match_colour = 'perhaps' is not accepted"),
    ],
)
def test_options_out_of_bounds_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        FeatherOptions.parse(values, owner="feather")


def test_the_plugin_lists_one_compositor_for_every_space() -> None:
    (component,) = plugin.dpe_register_compositors()
    assert (component.kind, component.name, component.space) == ("compositor", "feather", None)
    assert plugin.DPE_API_VERSION == API_VERSION
    made = component.create(component.options(), ComponentContext(torch.device("cpu")))
    assert isinstance(made, Compositor)


def test_points_that_are_no_outline_do_not_bound_the_matte() -> None:
    pixels = torch.zeros(1, 3, 160, 120)
    few = torch.tensor([[[50.0, 70, 0], [70, 70, 0], [60, 85, 0], [52, 95, 0], [68, 95, 0]]])
    shown = []
    for points in (few, few[:, :0]):
        faces = faces_with(points, pixels)
        shown.append(FeatherCompositor(FeatherOptions()).composite(faces, Generated(pixels + 0.5, points)).matte)
    assert torch.equal(*shown)
    assert float((shown[0] > 0.5).float().mean()) > 0.2
