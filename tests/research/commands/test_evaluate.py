from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

import dpe_toolkit.plugins
from dpe_research import plugin
from dpe_toolkit.checkpoint import WeightsHeader, save_weights
from dpe_toolkit.cli import app
from dpe_toolkit.networks import DpeNetwork, NetworkParams
from dpe_toolkit.plugins import Registry
from tests.research.evaluation.fakes import FakePlugin, grid_footage, picture, video_footage, write_dataset
from tests.research.evaluation.test_methods import write

TINY = NetworkParams(size=32, style_dim=8, motion_dim=4, max_channels=8)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data") / "videos", video_footage())


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data") / "grid", grid_footage())


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    torch.manual_seed(0)
    save_weights(path, DpeNetwork(TINY).state_dict(), WeightsHeader.of(TINY))
    return path


@pytest.fixture(autouse=True)
def _plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry.of({"fakes": FakePlugin(), "dpe_research": plugin})
    monkeypatch.setattr(dpe_toolkit.plugins, "load_registry", lambda **allowed: registry)


def evaluate(*words: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, words)], env={"COLUMNS": "200", "DPE_WEIGHTS": None})


def values(folder: Path) -> dict[str, dict[str, float | None]]:
    report = json.loads((folder / "report.json").read_text())
    rows: dict[str, dict[str, float | None]] = {}
    for table in report["tables"]:
        for row in table["rows"]:
            rows.setdefault(row["method"], {}).update({key: cell["value"] for key, cell in row["cells"].items()})
    return rows


def test_an_ablation_table_comes_out_of_one_run(tmp_path: Path, grid: Path, weights: Path) -> None:
    out = tmp_path / "out"
    words = ("--data", grid, "--weights", weights, "--compare", f"other={weights}", "--baseline", "untrained")
    result = evaluate("synthetic", *words, "--pairs-per-clip", 3, "-o", out)
    assert result.exit_code == 0, result.output
    rows = values(out)
    assert list(rows) == ["true pictures", "unedited source", "untrained network", "tiny", "other"]
    assert rows["tiny"] == rows["other"]
    assert rows["tiny"]["expression_psnr"] is not None
    assert rows["true pictures"]["expression_ratio"] == "Infinity"
    assert len((out / "frames.csv").read_text().splitlines()) == 1 + 5 * 2 * 3 * 3
    assert "true pictures" in result.stdout
    assert "report.html" in result.stderr


def test_results_of_another_method_are_evaluated_and_gaps_told(tmp_path: Path, videos: Path) -> None:
    results, out = tmp_path / "LIA", tmp_path / "out"
    for row in (1, 2, 3, 4, 5):
        write(results / "anna" / f"{row:06d}.png", picture(20 + 10 * row, 60 + 5 * row, 40))
    result = evaluate("self", "--data", videos, "--results", results, "--metric", "difference", "-o", out)
    assert result.exit_code == 0, result.output
    row = values(out)["LIA"]
    assert (row["psnr"], row["metric_difference"], row["apd"]) == ("Infinity", 0, 0)
    assert "LIA: 7 of 12 results are missing" in result.stderr


@pytest.mark.parametrize("protocol", ["cross", "expression", "pose"])
def test_pairs_may_be_named(tmp_path: Path, videos: Path, weights: Path, protocol: str) -> None:
    (tmp_path / "pairs.tsv").write_text("source\tdriver\nanna\tbert\n")
    out = tmp_path / "out"
    words = ("--data", videos, "--weights", weights, "--pairs", tmp_path / "pairs.tsv", "-o", out, "-q")
    result = evaluate(protocol, *words)
    assert result.exit_code == 0, result.output
    assert result.output == ""
    assert len((out / "frames.csv").read_text().splitlines()) == 1 + 2 * 4
    assert values(out)["unedited source"]["csim"] == pytest.approx(1)


def test_reports_are_joined(tmp_path: Path, videos: Path, weights: Path) -> None:
    for protocol in ("self", "cross"):
        evaluate(protocol, "--data", videos, "--weights", weights, "-o", tmp_path / protocol, "-q", "--frames", 2)
    result = evaluate("join", tmp_path / "self", tmp_path / "cross", "-o", tmp_path / "both")
    assert result.exit_code == 0, result.output
    assert "Cross-reenactment" in (tmp_path / "both" / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "no method is named"),
        (("--compare", "{weights}"), "names no row"),
        (("--weights", "none.safetensors"), "there is no such weights file"),
        (("--results", "none"), "no such folder of results"),
        (("--weights", "{weights}", "--regressor", "mash"), "there is no regressor 'mash'"),
        (("--weights", "{weights}", "--metric", "fid"), "there is no metric 'fid'"),
        (("--weights", "{weights}", "--split", "train"), "no clips in the split 'train'"),
        (("--weights", "{weights}", "--lpips-linear", "none.pth"), "LPIPS has no weights of its own"),
        (("--baseline", "mesh"), "there is no detector 'face_mesh'"),
        (("--weights", "{weights}", "--published", "none.csv"), "published rows cannot be read"),
    ],
)
def test_faults_are_told_before_anything_is_written(
    tmp_path: Path, videos: Path, weights: Path, words: tuple[str, ...], message: str
) -> None:
    asked = [word.replace("{weights}", str(weights)) for word in words]
    result = evaluate("self", "--data", videos, *asked, "-o", tmp_path / "out")
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_a_video_dataset_has_no_grid(tmp_path: Path, videos: Path, weights: Path) -> None:
    result = evaluate("synthetic", "--data", videos, "--weights", weights, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "several poses in several expressions" in result.stderr
