"""Fixtures and options for tests of plugins; pytest loads this wherever dpe_toolkit is installed.

Everything is imported when it is first used, so that other test suites do not pay for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dpe_toolkit.testing import ClipSpec, KnownClip, PretendAccelerator

__all__ = ["dpe_accelerator", "dpe_clip_file", "dpe_no_network", "dpe_photograph"]

_DEVICE = "--dpe-device"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option that chooses where conformance suites run."""
    group = parser.getgroup("dpe_toolkit")
    group.addoption(_DEVICE, default="cpu", metavar="NAME", help="device of the conformance suites: cpu, cuda, mps")


def pytest_configure(config: pytest.Config) -> None:
    """Tells the suites their device, if it is not the usual one."""
    device = config.getoption(_DEVICE)
    if device != "cpu":
        from dpe_toolkit.testing import ComponentConformance

        ComponentConformance.device = device


def pytest_report_header() -> str:
    """Says which plugin API the tests run against."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"dpe_toolkit {version('dpe-toolkit')}"
    except PackageNotFoundError:
        return "dpe_toolkit, not installed"


@pytest.fixture
def dpe_no_network() -> Iterator[list[str]]:
    """Refuses the network during a test; the value lists what was tried."""
    from dpe_toolkit.testing import no_network

    with no_network() as tried:
        yield tried


@pytest.fixture
def dpe_accelerator() -> Iterator[PretendAccelerator]:
    """A pretended device, ``dpe_accelerator.device``, that refuses during a test what a GPU refuses."""
    from dpe_toolkit.testing import pretend_accelerator

    with pretend_accelerator() as pretended:
        yield pretended


@pytest.fixture(scope="session")
def dpe_photograph() -> KnownClip:
    """A photograph of a face in motion, and where the face is."""
    from dpe_toolkit.testing import photograph_clip

    return photograph_clip()


@pytest.fixture
def dpe_clip_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a clip of a drawn face: ``dpe_clip_file("name.mkv", ClipSpec(num_frames=8))`` gives its path."""

    def write(name: str, spec: ClipSpec | None = None) -> Path:
        from dpe_toolkit.testing import make_clip

        return make_clip(tmp_path / name, spec)

    return write
