from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from dpe_research.evaluation import Case, FrameRef
from dpe_research.evaluation.methods import MeshMethod
from dpe_toolkit.plugins import load_registry

SIZE = 160


def portrait(turn_deg: float = 0.0) -> torch.Tensor:
    """(3, S, S) of a real face, turned in the picture."""
    photograph = np.ascontiguousarray(data.astronaut())
    turned = cv2.warpAffine(photograph, cv2.getRotationMatrix2D((224, 112), turn_deg, 1), (512, 512))
    shown = cv2.resize(turned[:224, 112:336], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(shown).permute(2, 0, 1).contiguous()


def case(edit: str, driver: int) -> Case:
    return Case("face", f"{driver:06d}", edit, FrameRef("face", 0), FrameRef("face", driver), None, driver)


@pytest.fixture(scope="module")
def mesh() -> MeshMethod:
    return MeshMethod(load_registry(allow=("face_mesh", "feather_blend")), torch.device("cpu"))


def difference(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first.double() - second.double()).abs().mean())


def test_a_face_driven_by_itself_stays_as_it_is(mesh: MeshMethod) -> None:
    face = portrait()
    found = mesh.edit([case("expression", 0)], [face[None], face[None], None])
    assert found.present.all()
    assert difference(found.pictures[0], face) < 2


def test_a_pose_edit_turns_the_head_as_the_driver_and_an_expression_edit_does_not(mesh: MeshMethod) -> None:
    face, turned = portrait(), portrait(8.0)
    wanted = [case("pose", 1), case("expression", 1)]
    found = mesh.edit(wanted, [torch.stack([face, face]), torch.stack([turned, turned]), None])
    middle = (slice(None), slice(40, 120), slice(40, 120))
    apart = difference(turned[middle], face[middle])
    assert difference(found.pictures[0][middle], turned[middle]) < 0.6 * apart
    assert difference(found.pictures[1][middle], face[middle]) < 0.5 * apart


def test_pictures_without_a_face_have_no_result(mesh: MeshMethod) -> None:
    empty = torch.full((1, 3, SIZE, SIZE), 90, dtype=torch.uint8)
    found = mesh.edit([case("expression", 2)], [portrait()[None], empty, None])
    assert found.present.tolist() == [False]
    assert found.why == "1 without a face that detector 'face_mesh' finds"
