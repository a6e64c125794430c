"""Running a suite without pytest, and timing the component in it."""

from __future__ import annotations

import statistics
import threading
import time
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal
from unittest import SkipTest

import torch

from dpe_toolkit.core.errors import DpeError
from dpe_toolkit.editing.components import Component
from dpe_toolkit.editing.stages import ComponentKind
from dpe_toolkit.testing.conformance.comparing import ConformanceWarning
from dpe_toolkit.testing.conformance.compositors import CompositorConformance
from dpe_toolkit.testing.conformance.detectors import DetectorConformance
from dpe_toolkit.testing.conformance.encoders import EncoderConformance
from dpe_toolkit.testing.conformance.generators import GeneratorConformance
from dpe_toolkit.testing.conformance.landmarks import LandmarkConformance
from dpe_toolkit.testing.conformance.measures import (
    FeaturesConformance,
    IdentityConformance,
    MetricConformance,
    RegressorConformance,
)
from dpe_toolkit.testing.conformance.motions import MotionConformance
from dpe_toolkit.testing.conformance.refinements import MatteConformance, RefinerConformance
from dpe_toolkit.testing.conformance.suite import ComponentConformance

__all__ = ["SUITES", "CheckResult", "checks_of", "ms_per_frame", "run_suite", "suite_for"]

SUITES: dict[ComponentKind, type[ComponentConformance]] = {
    "detector": DetectorConformance,
    "landmark": LandmarkConformance,
    "encoder": EncoderConformance,
    "motion": MotionConformance,
    "generator": GeneratorConformance,
    "refine": RefinerConformance,
    "compositor": CompositorConformance,
    "matte": MatteConformance,
    "regressor": RegressorConformance,
    "features": FeaturesConformance,
    "identity": IdentityConformance,
    "metric": MetricConformance,
}
"""Kind to its suite."""

_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check went."""

    check: str
    """What was checked, as words."""
    state: Literal["ok", "warned", "failed", "skipped"]
    detail: str = ""
    """Why it failed, was skipped, or holds with a reserve."""


def suite_for(component: Component[object], **settings: object) -> type[ComponentConformance]:
    """The suite of the component's kind, for it.

    Args:
        component: what to test.
        settings: class attributes such as ``options``, ``weights`` and ``partners``.
    """
    base = SUITES[component.kind]
    return type(f"{component.name} {base.__name__}", (base,), {"component": component, **settings})


def checks_of(suite: type[ComponentConformance]) -> list[str]:
    """The names of a suite's tests, those of every component first."""
    names = [name for one in reversed(suite.__mro__) for name in vars(one) if name.startswith("test_")]
    return list(dict.fromkeys(names))


def run_suite(
    suite: type[ComponentConformance], *, only: Collection[str] | None = None, limit_s: float | None = None
) -> Iterator[CheckResult]:
    """The result of each test, as it comes. No fault of a component ends the run.

    Args:
        suite: what to run.
        only: checks to run, as `CheckResult` names them; None runs all.
        limit_s: seconds that a check may take; one that takes longer fails, goes on by itself, since nothing ends a
            thread, and is the last of the run. None sets no limit.
    """
    for name in checks_of(suite):
        words = name.removeprefix("test_").replace("_", " ")
        if only is not None and words not in only:
            continue
        result = _check(suite, name, words) if limit_s is None else _check_within(limit_s, suite, name, words)
        if result is None:
            late = f"it is not done after {limit_s:g} s; what follows was not checked"
            yield CheckResult(words, "failed", late)
            return
        yield result


def _check_within(limit_s: float, suite: type[ComponentConformance], name: str, words: str) -> CheckResult | None:
    """The result of a check; None where it takes too long."""
    done: list[CheckResult] = []
    thread = threading.Thread(target=lambda: done.append(_check(suite, name, words)), name=words, daemon=True)
    thread.start()
    thread.join(limit_s)
    return done[0] if done else None


def _check(suite: type[ComponentConformance], name: str, words: str) -> CheckResult:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConformanceWarning)
        result = _outcome(suite, name, words)
    advice = [str(one.message) for one in caught if issubclass(one.category, ConformanceWarning)]
    for other in caught:
        if not issubclass(other.category, ConformanceWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    if advice and result.state == "ok":
        return CheckResult(words, "warned", "; ".join(dict.fromkeys(advice)))
    return result


def _outcome(suite: type[ComponentConformance], name: str, words: str) -> CheckResult:
    try:
        getattr(suite(), name)()
    except SkipTest as reason:
        return CheckResult(words, "skipped", str(reason))
    except (AssertionError, DpeError) as error:
        return CheckResult(words, "failed", str(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise anything
        return CheckResult(words, "failed", f"{type(error).__name__}: {error}")
    return CheckResult(words, "ok")


def ms_per_frame(suite: type[ComponentConformance], rounds: int = _ROUNDS) -> float:
    """Median time of a call in milliseconds, by the frames of the call; the first call is left out."""
    case = suite()
    ready, inputs = case.ready(suite.made()), case.inputs(case.rows)
    on_gpu = torch.device(suite.device).type == "cuda"
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        case.call(ready, *inputs)
        if on_gpu:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:]) * 1000 / suite.num_rows
