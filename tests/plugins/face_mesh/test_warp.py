from __future__ import annotations

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dpe_face_mesh.raster import rasterise
from dpe_face_mesh.warp import backward_map, boxes, map_step, resample, visibility
from dpe_toolkit.api.face import EYES, FACE_OVAL, INNER_LIPS, NUM_MESH_VERTICES, canonical_face, rotation_matrix
from tests.plugins.face_mesh.scenes import mesh

SMALL, LARGE = (160, 180), (500, 560)
rotations = st.tuples(st.floats(-0.5, 0.5), st.floats(-0.8, 0.8), st.floats(-0.5, 0.5))
shifts = st.tuples(st.floats(-4, 4), st.floats(-4, 4))
windows = st.sampled_from([SMALL, LARGE])


def face_in(window: tuple[int, int], turn: tuple[float, float, float] = (0, 0, 0)) -> torch.Tensor:
    return mesh(window[0] / 30, (window[0] / 2, window[1] / 2), turn)


def whole(source: torch.Tensor, target: torch.Tensor, window: tuple[int, int]) -> torch.Tensor:
    """The map where every vertex moves all the way and the mouth is read where the lips are."""
    return backward_map(
        source, target, torch.ones(len(source), NUM_MESH_VERTICES), source[:, INNER_LIPS], window, step=map_step(window)
    )


