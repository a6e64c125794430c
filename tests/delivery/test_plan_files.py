"""A plan is an input: written here, rendered there, to the same samples."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dpe_toolkit
from dpe_toolkit.api import Component, hookimpl
from dpe_toolkit.core.errors import OptionsError, PlanError
from dpe_toolkit.delivery.plan_files import _entry, _missing_weights, write_plan
from dpe_toolkit.planning.document import read_plan
from dpe_toolkit.plans.shot import ShotPlan
from dpe_toolkit.plugins import Registry
from tests.cli.conftest import NUM_FRAMES, Dpe
from tests.cli.test_shot_files import cut
from tests.delivery.test_door import expect_equal, planes_of


@pytest.fixture
def linked(dpe: Dpe, media: Path, tmp_path: Path) -> Path:
    """Three clips; the second is edited, at half speed, and dissolves into the third."""
    words = ("--clip", "two", "--driver", media / "face.mkv", "--consent", "given", "-o", tmp_path / "cut.otio")
    assert dpe("link", cut(tmp_path, media), *words).returncode == 0
    return tmp_path / "cut.otio"


def test_a_plan_renders_as_its_timeline_does(dpe: Dpe, linked: Path, tmp_path: Path) -> None:
    done = dpe("plan", linked, "--expression", "0.6", "-o", tmp_path / "plan.json")
    assert (done.returncode, "wrote: " in done.stderr) == (0, True)
    assert dpe("render", linked, "--expression", "0.6", "-o", tmp_path / "whole.mkv").returncode == 0
    done = dpe("render", tmp_path / "plan.json", "-o", tmp_path / "again.mkv")
    assert done.returncode == 0, done.stderr
    expect_equal(tmp_path / "again.mkv", tmp_path / "whole.mkv")


@pytest.mark.parametrize("chunk", ["0:3", "3:7", "5:10"])
def test_a_chunk_has_the_samples_of_those_frames_of_the_whole(
    dpe: Dpe, linked: Path, tmp_path: Path, chunk: str
) -> None:
    assert dpe("render", linked, "-o", tmp_path / "whole.mkv", "-q").returncode == 0
    assert dpe("plan", linked, "--frames", chunk, "-o", tmp_path / "chunk.json").returncode == 0
    done = dpe("render", tmp_path / "chunk.json", "-o", tmp_path / "chunk.mkv", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    start, stop = map(int, chunk.split(":"))
    for plane, whole in zip(planes_of(tmp_path / "chunk.mkv"), planes_of(tmp_path / "whole.mkv"), strict=True):
        np.testing.assert_array_equal(plane, whole[start:stop])


def test_a_plan_is_narrowed_as_a_timeline_is(dpe: Dpe, linked: Path, tmp_path: Path) -> None:
    assert dpe("plan", linked, "-o", tmp_path / "plan.json").returncode == 0
    for words in (("--frames", "2:5"), ("--shot", "two")):
        for name in ("cut.otio", "plan.json"):
            assert dpe("render", tmp_path / name, *words, "-o", tmp_path / f"{name}.mkv").returncode == 0
        expect_equal(tmp_path / "cut.otio.mkv", tmp_path / "plan.json.mkv")
    done = dpe("still", tmp_path / "plan.json", "--frame", "3", "-o", tmp_path / "frame.png")
    assert done.returncode == 0, done.stderr
    assert dpe("still", linked, "--frame", "3", "-o", tmp_path / "same.png").returncode == 0
    assert (tmp_path / "frame.png").read_bytes() == (tmp_path / "same.png").read_bytes()


def test_a_plan_is_shown_as_its_timeline_is(dpe: Dpe, linked: Path, tmp_path: Path) -> None:
    first = dpe("plan", linked, "--explain", "-o", tmp_path / "plan.json")
    again = dpe("plan", tmp_path / "plan.json", "--explain")
    assert (again.returncode, again.stdout) == (0, first.stdout)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--expression", "0.5"), "--expression"),
        (("--missing-face", "hold"), "--missing-face"),
        (("--compositor", "feather"), "--compositor"),
        (("--set", "feather.feather_px=4"), "--set feather.feather_px"),
        (("--feather.feather-px", "4"), "--set feather.feather_px"),
        (("--weights", "dpe"), "--weights"),
        (("--project", "dpe.toml"), "--project"),
        (("--media-root", "."), "--media-root"),
        (("--fit", "fill"), "--fit"),
        (("--gaps", "transparent"), "--gaps"),
    ],
)
def test_what_a_plan_has_settled_is_refused(
    dpe: Dpe, linked: Path, tmp_path: Path, words: tuple[str, ...], named: str
) -> None:
    assert dpe("plan", linked, "-o", tmp_path / "plan.json").returncode == 0
    done = dpe("render", tmp_path / "plan.json", *words, "-o", tmp_path / "out.mkv")
    assert done.returncode == 2
    assert f"{named} does not go with a plan, which says already what is done" in done.stderr
    assert "Give it to 'dpe plan TIMELINE -o plan.json'" in done.stderr


def test_shots_as_files_want_a_timeline(dpe: Dpe, linked: Path, tmp_path: Path) -> None:
    assert dpe("plan", linked, "-o", tmp_path / "plan.json").returncode == 0
    done = dpe("render", tmp_path / "plan.json", "--per-shot", tmp_path / "shots")
    assert (done.returncode, "--per-shot does not go with a plan" in done.stderr) == (2, True)
    with pytest.raises(OptionsError, match="--per-shot does not go with a plan"):
        dpe_toolkit.render(dpe_toolkit.plan(linked), per_shot=tmp_path / "shots")  # type: ignore[call-overload] # tried


def test_a_plan_as_an_object_is_taken_too(linked: Path, cache: Path, tmp_path: Path) -> None:
    plan = dpe_toolkit.plan(linked, frames=(0, 2), output=tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == plan
    assert dpe_toolkit.render(plan, tmp_path / "out.mkv", cache_dir=cache).num_frames == 2
    with pytest.raises(OptionsError, match="--pose does not go with a plan"):
        dpe_toolkit.render(plan, tmp_path / "out.mkv", pose=1)


def test_a_file_that_is_no_plan_is_told(dpe: Dpe, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"shots": 3}')
    done = dpe("render", tmp_path / "other.json", "-o", tmp_path / "out.mkv")
    assert (done.returncode, "holds no plan" in done.stderr) == (2, True)
    (tmp_path / "torn.json").write_text("{")
    with pytest.raises(PlanError, match=r"torn.json' is no JSON"):
        read_plan(tmp_path / "torn.json")
    done = dpe("plan", tmp_path / "gone.json")
    assert (done.returncode, "gone.json' cannot be read: No such file" in done.stderr) == (2, True)


def test_a_plan_is_not_written_over_what_it_reads_nor_under_another_suffix(linked: Path, tmp_path: Path) -> None:
    plan = dpe_toolkit.plan(linked)
    with pytest.raises(OptionsError, match=r"'plan.txt' is no plan"):
        write_plan(plan, tmp_path / "plan.txt")
    write_plan(plan, tmp_path / "plan.json")
    with pytest.raises(OptionsError, match="the output is a file that the timeline reads"):
        dpe_toolkit.plan(tmp_path / "plan.json", output=tmp_path / "plan.json")
    with pytest.raises(OptionsError, match="does not exist"):
        write_plan(plan, tmp_path / "none" / "plan.json")


def test_what_this_machine_lacks_is_told_before_anything_is_rendered(
    dpe: Dpe, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "media"
    own.mkdir()
    (own / "face.mkv").write_bytes((media / "face.mkv").read_bytes())
    words = ("--clip", "two", "--driver", media / "face.mkv", "--consent", "given", "-o", tmp_path / "cut.otio")
    assert dpe("link", cut(tmp_path, own), *words).returncode == 0
    assert dpe("plan", tmp_path / "cut.otio", "-o", tmp_path / "plan.json").returncode == 0
    held = json.loads((tmp_path / "plan.json").read_text())

    (own / "face.mkv").write_bytes((own / "face.mkv").read_bytes() + b"\0")
    done = dpe("render", tmp_path / "plan.json", "-o", tmp_path / "out.mkv")
    assert (done.returncode, "its content has changed since the plan was made" in done.stderr) == (2, True)
    (own / "face.mkv").unlink()
    done = dpe("plan", tmp_path / "plan.json")
    assert (done.returncode, "no such file" in done.stderr.lower() or "cannot be" in done.stderr) == (2, True)

    (own / "face.mkv").write_bytes((media / "face.mkv").read_bytes())
    changed = json.dumps(held).replace('"name": "feather"', '"name": "gone"')
    (tmp_path / "plan.json").write_text(changed)
    done = dpe("render", tmp_path / "plan.json", "-o", tmp_path / "out.mkv")
    assert done.returncode == 2
    assert "compositor 'gone' of plugin feather_blend" in done.stderr
    assert "is not installed here" in done.stderr


def test_another_version_of_a_plugin_is_a_warning(linked: Path, tmp_path: Path) -> None:
    plan = dpe_toolkit.plan(linked)
    version = next(shot.edit for shot in plan.leaves() if shot.edit is not None).components["compositor"].version
    text = plan.model_dump_json().replace(f'"version":"{version}"', '"version":"0.0.1"')
    (tmp_path / "plan.json").write_text(text)
    again = dpe_toolkit.plan(tmp_path / "plan.json")
    assert again.errors == ()
    assert any(f"0.0.1 is wanted, and {version} is installed" in problem.wrong for problem in again.problems)


def test_the_frames_of_a_plan_are_counted_as_the_timeline_counts(dpe: Dpe, linked: Path, tmp_path: Path) -> None:
    assert dpe("plan", linked, "--frames", "4:9", "-o", tmp_path / "chunk.json").returncode == 0
    assert dpe_toolkit.plan(tmp_path / "chunk.json", frames="5:7").num_frames == 2
    with pytest.raises(OptionsError, match="frames 20:30 hold none"):
        dpe_toolkit.plan(tmp_path / "chunk.json", frames="20:30")
    assert dpe_toolkit.plan(linked).num_frames == NUM_FRAMES


class Clashing:
    """A stranger's plugin with a compositor of a name that the toolkit has too."""

    @hookimpl
    def dpe_register_compositors(self) -> list[Component[Any]]:
        return [Component(kind="compositor", name="feather", summary="", create=lambda *given: None)]


