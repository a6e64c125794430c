from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from dpe_portrait.compositor import CropCompositor
from dpe_portrait.encoder import WINDOW, DpeAppearance, DpeEncoder
from dpe_portrait.generator import DpeGenerator, Part
from dpe_portrait.model import CROP_MARGIN, DpeModel, crop_squares, open_model
from dpe_portrait.motion import DpeMotion
from dpe_portrait.options import CropOptions, GeneratorOptions, ModelOptions, MotionOptions, PasteMode
from dpe_toolkit.analysis import plan_windows, window_shape
from dpe_toolkit.api import (
    Appearance,
    ComponentContext,
    Generated,
    GenerateRequest,
    MixRequest,
    MotionCode,
    MotionTrack,
    ShotMaterial,
)
from dpe_toolkit.checkpoint import load_generator
from dpe_toolkit.geometry import cut_aligned
from tests.plugins.dpe_portrait.conftest import CPU, faces_of, track_of, write_tiny


def codes(model: DpeModel, count: int, seed: int) -> MotionCode:
    generator = torch.Generator().manual_seed(seed)
    size = model.space.expression_size
    return MotionCode(model.space, *(torch.randn(count, size, generator=generator) for _ in range(2)))


def track(own: MotionCode, neutral: MotionCode | None = None) -> MotionTrack:
    count = len(own)
    rest = neutral or own.take(slice(0, 1))
    return MotionTrack(own, rest, np.ones(count, np.bool_), np.zeros((count, 0), np.float32), 0)


def request_of(
    expression: list[float], pose: list[float], mode: Literal["absolute", "relative"] = "absolute"
) -> MixRequest:
    return MixRequest(torch.tensor(expression), torch.tensor(pose), mode)


def edit(
    model: DpeModel,
    source: Tensor,
    driver: Tensor,
    asked: MixRequest,
    *,
    parts: tuple[Part, ...] = ("expression", "pose"),
    paste: PasteMode = "plain",
    rows: list[int] | None = None,
) -> Tensor:
    """What the plugin makes of windows, through encoder, motion extractor and generator."""
    motion = DpeMotion(model, MotionOptions())
    rate, count = Fraction(25), len(source)
    own, theirs = (
        motion.settle(motion.extract(faces_of(pixels)), track_of([True] * count), rate, None)
        for pixels in (source, driver)
    )
    target = motion.mix(own, theirs, theirs.codes, asked)
    generator = DpeGenerator(model, GeneratorOptions(paste=paste), parts)
    material = ShotMaterial(own, theirs, np.arange(float(count)), target, asked, None, None)  # type: ignore[arg-type]
    shown = np.array(range(count) if rows is None else rows)
    appearance = DpeEncoder(model).encode(faces_of(source[shown.tolist()]))
    request = GenerateRequest(shown, appearance, own.codes.take(shown), target.take(shown), None)
    return generator.begin_shot(material).generate(request).pixels


def test_listing_the_plugin_loads_no_torch() -> None:
    code = "import dpe_portrait.plugin as p, sys; p.dpe_register_generators(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_one_network_serves_the_components_of_a_checkpoint(tiny: Path, model: DpeModel, tmp_path: Path) -> None:
    assert open_model(MotionOptions(), ComponentContext(CPU, tiny)) is model
    other = write_tiny(tmp_path / "other.safetensors", seed=1)
    assert open_model(ModelOptions(), ComponentContext(CPU, other)).space != model.space


def test_the_crop_follows_the_focus_and_stays_in_the_window_that_is_asked_for() -> None:
    boxes = np.array([[100 + row / 3, 80, 140 + row / 3, 130] for row in range(24)], np.float32)
    seen = track_of([True] * 24)
    found = type(seen)(seen.index, boxes, seen.landmarks_px, seen.scores, seen.present, seen.blendshapes)
    placement = plan_windows(found, window_shape(DpeEncoder(None))).placement(np.arange(24))  # type: ignore[arg-type]
    width, height = placement.size_px
    faces = faces_of(torch.zeros(24, 3, height, width))
    squares = crop_squares(type(faces)(faces.pixels, placement, faces.landmarks_px, faces.blendshapes, faces.index))
    assert squares[0, 2] == pytest.approx(50 * CROP_MARGIN)
    left = squares[:, 0] + torch.from_numpy(placement.origin_px[:, 0]).float()
    torch.testing.assert_close(left.diff()[8:16], torch.full((8,), 1 / 3), atol=5e-3, rtol=0)
    assert (squares[:, :2] >= -2).all()
    assert (squares[:, :2] + squares[:, 2:] <= width + 2).all()
    assert WINDOW.square


