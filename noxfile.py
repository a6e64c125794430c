"""The tests with other versions than everybody's: ``nox -s floors-3.11``. ``nox -l`` lists what there is.

What stands after ``--`` is given to pytest: ``nox -s newest -- -m smoke``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

# nox does not look for modules beside this file.
sys.path.insert(0, str(Path(__file__).parent))

from development import pytorch
from development.checkout import LOCK, ROOT, requirements
from development.environment import Environment, PipError
from development.floors import floors, lowest
from development.interpreters import TESTED, find_interpreter
from development.tasks import SPREAD

nox.options.sessions = ["lock"]
nox.options.error_on_missing_interpreters = False

# nox looks for a name on the path; what a version manager has put there need not run.
_FOUND = [path.parent for path in map(find_interpreter, TESTED) if path is not None]
os.environ["PATH"] = os.pathsep.join([*map(str, _FOUND), os.environ["PATH"]])


@nox.session(python=TESTED)
def lock(session: nox.Session) -> None:
    """The versions of the lock, which are those that make test runs with."""
    environment = _environment(session)
    pytorch.settle(environment, None)
    _test(session, environment, LOCK)


@nox.session(name="floors", python=TESTED)
def oldest(session: nox.Session) -> None:
    """Of each requirement the oldest version that it allows and this Python has a wheel of."""
    environment = _environment(session)
    found = {
        name: lowest(floor, environment.offered(name, "--only-binary", ":all:"))
        for name, floor in floors(requirements(), str(session.python)).items()
    }
    constraints = Path(session.create_tmp()) / "floors.txt"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in found.items()), encoding="utf-8")
    pytorch.install_build(environment, found["torch"].partition("+")[0], "cpu", insist=False)
    _test(session, environment, constraints)


@nox.session(python=TESTED)
def newest(session: nox.Session) -> None:
    """Of each requirement the newest version that there is."""
    environment = _environment(session)
    try:
        pytorch.install_build(environment, pytorch.newest_version(environment), "cpu", insist=False)
    except PipError:
        # A constraint of one's own may forbid the newest; then it is the newest that may be had.
        environment.pip("torch")
    _test(session, environment, None)


def _environment(session: nox.Session) -> Environment:
    return Environment(Path(session.virtualenv.location))


def _test(session: nox.Session, environment: Environment, constraints: Path | None) -> None:
    environment.install("dev", constraints)
    session.run("python", "-m", "pip", "list")
    words = session.posargs or SPREAD
    session.run("python", "-m", "pytest", "-q", "--rootdir", str(ROOT), *words)