def test_a_component_whose_name_another_plugin_has_too_is_that_of_the_plan(linked: Path) -> None:
    plan = dpe_toolkit.plan(linked)
    plugins = {"feather_blend": importlib.import_module("dpe_feather_blend.plugin"), "other": Clashing()}
    edit = next(take.edit for take in plan.takes if take.edit is not None)
    choice = edit.components["compositor"]
    found = _entry(Registry.of(plugins), choice)
    assert found is not None
    assert found.plugin == choice.plugin == "feather_blend"


@pytest.mark.parametrize(("there", "missing"), [(("net", "parts"), ()), (("net",), ("parts",)), ((), ("net", "parts"))])
def test_weights_and_folders_of_weights_that_are_not_here_are_told(
    linked: Path, tmp_path: Path, there: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    named = {"net": tmp_path / "net", "parts": tmp_path / "parts"}
    for name in there:
        if name == "parts":
            named[name].mkdir()
        else:
            named[name].write_bytes(b"")
    plan = dpe_toolkit.plan(linked)
    take = next(take for take in plan.takes if take.edit is not None)
    assert take.edit is not None
    choice = take.edit.components["compositor"].model_copy(
        update={"weights": named["net"], "weights_named": {"decoder": named["parts"]}}
    )
    edit = take.edit.model_copy(update={"components": {**take.edit.components, "compositor": choice}})
    shot = ShotPlan.of(take.model_copy(update={"edit": edit}))
    told = list(_missing_weights(plan.model_copy(update={"shots": (shot,)})))
    assert [problem.where for problem in told] == [f"weights {str(named[name])!r}" for name in missing]