def test_codes_and_appearance_of_a_batch_are_those_of_its_faces_alone(model: DpeModel, windows: Tensor) -> None:
    motion, encoder = DpeMotion(model, MotionOptions()), DpeEncoder(model)
    whole = motion.extract(faces_of(windows))
    looks = encoder.encode(faces_of(windows))
    for row in range(len(windows)):
        one = slice(row, row + 1)
        torch.testing.assert_close(
            motion.extract(faces_of(windows[one])).expression, whole.expression[one], atol=1e-4, rtol=1e-4
        )
        alone = encoder.encode(faces_of(windows[one])).encoded
        torch.testing.assert_close(alone.features[-1], looks.encoded.features[-1][one], atol=1e-4, rtol=1e-4)


def test_a_still_is_encoded_once_for_all_its_frames(model: DpeModel, windows: Tensor) -> None:
    held = windows[:1].expand(4, -1, -1, -1)
    looks = DpeEncoder(model).encode(faces_of(held))
    assert len(looks.encoded.latent) == 1
    assert len(DpeMotion(model, MotionOptions()).extract(faces_of(held))) == 4
    moving = edit(model, held, windows[[0, 1, 2, 1]], request_of([1.0] * 4, [0.0] * 4))
    alone = edit(model, windows[:1], windows[1:2], request_of([1.0], [0.0]))
    torch.testing.assert_close(moving[1:2], alone, atol=1e-4, rtol=0)


@pytest.mark.parametrize("branch", ["pose", "exp"])
@pytest.mark.parametrize(
    ("name", "parts", "amounts"),
    [
        ("expression", ("expression", "pose"), (1.0, 0.0)),
        ("pose", ("pose",), (1.0, 1.0)),
        ("both", ("expression", "pose"), (1.0, 1.0)),
        ("expression", ("expression", "pose"), (0.4, 0.0)),
        ("both", ("expression", "pose"), (0.7, 0.3)),
    ],
)
def test_edits_are_those_of_the_network(
    tmp_path: Path,
    windows: Tensor,
    branch: Literal["pose", "exp"],
    name: Literal["expression", "pose", "both"],
    parts: tuple[Part, ...],
    amounts: tuple[float, float],
) -> None:
    path = write_tiny(tmp_path / "w.safetensors", expression_branch=branch)
    model = open_model(ModelOptions(), ComponentContext(CPU, path))
    picture = cut_aligned(windows, torch.tensor([[0.0, 0.0, 48.0]]).expand(3, -1), 32).clamp(0, 1)
    strength, pose = amounts if name != "pose" else (amounts[1], None)
    wanted = load_generator(path).edit(
        picture[:2] * 2 - 1, picture[1:] * 2 - 1, name, strength, pose_strength=pose if name == "both" else None
    )
    shown = edit(model, picture[:2], picture[1:], request_of([amounts[0]] * 2, [amounts[1]] * 2), parts=parts)
    inside = (slice(None), slice(None), slice(4, 28), slice(4, 28))
    torch.testing.assert_close(shown[inside], ((wanted.clamp(-1, 1) + 1) / 2)[inside], atol=2e-4, rtol=0)


def test_relative_edits_add_the_drivers_departure_from_his_neutral(model: DpeModel) -> None:
    motion = DpeMotion(model, MotionOptions())
    own, theirs = codes(model, 3, 1), codes(model, 3, 2)
    source, driver = track(own), track(theirs, theirs.take(slice(1, 2)))
    asked = request_of([0.5, 1.0, 0.0], [0.0, 0.0, 0.0], "relative")
    target = motion.mix(source, driver, theirs, asked)
    torch.testing.assert_close(target.expression[1], own.expression[1])
    torch.testing.assert_close(
        target.expression[0], own.expression[0] + 0.5 * (theirs.expression[0] - theirs.expression[1])
    )
    assert torch.equal(target.expression[2], own.expression[2])
    assert torch.equal(target.pose, own.pose)


def test_no_amount_is_exactly_the_source_and_a_whole_one_exactly_the_driver(model: DpeModel) -> None:
    own, theirs = codes(model, 2, 1), codes(model, 2, 2)
    target = DpeMotion(model, MotionOptions()).mix(
        track(own), track(theirs), theirs, request_of([0.0, 1.0], [1.0, 0.0])
    )
    assert torch.equal(target.expression, torch.stack([own.expression[0], theirs.expression[1]]))
    assert torch.equal(target.pose, torch.stack([theirs.pose[0], own.pose[1]]))


@pytest.mark.parametrize("paste", ["plain", "residual", "flow", "flow_residual"])
def test_rows_whose_codes_do_not_change_come_back_bit_for_bit(
    model: DpeModel, windows: Tensor, paste: PasteMode
) -> None:
    driver = windows.flip(0)
    after = edit(model, windows, driver, request_of([0.0, 1.0, 0.0], [0.0] * 3), paste=paste)
    assert torch.equal(after[[0, 2]], windows[[0, 2]])
    after = edit(model, windows, driver, request_of([1.0, 0.0, 1.0], [0.0] * 3), paste=paste)
    assert torch.equal(after[1], windows[1])
    assert not torch.equal(after[0], windows[0])


