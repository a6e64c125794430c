"""make.py from outside: what it lists, what it does twice, and how it tells that something is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from development import interpreters, tasks
from development.checkout import LOCK, ROOT, SetupError
from development.environment import Environment
from development.interpreters import find_interpreter
from tests.development.test_environment import posix, stand_in


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A .venv whose programs are not run; the value lists what would have been."""
    done: list[str] = []
    for name in ("PYTHON", "TORCH"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(tasks, "VENV", Environment(tmp_path / ".venv"))
    monkeypatch.setattr(Environment, "make", lambda _self: None)
    monkeypatch.setattr(Environment, "install", lambda _self, group, _file: done.append(f"install {group}"))
    monkeypatch.setattr(tasks.pytorch, "settle", lambda _environment, ours: (LOCK, ours or "2.13.0+cpu"))
    monkeypatch.setattr(tasks, "_execute", lambda command, _variables: done.append(" ".join(map(str, command))))
    return done


def installs(done: list[str]) -> list[str]:
    return [line for line in done if line.startswith("install ")]


def test_nothing_is_installed_twice(made: list[str]) -> None:
    for task in ("demo", "demo", "check", "demo", "check", "docs", "check"):
        assert tasks.main([task]) == 0
    assert installs(made) == ["install demo", "install dev", "install docs"]


def test_an_install_that_was_interrupted_is_made_again(made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_words: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Environment, "install", interrupted)
        assert tasks.main(["demo"]) == 130
    assert tasks.main(["demo"]) == 0
    assert installs(made) == ["install demo"]
    assert tasks.VENV.remembered()["torch"] == "2.13.0+cpu"


def test_asking_for_another_pytorch_installs_again(made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.pytorch, "installed_build", lambda _environment: tasks.pytorch.Build("2.13.0", "cpu", ()))
    assert tasks.main(["demo"]) == 0
    for asked in ("cpu", "cuda"):
        monkeypatch.setenv("TORCH", asked)
        assert tasks.main(["demo"]) == 0
    assert installs(made) == ["install demo"] * 2


def test_the_demonstration_ends_by_telling_where_everything_lies(
    made: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    tasks.main(["demo"])
    shown = capsys.readouterr().out.splitlines()[-3:]
    assert [line.split(":")[0] for line in shown] == ["result", "side by side", "edits file"]
    assert shown[0].split() == ["result:", str(Path("demo_output/demo.mp4"))]
    monkeypatch.chdir(tmp_path)
    tasks.main(["demo"])
    assert f"result:       {ROOT / 'demo_output' / 'demo.mp4'}" in capsys.readouterr().out


def test_words_after_test_go_to_pytest(made: list[str]) -> None:
    tasks.main(["test", "-k", "lock"])
    assert made[-1].endswith("-m pytest -n 2 --dist loadfile --no-loadscope-reorder -q -k lock")


def test_what_is_wrong_is_told_in_a_sentence(
    made: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH", "rocm")
    assert tasks.main(["demo"]) == 1
    assert (
        capsys.readouterr().err
        == "make.py: TORCH is 'rocm'; expected cpu or cuda; leave it out to let the machine decide\n"
    )


def test_a_step_that_fails_gives_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(tasks._StepError, match=r"-c 'raise SystemExit.3.' failed with 3"):
        tasks._execute([sys.executable, "-c", "raise SystemExit(3)"], {})


def test_every_task_is_a_target_of_make_and_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert targets is not None
    assert targets.group(1).split() == sorted(tasks.TASKS)
    assert tasks.main([]) == 2
    shown = capsys.readouterr().err
    assert [name for name in tasks.TASKS if f"\n  {name} " not in shown] == []
    assert tasks.main(["dmeo"]) == 2
    assert "there is nothing by the name of 'dmeo'" in capsys.readouterr().err


def test_make_py_is_run_from_anywhere_and_imports_nothing_that_is_not_pythons(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-E", "-S", ROOT / "make.py"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "usage: python make.py TASK" in done.stderr) == (2, True), done.stderr


def test_an_old_python_is_told_that_it_is_old(tmp_path: Path) -> None:
    script = (
        (ROOT / "make.py")
        .read_text(encoding="utf-8")
        .replace("import sys\n", "import sys\n\nsys.version_info = (3, 8, 1)\n", 1)
    )
    (tmp_path / "make.py").write_text(script, encoding="utf-8")
    done = subprocess.run([sys.executable, tmp_path / "make.py", "demo"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("make.py: this is Python 3.8, and 3.11 or newer is needed; run it by a newer one")
    assert re.search(r"(?m)^(match|type) |:=|f\"", script) is None, "an older Python must be able to read it"


@posix
def test_a_name_on_the_path_whose_python_does_not_run_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "bin" / "python3.99", "exit 127")
    root = tmp_path / "pyenv"
    stand_in(tmp_path / "bin" / "pyenv", f'echo "{root}"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert find_interpreter("3.99") is None
    there = root / "versions" / "3.99.1" / "bin" / "python"
    stand_in(there, f'echo "3.99 {there}"')
    assert find_interpreter("3.99") == there


@posix
def test_each_other_python_is_tried_in_a_clone_and_an_absent_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python = stand_in(tmp_path / "python", f'test "$2" = smoke && test -z "$PYTHON" && pwd >> "{tmp_path}/where"')
    monkeypatch.setenv("PYTHON", "python3.11")
    monkeypatch.setattr(interpreters, "find_interpreter", lambda version: python if version == "3.12" else None)
    interpreters.try_in_clones(leave_out="3.11")
    (place,) = (tmp_path / "where").read_text().splitlines()
    assert not Path(place).exists()
    shown = capsys.readouterr().out
    assert re.search(r"^Python 3\.12: passed after \d+ s$", shown, flags=re.MULTILINE)
    assert "Python 3.13: not on this machine, so nothing was tried" in shown
    assert "3.11" not in shown
    stand_in(python, "exit 4")
    with pytest.raises(SetupError, match=r"the short tests failed by Python 3\.12"):
        interpreters.try_in_clones(leave_out="3.11")
