"""The parts of a face that show its expression."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dpe_research.dataset.synth import FRONTAL, NEUTRAL, render_face, sample_identity
from dpe_research.measurement import FramePairs, PairChoice
from dpe_research.training import as_batch
from dpe_research.training.losses import masked_reconstruction_loss
from dpe_research.training.parts import NUM_VERTICES_NEEDED, mask_parts
from dpe_toolkit.api.face import BROWS, EYE_RINGS, FACE_OVAL, LIP_RINGS
from dpe_toolkit.core.errors import AnalysisError

SIZE_PX = 64
FACE = render_face(sample_identity(3), replace(FRONTAL, size=0.7), NEUTRAL, SIZE_PX)
MESH_PX = torch.from_numpy(FACE.mesh_px)[None]


def test_lips_eyes_and_brows_lie_in_the_mask_and_the_border_of_the_face_does_not() -> None:
    mask = mask_parts(MESH_PX, SIZE_PX)
    assert (mask.shape, mask.dtype) == ((1, 1, SIZE_PX, SIZE_PX), torch.uint8)

    def seen(vertices: list[int]) -> torch.Tensor:
        x, y = MESH_PX[0, vertices, :2].long().T
        return mask[0, 0, y, x]

    for part in (LIP_RINGS, EYE_RINGS, BROWS):
        assert seen(part.ravel().tolist()).all()
    assert not seen([vertex for vertex in FACE_OVAL.tolist() if 200 < vertex < 400]).any()
    assert 0.05 < mask.float().mean() < 0.25


@given(st.integers(0, 8), st.integers(0, 8))
def test_the_mask_moves_with_the_face(right_px: int, down_px: int) -> None:
    moved = mask_parts(MESH_PX + torch.tensor([right_px, down_px, 0.0]), SIZE_PX)
    still = mask_parts(MESH_PX, SIZE_PX)
    assert torch.equal(moved[..., 16 + down_px : 40 + down_px, 16 + right_px : 40 + right_px], still[..., 16:40, 16:40])


def test_a_masked_distance_sees_the_mask_alone_and_counts_every_picture_alike() -> None:
    result, reference = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    mask = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    mask[0, 0, 0, :2] = mask[1, 0, 2, 2] = 1
    result[0, :, 0, 0] = torch.tensor([0.3, 0.6, 0.9])
    result[1, :, 2, 2] = 0.5
    result[:, :, 3, 3] = 9.0
    assert masked_reconstruction_loss(result, reference, mask).item() == pytest.approx((1.8 / 6 + 0.5) / 2)
    assert masked_reconstruction_loss(result, reference, torch.zeros_like(mask)).item() == 0


def pairs(mesh_px: torch.Tensor | None) -> FramePairs:
    pictures = torch.rand(1, 3, SIZE_PX, SIZE_PX)
    return FramePairs(pictures, pictures, mesh_px, mesh_px, (PairChoice("ada", 3, 4),))


def test_a_batch_has_masks_where_they_are_asked_for() -> None:
    assert as_batch(pairs(MESH_PX)).source_parts is None
    batch = as_batch(pairs(MESH_PX), with_parts=True).to(torch.device("cpu"), torch.float32)
    assert batch.driver_parts is not None
    assert torch.equal(batch.driver_parts, mask_parts(MESH_PX, SIZE_PX))
    (part,) = batch.parts(1)
    assert part.source_parts is not None


@pytest.mark.parametrize("mesh_px", [None, MESH_PX[:, : NUM_VERTICES_NEEDED - 1]])
def test_parts_of_a_face_whose_mesh_is_not_known_are_refused(mesh_px: torch.Tensor | None) -> None:
    with pytest.raises(AnalysisError, match=r"the mesh of one of ada is missing .* set parts\.weight=0"):
        as_batch(pairs(mesh_px), with_parts=True)
