from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.core.frames import PixelLayout
from dpe_toolkit.geometry import full_rgb, sample_rgb, window_rgb, write_window
from dpe_toolkit.geometry.ocio import make_view
from tests.geometry.batches import layouts, noise, seeds

CONFIG = "ocio://cg-config-v1.0.0_aces-v1.3_ocio-v2.1"
YUV = PixelLayout("yuv420p10le", "yuv", 10, (1, 1))
aspects = st.sampled_from([Fraction(2), Fraction(16, 15), Fraction(8, 9), Fraction(4, 3), Fraction(64, 45)])


class Curve:
    """A view that is steep enough to show where it is not undone."""

    def shown(self, rgb: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.sign(rgb) * np.abs(rgb) ** np.float32(2.4)

    def encoded(self, rgb: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(np.sign(rgb) * np.abs(rgb) ** (1 / 2.4), np.float32)


@given(layouts, aspects, seeds)
@settings(max_examples=30, deadline=None)
def test_nothing_changes_where_nothing_is_edited(layout: PixelLayout, aspect: Fraction, seed: int) -> None:
    frames = replace(noise(layout, (40, 24), seed), pixel_aspect=aspect, view=Curve())
    origin = np.array([[6, 4]])
    shown = window_rgb(frames, origin, (16, 12))
    back = write_window(frames, origin, shown, shown.clone(), torch.ones(1, 1, 12, 16))
    for before, after in zip(frames.planes, back.planes, strict=True):
        np.testing.assert_array_equal(before, after)


@given(aspects, seeds)
@settings(max_examples=20, deadline=None)
def test_pixels_off_the_matte_stay_and_an_even_edit_arrives(aspect: Fraction, seed: int) -> None:
    frames = replace(noise(YUV, (80, 32), seed), pixel_aspect=aspect)
    for plane, value in zip(frames.planes, (400, 512, 512), strict=True):
        plane[:] = value
    origin, size = np.array([[20, 4]]), (24, 20)
    shown = window_rgb(frames, origin, size)
    matte = torch.zeros(1, 1, 20, 24)
    matte[..., 6:18] = 1
    luma = write_window(frames, origin, shown, shown + 0.1, matte).planes[0][0]
    factor = frames.stored_size_px[0] / frames.size_px[0]
    middle = round(32 * factor)
    assert abs(int(luma[12, middle]) - round(400 + 0.1 * 876)) <= 2
    changed = np.flatnonzero((luma != 400).any(axis=0))
    assert changed.min() >= np.floor(25 * factor) - 2
    assert changed.max() <= np.ceil(39 * factor) + 2
    assert (luma[:4] == 400).all()


def test_a_circle_of_wide_pixels_is_seen_round() -> None:
    frames = replace(noise(PixelLayout("gray", "gray", 8), (64, 64), 0), pixel_aspect=Fraction(2))
    y, x = np.mgrid[:64, :64] + 0.5
    frames.planes[0][0] = np.where(((x * 2 - 64) / 40) ** 2 + ((y - 32) / 20) ** 2 < 1, 255, 0)
    assert frames.size_px == (128, 64)
    seen = full_rgb(frames, 0)[..., 0] > 127
    width, height = np.ptp(np.flatnonzero(seen.any(axis=0))), np.ptp(np.flatnonzero(seen.any(axis=1)))
    assert abs(width - 79) <= 2
    assert abs(height - 39) <= 2
    sampled = sample_rgb(frames, 0, np.array([[2, 0, 0], [0, 1, 0]], np.float32), (64, 64))[..., 0] > 0.5
    assert abs(np.ptp(np.flatnonzero(sampled.any(axis=0))) - 39) <= 2


def test_a_view_is_what_windows_and_samples_show() -> None:
    frames = replace(noise(PixelLayout("gbrp", "rgb", 8), (16, 12), 3), view=Curve())
    plain = replace(frames, view=None)
    origin = np.zeros((1, 2), np.int64)
    expected = window_rgb(plain, origin, (16, 12)) ** 2.4
    torch.testing.assert_close(window_rgb(frames, origin, (16, 12)), expected)
    still = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    np.testing.assert_allclose(
        sample_rgb(frames, 0, still, (16, 12)), sample_rgb(plain, 0, still, (16, 12)) ** 2.4, 1e-5
    )


def test_an_edit_under_a_view_is_undone_by_its_inverse() -> None:
    frames = replace(noise(PixelLayout("gbrp16le", "rgb", 16), (16, 12), 5), view=Curve())
    origin, ones = np.zeros((1, 2), np.int64), torch.ones(1, 1, 12, 16)
    edited = torch.full((1, 3, 12, 16), 0.25)
    back = write_window(frames, origin, window_rgb(frames, origin, (16, 12)), edited, ones)
    np.testing.assert_allclose(back.planes[0] / 65535, 0.25 ** (1 / 2.4), atol=2e-5)


def test_an_opencolorio_config_gives_a_view_that_inverts() -> None:
    pytest.importorskip("PyOpenColorIO")
    view = make_view(CONFIG, Path("a.mov"), source="ACEScct")
    assert (view.source, view.working) == ("ACEScct", "sRGB - Texture")
    rgb = np.random.default_rng(0).uniform(0.1, 0.6, (5, 7, 3)).astype(np.float32)
    before = rgb.copy()
    shown = view.shown(rgb)
    np.testing.assert_array_equal(rgb, before)
    assert np.abs(shown - rgb).max() > 0.01
    np.testing.assert_allclose(view.encoded(shown), rgb, atol=1e-4)
    assert view.fingerprint != make_view(CONFIG, Path("a.mov"), source="ACEScc").fingerprint


@pytest.mark.parametrize(
    ("config", "source", "message"),
    [
        ("/nowhere/config.ocio", None, "config '/nowhere/config.ocio' cannot be used.*correct --ocio"),
        (CONFIG, "ACEScctt", "no colour space or role 'ACEScctt'.*ACEScct"),
    ],
)
def test_configs_that_cannot_be_used_are_refused(config: str, source: str | None, message: str) -> None:
    pytest.importorskip("PyOpenColorIO")
    with pytest.raises(OptionsError, match=message) as caught:
        make_view(config, Path("a.mov"), source=source)
    assert "a.mov" not in str(caught.value), "the media are not to blame"


def test_a_config_that_does_not_convert_is_told_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PyOpenColorIO")

    def fail(*words: object) -> None:
        raise RuntimeError("no way back")

    monkeypatch.setattr("dpe_toolkit.geometry.ocio._processor", fail)
    with pytest.raises(OptionsError, match=r"a\.mov.*does not convert it: no way back.*correct --ocio-source"):
        make_view(CONFIG, Path("a.mov"))


def test_a_machine_without_opencolorio_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("dpe_toolkit.geometry.ocio.importlib.import_module", missing)
    with pytest.raises(OptionsError, match=r"OpenColorIO is not installed.*dpe-toolkit\[color\]"):
        make_view(CONFIG, Path("a.mov"))
