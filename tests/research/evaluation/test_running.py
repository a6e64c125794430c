from __future__ import annotations

import math

import pytest
import torch

from dpe_research.evaluation import RunSettings, evaluate_groups, grid_groups, pair_groups, self_groups
from dpe_research.evaluation.measures import Measures
from dpe_research.evaluation.methods import TruePictures, UneditedSource
from dpe_research.evaluation.metrics import MetricInfo
from dpe_research.evaluation.report import Report, build_report
from dpe_toolkit.core.errors import OptionsError
from tests.research.evaluation.fakes import DEGREES, Editor, grid_footage, measures, video_footage

PSNR = MetricInfo(key="psnr", label="PSNR", unit="dB", higher_is_better=True)


def reported(protocol: str, methods: list[object], *, measured: Measures | None = None, footage=None) -> Report:
    measured = measured or measures()
    if protocol == "synthetic":
        footage = footage or grid_footage()
        groups = grid_groups(footage.clips(), pairs_per_clip=10)
    else:
        footage = footage or video_footage()
        edit = "both" if protocol == "cross" else protocol
        pairs = [("anna", "bert"), ("carl", "anna")]
        clips = footage.clips()
        groups = self_groups(clips) if protocol == "self" else pair_groups(pairs, clips, edit)
    grid = protocol == "synthetic"
    settings = RunSettings(batch_size=4, num_worst=2, worst_by=PSNR, swept_pairs=6 if grid else 0, measures_spread=grid)
    outcome = evaluate_groups(footage, groups, methods, measured, settings)
    return build_report(protocol, outcome, measured, data="fakes", created="now", tool="tests", settings={})


def numbers(report: Report, method: str) -> dict[str, float | None]:
    rows = [row for table in report.tables for row in table.rows if row.method == method]
    return {key: cell.value for row in rows for key, cell in row.cells.items()}


def reasons(report: Report, method: str) -> dict[str, str]:
    rows = [row for table in report.tables for row in table.rows if row.method == method]
    return {key: cell.why for row in rows for key, cell in row.cells.items() if cell.value is None}


def test_a_method_that_gives_the_truth_leaks_nothing_and_follows_wholly() -> None:
    found = numbers(reported("synthetic", [TruePictures()]), "true pictures")
    assert found["expression_psnr"] == found["pose_psnr"] == found["in-turn_psnr"] == math.inf
    assert found["expression_pose_moved"] == found["pose_shape_moved"] == found["pose_code_moved"] == 0
    assert [found[f"expression_{part}_follow"] for part in ("shape", "code")] == pytest.approx([1, 1])
    assert found["pose_pose_follow"] == pytest.approx(1)
    assert found["expression_ratio"] == found["pose_ratio"] == math.inf


def test_a_method_that_gives_the_source_moves_nothing() -> None:
    report = reported("synthetic", [UneditedSource()])
    found = numbers(report, "unedited source")
    assert found["expression_pose_moved"] == found["pose_shape_moved"] == 0
    assert found["expression_shape_follow"] == found["pose_pose_follow"] == 0
    assert reasons(report, "unedited source")["expression_ratio"] == "the edit moved nothing"
    assert found["expression_pose_left"] == 0 < found["expression_shape_left"]
    assert 0 < found["expression_psnr"] < 40


def test_an_edit_that_hardly_moves_anything_has_no_ratio() -> None:
    report = reported("synthetic", [Editor("shy", leak=1.0, strength=0.06)])
    assert "less than a tenth" in reasons(report, "shy")["expression_ratio"]
    assert numbers(report, "shy")["expression_pose_moved"] > 0


def test_leakage_is_measured_in_its_units() -> None:
    report = reported("synthetic", [Editor("leaky", leak=0.1)])
    found = numbers(report, "leaky")
    # poses lie 30 codes apart, so a tenth of a wanted movement is 3 or 6 codes
    assert 3 * DEGREES - 1e-3 <= found["expression_pose_moved"] <= 6 * DEGREES + 1e-3
    assert found["expression_shape_follow"] == pytest.approx(1, abs=1e-3)
    # 20 codes between expressions, 100 codes a canonical unit, 10 mesh units a canonical unit
    assert 0.2 - 1e-3 <= found["pose_shape_moved"] <= 0.6 + 1e-3
    assert found["expression_ratio"] == pytest.approx(10, rel=0.5)
    assert not any("swapped" in note for note in report.notes)


def test_swapped_branches_are_found() -> None:
    report = reported("synthetic", [Editor("right", leak=0.1), Editor("wrong way", swapped=True, leak=0.1)])
    (note,) = [note for note in report.notes if "swapped" in note]
    assert note.startswith("wrong way:")
    found = numbers(report, "wrong way")
    assert max(found["expression_ratio"], found["pose_ratio"]) < 0.3


def test_movement_grows_with_the_amount() -> None:
    report = reported("synthetic", [Editor("exact")])
    expression, pose = report.curves
    meant, leaked = expression.series
    assert meant.x == (0.25, 0.5, 0.75, 1.0, 1.5)
    assert list(meant.y) == sorted(meant.y)
    assert meant.y[4] == pytest.approx(1.5 * meant.y[3], rel=0.05)
    assert leaked.dashed
    assert set(leaked.y) == {0.0}
    assert [series.name for series in pose.series] == ["exact: pose", "exact: expression"]


