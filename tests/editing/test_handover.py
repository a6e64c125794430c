"""What a plugin hands back is checked where it is taken."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from dpe_toolkit.editing.handover import (
    taken_appearance,
    taken_codes,
    taken_composited,
    taken_detections,
    taken_generated,
    taken_matte,
    taken_motion,
    upload,
)
from dpe_toolkit.editing.protocols import Composited, Generated
from dpe_toolkit.face.codes import Appearance, MotionCode, MotionTrack
from dpe_toolkit.face.tracks import Detections, FaceBatch, FaceTrack, Placement
from dpe_toolkit.testing import ACCELERATOR, PretendAccelerator
from tests.analysis.fakes import SPACE

CPU = torch.device("cpu")


def faces_of(count: int = 2, device: torch.device = CPU) -> FaceBatch:
    pixels = torch.zeros(count, 3, 4, 6, device=device)
    maps = np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1))
    placement = Placement(maps, (6, 4), np.ones(count, np.bool_))
    points, activities = torch.zeros(count, 5, 3, device=device), torch.zeros(count, 1, device=device)
    return FaceBatch(pixels, placement, points, activities, np.arange(count))


def track_of(count: int) -> FaceTrack:
    zeros = np.zeros((count, 5, 3), np.float32)
    return FaceTrack(
        np.arange(3, 3 + count), zeros[:, :4, 0], zeros, zeros[:, 0, 0], np.ones(count, np.bool_), zeros[:, :1, 0]
    )


def codes_of(count: int, device: torch.device = CPU) -> MotionCode:
    return MotionCode(SPACE, torch.ones(count, 1, device=device), torch.zeros(count, 2, device=device))


def drawn(faces: FaceBatch) -> Generated:
    return Generated(faces.pixels + 0.5, faces.landmarks_px)


NAN = float("nan")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pixels": torch.zeros(2, 3, 4, 5)}, r"generate\(\) pixels has shape \(2, 3, 4, 5\), expected \(2, 3, 4, 6\)"),
        ({"pixels": torch.zeros(2, 3, 4, 6).byte()}, r"generate\(\) pixels are torch.uint8, expected a floating-point"),
        ({"pixels": torch.full((2, 3, 4, 6), NAN)}, r"generate\(\) pixels are not finite"),
        ({"confidence": torch.full((2, 1, 4, 6), NAN)}, r"generate\(\) confidence are not finite"),
        ({"confidence": torch.zeros(2, 4, 6)}, r"generate\(\) confidence has shape"),
        ({"landmarks_px": torch.zeros(1, 5, 3)}, r"generate\(\) landmarks_px has shape"),
    ],
)
def test_drawn_faces_that_do_not_fit_are_refused(change: dict[str, torch.Tensor], message: str) -> None:
    faces = faces_of()
    with pytest.raises(ValueError, match=message):
        taken_generated("generate()", replace(drawn(faces), **change), faces)


def test_what_is_no_result_at_all_is_named() -> None:
    faces = faces_of()
    for taken, message in (
        (lambda: taken_generated("refine()", None, faces), r"refine\(\) gave a NoneType, expected a Generated"),  # type: ignore[arg-type]
        (lambda: taken_composited(3, faces), r"composite\(\) gave a int, expected a Composited"),  # type: ignore[arg-type]
        (lambda: taken_appearance("x", faces), r"encode\(\) gave a str, expected an Appearance"),  # type: ignore[arg-type]
        (lambda: taken_codes("mix()", [], 2), r"mix\(\) gave a list, expected a MotionCode"),  # type: ignore[arg-type]
    ):
        with pytest.raises(ValueError, match=message):
            taken()


def test_results_for_other_faces_than_were_asked_about_are_refused() -> None:
    with pytest.raises(ValueError, match=r"encode\(\) gave 3 faces for 2"):
        taken_appearance(Appearance(SPACE, faces_of(3)), faces_of(2))
    with pytest.raises(ValueError, match=r"extract\(\) gave 3 rows for 2 frames"):
        taken_codes("extract()", codes_of(3), 2)
    with pytest.raises(ValueError, match=r"matte\(\) has shape \(2, 3, 4, 6\), expected \(2, 1, 4, 6\)"):
        taken_matte(torch.zeros(2, 3, 4, 6), faces_of(2))


def test_codes_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"mix\(\) gave codes that are not finite"):
        taken_codes("mix()", MotionCode(SPACE, torch.full((2, 1), NAN), torch.zeros(2, 2)), 2)
    with pytest.raises(ValueError, match=r"mix\(\) expression are torch.int64, expected a floating-point type"):
        taken_codes("mix()", MotionCode(SPACE, torch.ones(2, 1).long(), torch.zeros(2, 2)), 2)


def test_a_settled_track_starts_where_the_face_does() -> None:
    track = track_of(2)
    good = MotionTrack(codes_of(2), codes_of(1), track.present, track.blendshapes, 3)
    assert taken_motion(good, track).start == 3
    with pytest.raises(ValueError, match=r"settle\(\) gave start 0, the track starts at 3"):
        taken_motion(replace(good, start=0), track)
    with pytest.raises(ValueError, match=r"settle\(\) neutral gave 2 rows for 1 frames"):
        taken_motion(replace(good, neutral=codes_of(2)), track)


def test_faces_keep_their_number_of_landmarks() -> None:
    one = Detections(*(np.zeros(shape, np.float32) for shape in ((1, 4), (1, 5, 3), (1,), (1, 0))))
    bare = Detections(*(np.zeros(shape, np.float32) for shape in ((1, 4), (1, 0, 3), (1,), (1, 0))))
    with pytest.raises(ValueError, match=r"landmarks\(\) gave 1 results for 2 frames"):
        taken_detections("landmarks()", [one], 2, None)
    with pytest.raises(ValueError, match=r"detect\(\) changed its number of landmarks or blendshapes between frames"):
        taken_detections("detect()", [bare], 1, one)
    with pytest.raises(ValueError, match=r"detect\(\) gave scores that are not finite"):
        taken_detections("detect()", [replace(one, scores=np.array([np.inf], np.float32))], 1, None)


def test_codes_come_back_to_the_cpu_and_pixels_must_lie_with_the_windows(dpe_accelerator: PretendAccelerator) -> None:
    assert taken_codes("mix()", codes_of(2, ACCELERATOR), 2).pose.device == CPU
    faces, strayed = faces_of(device=ACCELERATOR), faces_of()
    with pytest.raises(ValueError, match=r"generate\(\) pixels lie on cpu, expected ipu:0, where the windows are"):
        taken_generated("generate()", drawn(strayed), faces)
    # A mesh that was computed by hand is brought there: it costs next to nothing.
    taken = taken_generated("generate()", replace(drawn(faces), landmarks_px=strayed.landmarks_px), faces)
    assert taken.landmarks_px.device == ACCELERATOR


def test_other_precisions_are_made_single_and_what_a_generator_adds_is_kept() -> None:
    @dataclass(frozen=True, slots=True)
    class More(Generated):
        note: str = ""

    faces = faces_of()
    taken = taken_generated("generate()", More(faces.pixels.half(), faces.landmarks_px, None, "mine"), faces)
    assert isinstance(taken, More)
    assert (taken.note, taken.pixels.dtype) == ("mine", torch.float32)
    shown = taken_composited(Composited(faces.pixels.double(), torch.ones(2, 1, 4, 6).double()), faces)
    assert {shown.pixels.dtype, shown.matte.dtype} == {torch.float32}


def test_what_goes_in_one_transfer_is_of_one_type(dpe_accelerator: PretendAccelerator) -> None:
    with pytest.raises(ValueError, match=r"torch.float32.* cannot go in one transfer"):
        upload(ACCELERATOR, torch.zeros(1), torch.zeros(1, dtype=torch.int32))
