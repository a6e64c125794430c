from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from dpe_face_mesh.colour_match import ColourMatch, skin_colour
from dpe_face_mesh.inlay import TextureDonor, lip_seam
from dpe_face_mesh.inlay import inlay as inlay_by
from dpe_face_mesh.openings import Opening, face_openings
from dpe_toolkit.api.face import LIP_RINGS
from tests.plugins.face_mesh.scenes import rest_shape, with_mouth

SIZE = 160
AS_IT_IS = ColourMatch(torch.ones(3))
OPENINGS = pytest.mark.parametrize("opening", face_openings(), ids=lambda opening: opening.name)


def inlay(
    window: torch.Tensor, target: torch.Tensor, opening: Opening, donors: list[TextureDonor], grow: torch.Tensor
) -> torch.Tensor:
    return inlay_by(window, target, opening, donors, grow=grow, edge_px=1)


def image(seed: int, count: int = 1) -> Tensor:
    """Soft colours, without edges that resampling would blur."""
    rough = torch.rand(count, 3, 12, 12, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(rough, size=(SIZE, SIZE), mode="bicubic", align_corners=False).clamp(0, 1)


def open_face(centre: tuple[float, float] = (SIZE / 2, SIZE / 2), size: float = 6) -> Tensor:
    """(1, 478, 3) a face whose lower lip and chin have gone down."""
    shape = with_mouth(rest_shape(), 0.05)
    lip = np.unique(LIP_RINGS[:, 11:])
    below = rest_shape()[:, 1] > rest_shape()[17, 1]
    below[lip] = True
    shape[below, 1] += 1.5
    return torch.from_numpy(shape * size + np.array([*centre, 0], np.float32))[None]


def donor(pixels: Tensor, points: Tensor, weight: float, colour: ColourMatch | None = None) -> TextureDonor:
    return TextureDonor(pixels, points, torch.full((max(len(pixels), len(points)),), weight), colour)


@OPENINGS
def test_a_share_of_0_changes_no_bit(opening: Opening) -> None:
    window, target = image(0), open_face()
    result = inlay(window, target, opening, [donor(image(1), target, 0.0)], torch.zeros(1))
    assert torch.equal(result, window)


@pytest.mark.parametrize("grow", [0.0, 1.0])
@pytest.mark.parametrize(
    "opening",
    face_openings(),
    ids=lambda opening: opening.name,
)
def test_a_window_that_is_its_own_donor_stays_as_it_is(opening: Opening, grow: float) -> None:
    window, target = image(0), open_face()
    result = inlay(window, target, opening, [donor(window, target, 1.0, AS_IT_IS)], torch.tensor([grow]))
    torch.testing.assert_close(result, window, atol=0.01, rtol=0)


@OPENINGS
@pytest.mark.parametrize("weight", [0.3, 1.0])
def test_donors_fill_the_opening_by_their_share_and_nothing_beyond_its_surroundings(
    opening: Opening, weight: float
) -> None:
    window, target = torch.full((1, 3, SIZE, SIZE), 0.2), open_face()
    before = window.clone()
    result = inlay(
        window, target, opening, [donor(torch.full_like(window, 0.8), target, weight, AS_IT_IS)], torch.zeros(1)
    )
    assert torch.equal(window, before)
    x, y = target[0, opening.border, :2].mean(0).long().tolist()
    torch.testing.assert_close(result[0, :, y, x], torch.full((3,), 0.2 + 0.6 * weight), atol=0.01, rtol=0)
    around = target[0, opening.around.ravel(), :2]
    low, high = around.amin(0).floor() - 2, around.amax(0).ceil() + 2
    outside = torch.ones(SIZE, SIZE, dtype=torch.bool)
    outside[int(low[1]) : int(high[1]), int(low[0]) : int(high[0])] = False
    assert torch.equal(result[0, :, outside], window[0, :, outside])
    assert result.min() >= 0.2 - 1e-4
    assert result.max() <= 0.2 + 0.6 * weight + 1e-4


def test_donors_pixels_follow_their_own_mesh() -> None:
    target = open_face()
    given, other = image(3), open_face((SIZE / 2 + 12, SIZE / 2 - 8))
    shifted = torch.roll(given, (-8, 12), (2, 3))
    window = image(4)
    plain = inlay(window, target, face_openings()[1], [donor(given, target, 1.0, AS_IT_IS)], torch.zeros(1))
    moved = inlay(window, target, face_openings()[1], [donor(shifted, other, 1.0, AS_IT_IS)], torch.zeros(1))
    torch.testing.assert_close(plain, moved, atol=2e-3, rtol=0)


@pytest.mark.parametrize("centre", [(0, 80), (80, 0), (SIZE, SIZE), (-300, 80), (80, 900)])
@OPENINGS
def test_openings_that_leave_the_window_are_cut_off(opening: Opening, centre: tuple[float, float]) -> None:
    window, target = image(5), open_face(centre)
    result = inlay(window, target, opening, [donor(image(6), target, 1.0)], torch.ones(1))
    assert result.shape == window.shape
    assert result.isfinite().all()


def several() -> tuple[Tensor, Tensor, list[TextureDonor]]:
    window, target = image(7, 2), torch.cat([open_face(size=3), open_face((70, 40), size=28)])
    return window, target, [TextureDonor(image(8), open_face(), torch.tensor([0.5, 1.0]), AS_IT_IS)]


@pytest.mark.parametrize(
    "opening",
    face_openings(),
    ids=lambda opening: opening.name,
)
def test_a_batch_gives_what_its_members_give_alone(opening: Opening) -> None:
    window, target, (donor,) = several()
    together = inlay(window, target, opening, [donor], torch.tensor([0.0, 1.0]))
    for row in range(2):
        one = slice(row, row + 1)
        alone = inlay(
            window[one],
            target[one],
            opening,
            [TextureDonor(donor.pixels, donor.points, donor.weight[one], donor.colour)],
            torch.tensor([0.0, 1.0])[one],
        )
        torch.testing.assert_close(together[one], alone, atol=1e-3, rtol=0)


def test_donors_are_matched_to_the_rim_in_brightness() -> None:
    window, target = torch.full((1, 3, SIZE, SIZE), 0.5), open_face()
    result = inlay(window, target, face_openings()[0], [donor(window * 0.8, target, 1.0)], torch.zeros(1))
    torch.testing.assert_close(result, window, atol=0.01, rtol=0)


def test_a_seam_shades_the_line_between_the_lips_by_its_weight() -> None:
    window, target = torch.full((1, 3, SIZE, SIZE), 0.5), open_face()
    donor = lip_seam(window, target, torch.tensor([1.0]))
    result = inlay(window, target, face_openings()[0], [donor], torch.zeros(1))
    x, y = target[0, face_openings()[0].border, :2].mean(0).long().tolist()
    assert (result[0, :, y, x] < 0.5).all()
    assert torch.equal(
        inlay(window, target, face_openings()[0], [lip_seam(window, target, torch.zeros(1))], torch.zeros(1)), window
    )


def test_the_skin_colour_is_that_around_the_mouth() -> None:
    window = torch.tensor([0.7, 0.5, 0.4])[None, :, None, None].expand(1, 3, SIZE, SIZE).clone()
    points = open_face()
    x, y = points[0, face_openings()[0].border, :2].mean(0).long().tolist()
    window[:, :, y - 3 : y + 4, x - 6 : x + 7] = 0
    torch.testing.assert_close(skin_colour(window, points), torch.tensor([0.7, 0.5, 0.4]), atol=1e-3, rtol=0)


def test_a_colour_match_is_a_gain_of_each_channel() -> None:
    pixels = image(9)
    gain = torch.tensor([0.5, 1.0, 1.5])
    torch.testing.assert_close(ColourMatch(gain).apply(pixels), pixels * gain[:, None, None])


def test_a_gain_makes_nothing_bluer_than_white_under_the_light_of_the_skin() -> None:
    skin = torch.tensor([0.7, 0.5, 0.4])
    matched = ColourMatch(torch.tensor([0.5, 1.0, 2.5]), skin).apply(image(10))
    plain = ColourMatch(torch.tensor([0.5, 1.0, 2.5])).apply(image(10))
    assert (matched <= plain + 1e-6).all()
    torch.testing.assert_close(matched[:, 0], plain[:, 0])
    lit = matched[:, 0] > 0.05
    assert (matched[:, 2][lit] / matched[:, 0][lit]).max() < 2
    unmoved = ColourMatch(torch.ones(3), skin).apply(skin[None, :, None, None])
    torch.testing.assert_close(unmoved, skin[None, :, None, None])