@pytest.mark.parametrize("paste", ["residual", "flow", "flow_residual"])
@pytest.mark.parametrize("amounts", [(1.0, 0.0), (1.0, 1.0)])
def test_a_driver_that_is_the_source_changes_nothing(
    model: DpeModel, windows: Tensor, paste: PasteMode, amounts: tuple[float, float]
) -> None:
    asked = request_of([amounts[0]] * 3, [amounts[1]] * 3)
    after = edit(model, windows, windows, asked, paste=paste)
    assert (after - windows).abs().max() <= 1 / 255


@pytest.mark.parametrize("paste", ["plain", "residual", "flow", "flow_residual"])
def test_rows_give_the_same_pixels_whatever_was_asked_before(
    model: DpeModel, windows: Tensor, paste: PasteMode
) -> None:
    asked = request_of([1.0, 0.5, 0.8], [0.0, 0.6, 1.0])
    whole = edit(model, windows, windows.flip(3), asked, paste=paste)
    last = edit(model, windows, windows.flip(3), asked, paste=paste, rows=[2])
    torch.testing.assert_close(last[0], whole[2], atol=1e-3, rtol=0)


def test_gaps_are_bridged_by_lines_and_smoothing_shifts_nothing(model: DpeModel) -> None:
    ramp = torch.arange(9.0)[:, None].expand(9, model.space.pose_size)
    broken = ramp.clone()
    broken[3:5] = 99.0
    raw = MotionCode(model.space, broken, broken.clone())
    seen = track_of([row not in (3, 4) for row in range(9)])
    settled = DpeMotion(model, MotionOptions()).settle(raw, seen, Fraction(25), None)
    torch.testing.assert_close(settled.codes.pose, ramp.contiguous())
    assert settled.start == 5
    smooth = DpeMotion(model, MotionOptions(smoothing_s=0.04)).settle(raw, seen, Fraction(25), None)
    torch.testing.assert_close(smooth.codes.pose[3:6], ramp[3:6], atol=0.02, rtol=0)


def test_the_neutral_is_the_named_row_else_the_calmest_rows(model: DpeModel) -> None:
    raw = codes(model, 10, 1)
    activity = np.ones((10, 4), np.float32)
    activity[6] = 0.1
    motion = DpeMotion(model, MotionOptions())
    named = motion.settle(raw, track_of([True] * 10), Fraction(25), 4)
    assert torch.equal(named.neutral.expression[0], raw.expression[4])
    calm = motion.settle(raw, track_of([True] * 10, activity), Fraction(25), None)
    torch.testing.assert_close(calm.neutral.expression[0], raw.expression[6])
    middle = motion.settle(raw, track_of([True] * 10), Fraction(25), None)
    assert len(middle.neutral) == 1


def test_a_generator_refuses_the_looks_of_another_encoder(model: DpeModel, windows: Tensor) -> None:
    own = codes(model, 3, 1)
    asked = request_of([1.0] * 3, [0.0] * 3)
    material = ShotMaterial(track(own), track(own), np.arange(3.0), own, asked, None, None)  # type: ignore[arg-type]
    shot = DpeGenerator(model, GeneratorOptions(), ("expression",)).begin_shot(material)
    stranger = Appearance(model.space, faces_of(windows))
    with pytest.raises(TypeError, match="was given Appearance in place of a DpeAppearance"):
        shot.generate(GenerateRequest(np.arange(3), stranger, own, own, None))


def test_an_appearance_says_where_its_crops_lie(model: DpeModel, windows: Tensor) -> None:
    looks = DpeEncoder(model).encode(faces_of(windows))
    assert isinstance(looks, DpeAppearance)
    assert looks.squares_px.tolist() == [[0.0, 0.0, 48.0]] * 3


def test_the_crop_compositor_runs_out_at_the_window_and_where_the_generator_has_no_say(windows: Tensor) -> None:
    confidence = torch.ones(3, 1, 48, 48)
    confidence[:, :, :, 30:] = 0
    faces = faces_of(windows)
    shown = CropCompositor(CropOptions()).composite(faces, Generated(windows + 0.1, faces.landmarks_px, confidence))
    assert torch.equal(shown.pixels, windows + 0.1)
    assert shown.matte.shape == (3, 1, 48, 48)
    assert shown.matte[0, 0, 24, 24] == 1
    assert not shown.matte[:, :, :, 30:].any()
    assert (shown.matte[0, 0, 24, :3].diff() > 0).all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("paste", get_args(PasteMode))
def test_a_gpu_draws_what_a_cpu_draws(tiny: Path, windows: Tensor, paste: PasteMode) -> None:
    asked = request_of([1.0, 0.5, 0.0], [0.0, 1.0, 0.0])
    drawn = [
        edit(
            open_model(ModelOptions(), ComponentContext(torch.device(name), tiny)),
            windows,
            windows.flip(3),
            asked,
            paste=paste,
        )
        for name in ("cpu", "cuda")
    ]
    assert (drawn[0] - drawn[1].cpu()).abs().max() <= 2 / 255
