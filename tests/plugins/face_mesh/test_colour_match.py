from __future__ import annotations

import numpy as np
import pytest
import torch

from dpe_face_mesh.colour_match import blur, matching_blur_px
from dpe_toolkit.api import FaceBatch, Placement
from dpe_toolkit.api.face import FACE_OVAL, NUM_MESH_VERTICES

SIZE = 128


def faces(pixels: torch.Tensor) -> FaceBatch:
    count, _, height, width = pixels.shape
    points = torch.zeros(count, NUM_MESH_VERTICES, 3)
    points[:, 168, :2] = torch.tensor([width / 2, height / 2])
    points[:, FACE_OVAL, 0] = torch.linspace(0.2 * width, 0.8 * width, len(FACE_OVAL))
    to_frame = np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1))
    placement = Placement(to_frame, (width, height), np.ones(count, bool))
    return FaceBatch(pixels, placement, points, torch.zeros(count, 0), np.arange(count))


def texture(size: int = SIZE) -> torch.Tensor:
    coarse = torch.rand(2, 1, size // 4, size // 4, generator=torch.Generator().manual_seed(3))
    fine = torch.rand(2, 1, size, size, generator=torch.Generator().manual_seed(4))
    grown = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
    return (0.7 * grown + 0.3 * fine).expand(2, 3, size, size).contiguous()


def test_equally_sharp_pictures_need_no_blur() -> None:
    assert matching_blur_px(faces(texture()), faces(texture())) == 0


@pytest.mark.parametrize("sigma", [0.6, 1.0])
def test_the_blur_that_made_the_source_soft_is_found(sigma: float) -> None:
    assert matching_blur_px(faces(blur(texture(), sigma)), faces(texture())) == pytest.approx(sigma, abs=0.21)


def test_a_driver_softer_than_the_source_is_left_alone() -> None:
    assert matching_blur_px(faces(texture()), faces(blur(texture(), 1.0))) == 0


def test_a_blur_keeps_the_mean_and_what_is_even() -> None:
    even = torch.full((1, 3, 20, 24), 0.4)
    torch.testing.assert_close(blur(even, 0.8), even)
    spot = torch.zeros(1, 1, 21, 21)
    spot[0, 0, 10, 10] = 1
    soft = blur(spot, 1.0)
    assert soft.sum().item() == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(soft, soft.flip(2).flip(3))


def test_no_blur_is_the_picture_itself() -> None:
    image = texture()
    assert blur(image, 0) is image
