"""Windows of every kind of picture, cut on an accelerator and written back."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.frames import FrameBatch, PixelLayout
from dpe_toolkit.geometry import window_rgb, write_window
from dpe_toolkit.testing import ACCELERATOR, pretend_accelerator
from tests.geometry.batches import layouts, noise, seeds
from tests.geometry.test_views import Curve

aspects = st.sampled_from([Fraction(1), Fraction(2), Fraction(16, 15)])


def edited(frames: FrameBatch, device: torch.device, change: float) -> FrameBatch:
    origin, size_px = np.array([[-4, 2], [6, 4]]), (16, 12)
    shown = window_rgb(frames, origin, size_px, device)
    assert shown.device == device
    matte = torch.linspace(0, 1, 16, device=device).expand(2, 1, 12, 16)
    return write_window(frames, origin, shown, shown + change, matte)


@given(layouts, aspects, st.booleans(), seeds, st.sampled_from([0.0, 0.1]))
def test_an_accelerator_edits_every_kind_of_picture_as_the_cpu_does(
    layout: PixelLayout, aspect: Fraction, seen: bool, seed: int, change: float
) -> None:
    frames = replace(noise(layout, (40, 24), seed, count=2), pixel_aspect=aspect, view=Curve() if seen else None)
    wanted = edited(frames, torch.device("cpu"), change)
    with pretend_accelerator(has_float64=False):
        got = edited(frames, ACCELERATOR, change)
    for before, one, other in zip(frames.planes, wanted.planes, got.planes, strict=True):
        np.testing.assert_array_equal(one, other)
        assert change or np.array_equal(before, other)