def test_self_reenactment_compares_with_the_true_frames() -> None:
    report = reported("self", [TruePictures(), UneditedSource(), Editor("exact")])
    exact, source = numbers(report, "exact"), numbers(report, "unedited source")
    assert exact["psnr"] == math.inf
    assert exact["ssim"] == pytest.approx(1)
    assert exact["csim"] == pytest.approx(1)
    assert exact["metric_difference"] == exact["apd"] == exact["aed_mesh"] == 0
    assert source["psnr"] < 40
    # frames 1 to 5, 1 to 3 and 1 to 4, ten codes of pose a frame, a third of the three angles
    assert source["apd"] == pytest.approx(10 * DEGREES * (15 + 6 + 10) / 12 / 3, rel=1e-4)
    assert source["aed_blendshapes"] == pytest.approx(5 / 255 * 31 / 12, rel=1e-4)
    assert exact["lpips"] is None
    assert reasons(report, "exact")["lpips"] == "no weights were given"
    assert "LPIPS (alex) was not measured: no weights were given." in report.notes


@pytest.mark.parametrize(
    ("protocol", "pose_error", "face_error"), [("cross", 0, 0), ("expression", 0, 0), ("pose", 0, 0)]
)
def test_an_exact_editor_has_no_error_in_any_protocol(protocol: str, pose_error: float, face_error: float) -> None:
    report = reported(protocol, [Editor("exact"), UneditedSource()])
    exact, source = numbers(report, "exact"), numbers(report, "unedited source")
    assert (exact["apd"], exact["aed_expression"]) == (pose_error, face_error)
    assert exact["csim"] == pytest.approx(1)
    assert "psnr" not in exact
    moved = {"cross": ("apd", "aed_expression"), "expression": ("aed_expression",), "pose": ("apd",)}[protocol]
    assert [key for key in ("apd", "aed_expression") if source[key] > 0] == list(moved)


def test_shapes_are_not_compared_between_persons() -> None:
    assert "another person" in reasons(reported("cross", [Editor("exact")]), "exact")["aed_mesh"]
    assert numbers(reported("pose", [Editor("exact")]), "exact")["aed_mesh"] == 0


def test_results_without_a_face_have_no_reading_and_are_counted() -> None:
    report = reported("cross", [Editor("blind", blind=True)])
    assert reasons(report, "blind")["apd"] == "no face was seen in any result"
    assert numbers(report, "blind")["seen"] == 0
    assert numbers(reported("cross", [Editor("exact")]), "exact")["seen"] == 1
    (row,) = report.tables[0].rows
    assert "No face was seen in 10 results" in row.note


def test_true_pictures_without_a_face_are_told() -> None:
    footage = video_footage()
    footage.pictures["anna"][:, 2] = 0
    report = reported("self", [Editor("exact")], footage=footage)
    assert any("saw no face in 6 of 15 true pictures" in note for note in report.notes)


def test_the_worst_frames_are_of_different_clips_worst_first() -> None:
    report = reported("self", [UneditedSource()])
    assert [frame.label for frame in report.worst] == ["anna, 000005", "carl, 000004"]
    assert [role for role, _ in report.worst[0].pictures] == ["source", "driver", "result", "truth"]
    assert all(address.startswith("data:image/png;base64,") for _, address in report.worst[0].pictures)


def test_curves_follow_the_frames_of_the_driver() -> None:
    report = reported("self", [UneditedSource()])
    (apd,) = [curve for curve in report.curves if curve.title == "APD (mesh) per frame"]
    (line,) = apd.series
    assert line.x == (1, 2, 3, 4, 5)
    assert line.y == pytest.approx([10 * DEGREES * n / 3 for n in (1, 2, 3, 4, 5)], rel=1e-4)


def test_missing_embedders_are_told_in_the_cell() -> None:
    report = reported("cross", [Editor("exact")], measured=measures(identity=False))
    assert reasons(report, "exact")["csim"] == "no identity embedder is installed"


def test_without_a_regressor_pictures_are_still_compared() -> None:
    plain = measures()
    blind = Measures(plain.pictures, None, "mesh", "", {**plain.absent, "apd": "there is no regressor"})
    report = reported("self", [Editor("exact")], measured=blind)
    assert numbers(report, "exact")["psnr"] == math.inf
    assert reasons(report, "exact")["apd"] == "there is no regressor"
    grid = reported("synthetic", [Editor("exact")], measured=blind)
    assert numbers(grid, "exact")["expression_psnr"] == math.inf
    assert reasons(grid, "exact")["expression_ratio"] == "no regressor reads faces here"


def test_two_methods_of_one_name_are_refused() -> None:
    with pytest.raises(OptionsError, match="two rows are called 'twin'"):
        reported("self", [Editor("twin"), Editor("twin")])


def test_true_pictures_are_read_once_for_all_methods() -> None:
    footage = video_footage()
    reported("self", [Editor("a"), Editor("b"), UneditedSource()], footage=footage)
    assert sorted(footage.asked) == ["anna", "bert", "carl"]
    assert footage.pictures["anna"].dtype == torch.uint8
