"""What there is to do in a checkout, by name."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from development import lockfile, pytorch
from development.checkout import LOCK, ROOT, SetupError, distributions, project
from development.environment import Environment
from development.interpreters import TESTED, try_in_clones

__all__ = ["SPREAD", "TASKS", "main"]

VENV = Environment(ROOT / ".venv")

DEMO = Path("demo_output")
_STILL_FRAME = "58"
_LINTED = ("make.py", "noxfile.py", "development", "dpe_toolkit", "plugins", "benchmarks", "tests")
_SIZED = ("development", "dpe_toolkit", "plugins", "benchmarks")
SPREAD = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
"""How pytest spreads the tests over two processes: file by file, in the order of collection. By their number, few long
tests of one file would run last, on one core alone."""
_PYTEST = ("-m", "pytest", *SPREAD, "-q")


class _StepError(Exception):
    """A program of the checkout failed; it has said why itself."""

    def __init__(self, command: Sequence[str], code: int) -> None:
        self.code = code
        super().__init__(f"{shlex.join(command)} failed with {code}")


def demo(_words: Sequence[str]) -> None:
    """Renders the demonstration into demo_output/, after setting up what that takes."""
    _set_up("demo")
    rendered, still = DEMO / "demo.mp4", DEMO / "demo.png"
    _python("-m", "dpe_toolkit.testing.demo", str(DEMO / "media"))
    _run("dpe", "render", "timelines/demo.otio", "-o", str(rendered))
    _run("dpe", "still", "timelines/demo.otio", "--frame", _STILL_FRAME, "-o", str(still))
    # From elsewhere, a path that starts here would lead nowhere.
    place = Path() if Path.cwd() == ROOT else ROOT
    print(f"result:       {place / rendered}")
    print(f"side by side: {place / still}")
    print(f"edits file:   {place / rendered}.edits.json", flush=True)


def smoke(words: Sequence[str]) -> None:
    """The demonstration, and the few tests that tell soonest whether a set-up works; words go to pytest."""
    demo(())
    _set_up("dev")
    _python(*_PYTEST, "-m", "smoke", *words)


def check(_words: Sequence[str]) -> None:
    """Ruff, mypy, the rules of imports, and the sizes of functions."""
    _set_up("dev")
    _run("ruff", "check", *_LINTED)
    _run("ruff", "format", "--check", *_LINTED)
    _run("mypy", "development", "dpe_toolkit", *_plugin_packages())
    _run("lint-imports")
    _python("tests/contracts/function_sizes.py", *_SIZED)


def test(words: Sequence[str]) -> None:
    """All that check does, and all tests; words go to pytest."""
    check(())
    _python(*_PYTEST, *words)


def pythons(_words: Sequence[str]) -> None:
    """Smoke, by every other tested Python that this machine has, each in a clone of the last commit."""
    try_in_clones(leave_out="{}.{}".format(*sys.version_info[:2]))


def docs(_words: Sequence[str]) -> None:
    """The documentation as a site, into site/."""
    _set_up("docs")
    _python("-m", "mkdocs", "build", "--strict", "-q", NO_MKDOCS_2_WARNING="1")
    print("site: site/index.html")


def wheels(_words: Sequence[str]) -> None:
    """A wheel of each distribution, into dist/."""
    _set_up("dev")
    folders = [str(folder) for folder in distributions()]
    _python("-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--wheel-dir", "dist", *folders)
    print("\n".join(f"wheel: dist/{path.name}" for path in sorted((ROOT / "dist").glob("*.whl"))))


def lock(words: Sequence[str]) -> None:
    """Writes requirements.lock anew; of each name that is given, or of all, the newest version."""
    lockfile.write_lock(words)
    print(f"lock: {LOCK.name}")


TASKS: dict[str, Callable[[Sequence[str]], None]] = {
    task.__name__: task for task in (demo, smoke, test, check, docs, wheels, lock, pythons)
}


def main(words: Sequence[str]) -> int:
    """Does what the first word names; what is wrong is told in a sentence, without a traceback."""
    if not words or words[0] not in TASKS:
        listed = "\n".join(f"  {name:<8} {task.__doc__}" for name, task in TASKS.items())
        wrong = f"make.py: there is nothing by the name of {words[0]!r}\n" if words else ""
        print(f"{wrong}usage: python make.py TASK\n\n{listed}", file=sys.stderr)
        return 2
    try:
        TASKS[words[0]](words[1:])
    except SetupError as error:
        print(f"make.py: {error}", file=sys.stderr)
        return 1
    except _StepError as error:
        print(f"make.py: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("make.py: stopped; what was begun is taken up by the next run", file=sys.stderr)
        return 130
    return 0


def _set_up(group: str) -> None:
    """Makes .venv have what a group needs. Where it has, this takes a moment and no network."""
    asked = pytorch.asked_kind()
    VENV.make()
    known = VENV.remembered()
    groups = known.get("groups")
    done = list(groups) if isinstance(groups, list) else []
    if group in done and (asked is None or _has(asked)):
        return
    newest = tuple(int(part) for part in TESTED[-1].split("."))
    if sys.version_info[:2] > newest:
        print(f"note: the tests run with Python {', '.join(TESTED)}; newer ones may lack a package", flush=True)
    ours = known.get("torch")
    print(f"setting up {VENV.folder} for: {group}", flush=True)
    constraints, torch = pytorch.settle(VENV, ours if isinstance(ours, str) else None)
    # Before the long part: a PyTorch from here must not pass for somebody's own after an interruption.
    VENV.remember((), torch)
    VENV.install(group, constraints)
    VENV.remember({*done, group, "demo"}, torch)


def _has(kind: pytorch.Kind) -> bool:
    there = pytorch.installed_build(VENV)
    return there is not None and there.kind == kind


def _plugin_packages() -> list[str]:
    """The packages of the plugins, which mypy is given one by one: folders around them are none."""
    found = []
    for folder in distributions()[1:]:
        packages = project(folder)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        found += [(folder.relative_to(ROOT) / package).as_posix() for package in packages]
    return found


def _python(*words: str, **variables: str) -> None:
    _execute([str(VENV.python), *words], variables)


def _run(program: str, *words: str) -> None:
    _execute([str(VENV.script(program)), *words], {})


def _execute(command: list[str], variables: dict[str, str]) -> None:
    code = subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}).returncode
    if code:
        raise _StepError(command, code)