def radii(points: torch.Tensor, window: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Distance of each pixel from the middle of the oval, and that of the oval's furthest vertex."""
    centre = points[0, FACE_OVAL, :2].mean(0)
    x, y = torch.meshgrid(torch.arange(window[0]) + 0.5, torch.arange(window[1]) + 0.5, indexing="xy")
    return torch.hypot(x - centre[0], y - centre[1]), (points[0, FACE_OVAL, :2] - centre).norm(dim=1).max()


@given(rotations, windows, st.floats(0, 1))
@settings(deadline=None, max_examples=20)
def test_a_mesh_that_does_not_move_moves_no_pixel_at_all(
    turn: tuple[float, float, float], window: tuple[int, int], share: float
) -> None:
    source = face_in(window, turn)
    move = backward_map(
        source,
        source.clone(),
        torch.full((1, NUM_MESH_VERTICES), share),
        source[:, INNER_LIPS].clone(),
        window,
        step=map_step(window),
    )
    assert move.shape == (1, 2, window[1], window[0])
    assert not move.any()


@given(rotations, windows, shifts)
@settings(deadline=None, max_examples=20)
def test_a_mesh_moved_as_a_whole_moves_every_pixel_inside_by_as_much(
    turn: tuple[float, float, float], window: tuple[int, int], shift: tuple[float, float]
) -> None:
    source = face_in(window, turn)
    move = whole(source, source + torch.tensor([*shift, 0.0]), window)
    triangles = torch.from_numpy(canonical_face().triangles)
    shown = source + torch.tensor([*shift, 0.0])
    inside = rasterise(shown, torch.ones(1, NUM_MESH_VERTICES, 1), triangles, window).covered.float()
    # a map on a grid is smoothed over a cell and interpolated: near the edge it mixes with what is outside
    margin = 4 + 3 * map_step(window)
    core = -torch.nn.functional.max_pool2d(-inside, 2 * margin + 1, 1, margin) > 0
    assert core.any()
    for axis in (0, 1):
        torch.testing.assert_close(
            move[:, axis : axis + 1][core], torch.full_like(move[:, :1][core], -shift[axis]), atol=1e-3, rtol=0
        )


@given(windows, shifts, st.integers(0, 100))
@example(LARGE, (-0.375, 1.0), 58)
@settings(deadline=None, max_examples=20)
def test_nothing_moves_beyond_the_band_around_the_face(
    window: tuple[int, int], shift: tuple[float, float], seed: int
) -> None:
    source = face_in(window)
    noise = torch.randn(1, NUM_MESH_VERTICES, 3, generator=torch.Generator().manual_seed(seed)) * window[0] / 200
    target = source + noise + torch.tensor([*shift, 0.0])
    move = whole(source, target, window)
    distance, reach = radii(source, window)
    reach = torch.maximum(reach, (target[0, FACE_OVAL, :2] - source[0, FACE_OVAL, :2].mean(0)).norm(dim=1).max())
    coarse = map_step(window)
    # a coarse map is interpolated: its last cell reaches one cell further in x and y
    beyond = distance > 1.27 * reach + (1.5 * coarse if coarse > 1 else 0)
    assert beyond.any()
    assert not move[:, :, beyond].any()
    assert move.any()


def test_vertices_that_are_held_do_not_move() -> None:
    source = face_in(SMALL)
    held = torch.zeros(1, NUM_MESH_VERTICES)
    assert not backward_map(source, source + 5, held, source[:, INNER_LIPS], SMALL, step=1).any()


def test_irises_turn_without_the_lids() -> None:
    source = face_in(SMALL)
    target = source.clone()
    for eye in EYES:
        target[:, eye.iris, 0] += 2
    move = whole(source, target, SMALL)[0]
    for eye in EYES:
        x, y = (int(value) for value in target[0, eye.iris[0], :2])
        assert -2.3 < float(move[0, y, x]) < -1.5
        assert abs(float(move[1, y, x])) < 0.3
        for corner in eye.corners:
            x, y = (int(value) for value in source[0, corner, :2])
            assert abs(float(move[0, y, x])) < 0.7
    x, y = (int(value) for value in source[0, 152, :2])
    assert not move[:, y - 3, x].any()


def test_the_map_of_a_batch_is_that_of_its_members() -> None:
    sources = torch.cat([face_in(SMALL, (0, yaw, 0)) for yaw in (-0.4, 0.0, 0.3)])
    targets = sources.clone()
    targets[:, INNER_LIPS, 1] += torch.tensor([1.0, 3.0, 5.0])[:, None]
    together = whole(sources, targets, SMALL)
    for row in range(3):
        alone = whole(sources[row : row + 1], targets[row : row + 1], SMALL)
        torch.testing.assert_close(together[row], alone[0], atol=1e-4, rtol=0)


@given(windows, st.lists(st.tuples(shifts, st.floats(0.3, 1.6)), min_size=1, max_size=4), st.integers(0, 100))
@settings(deadline=None, max_examples=20)
def test_a_box_follows_from_its_own_mesh_and_holds_all_that_moves(
    window: tuple[int, int], faces: list[tuple[tuple[float, float], float]], seed: int
) -> None:
    sources = torch.cat(
        [mesh(window[0] / 30 * size, (window[0] / 2 + 9 * x, window[1] / 2 + 9 * y)) for (x, y), size in faces]
    )
    noise = torch.randn(sources.shape, generator=torch.Generator().manual_seed(seed))
    targets, step = sources + noise * window[0] / 200, map_step(window)
    found = boxes(sources, targets, window)
    for row, (left, top, right, bottom) in enumerate(found.tolist()):
        one = slice(row, row + 1)
        assert torch.equal(boxes(sources[one], targets[one], window)[0], found[row])
        assert (left % step, top % step) == (0, 0)
        assert 0 <= left < right <= window[0]
        assert 0 <= top < bottom <= window[1]
        moved = whole(sources[one], targets[one], window)[0].abs().amax(0).nonzero()
        assert (moved >= torch.tensor([top, left])).all()
        assert (moved < torch.tensor([bottom, right])).all()


def test_the_inside_of_the_mouth_can_be_read_elsewhere_than_the_lips() -> None:
    source = face_in(LARGE)
    target = source.clone()
    target[:, INNER_LIPS[11:], 1] += 8
    lower = whole(source, target, LARGE)
    inside = source[:, INNER_LIPS] + torch.tensor([0.0, 12.0, 0.0])
    other = backward_map(source, target, torch.ones(1, NUM_MESH_VERTICES), inside, LARGE, step=map_step(LARGE))
    middle = target[0, INNER_LIPS, :2].mean(0).long()
    changed = (other - lower).abs().amax(1)[0]
    assert changed[middle[1], middle[0]] > 5
    assert changed[: int(target[0, INNER_LIPS, 1].min()) - 6].max() == 0


@given(rotations)
@settings(deadline=None, max_examples=30)
def test_visibility_is_a_share_and_highest_in_front(turn: tuple[float, float, float]) -> None:
    matrix = torch.from_numpy(rotation_matrix(torch.tensor([turn]).numpy()))
    shares = visibility(matrix)
    assert shares.shape == (1, NUM_MESH_VERTICES)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert shares[0, 1] == 1, "the tip of the nose"


@pytest.mark.parametrize(("yaw", "seen", "hidden"), [(1.5, 234, 454), (-1.5, 454, 234)])
def test_the_far_side_of_a_head_in_profile_is_not_visible(yaw: float, seen: int, hidden: int) -> None:
    c, s = torch.cos(torch.tensor(yaw)), torch.sin(torch.tensor(yaw))
    rotation = torch.tensor([[[c, 0, s], [0, 1, 0], [-s, 0, c]]])
    shares = visibility(rotation)[0]
    assert {float(shares[seen]), float(shares[hidden])} == {0.0, 1.0}


@pytest.mark.parametrize("mode", ["bicubic", "bilinear"])
def test_resampling_by_whole_pixels_shifts_and_by_nothing_keeps(mode: str) -> None:
    pixels = torch.rand(2, 3, 20, 30, generator=torch.Generator().manual_seed(1))
    kept = resample(pixels, torch.zeros(2, 2, 20, 30), mode=mode)
    torch.testing.assert_close(kept, pixels, atol=1e-4, rtol=0)
    move = torch.zeros(2, 2, 20, 30)
    move[:, 0], move[:, 1] = 3, -2
    shifted = resample(pixels, move, mode=mode)
    torch.testing.assert_close(shifted[:, :, 4:-2, 2:-5], pixels[:, :, 2:-4, 5:-2], atol=1e-4, rtol=0)


def test_resampling_beyond_the_window_repeats_its_border() -> None:
    pixels = torch.rand(1, 3, 12, 12)
    move = torch.full((1, 2, 12, 12), 50.0)
    torch.testing.assert_close(resample(pixels, move), pixels[:, :, -1:, -1:].expand(1, 3, 12, 12), atol=1e-4, rtol=0)
