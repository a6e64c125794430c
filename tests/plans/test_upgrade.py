"""Plans that the version before wrote, of the cut in `tests.plans.cuts`, are the plans that this one makes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import file_digest
from dpe_toolkit.planning import read_plan
from dpe_toolkit.plans.model import PLAN_SCHEMA, RenderPlan
from tests.conformance.scenes import Stage

HERE = Path(__file__).parent
PART = Span(13, 67)


def former(stage: Stage, name: str, folder: Path) -> Path:
    """A stored plan, with the media of this machine."""
    text = (HERE / f"schema_1_{name}.json").read_text(encoding="utf-8").replace("MEDIA", str(stage.folder))
    for path in set(re.findall(r'"path": "([^"]+)"', text)):
        stated = re.search(rf'"path": "{re.escape(path)}",\s+"digest": "(sha256:\w+)"', text)
        assert stated is not None
        text = text.replace(stated[1], file_digest(Path(path)))
    made = folder / f"{name}.json"
    made.write_text(text, encoding="utf-8")
    return made


def told(plan: RenderPlan) -> Any:
    """A plan with takes numbered, since their ids were made otherwise, and without what a former part did not say."""
    numbers = {take.id: str(number) for number, take in enumerate(plan.takes)}

    def renamed(node: Any) -> Any:
        if isinstance(node, list | tuple):
            return [renamed(one) for one in node]
        if not isinstance(node, dict):
            return numbers.get(node, node) if isinstance(node, str) else node
        return {name: renamed(value) for name, value in node.items() if name != "skipped"}

    return renamed(plan.model_dump(mode="json", exclude={"problems", "toolkit_version", "part_of"}))


def test_a_former_plan_is_the_plan_that_is_made_today(stage: Stage, whole: RenderPlan, tmp_path: Path) -> None:
    read = read_plan(former(stage, "whole", tmp_path))
    assert read.errors == ()
    assert told(read) == told(whole)


def test_a_part_of_a_former_plan_is_the_part_of_the_plan(stage: Stage, whole: RenderPlan, tmp_path: Path) -> None:
    read = read_plan(former(stage, "part", tmp_path))
    assert told(read) == told(whole.trim(PART))


def test_a_former_plan_renders_to_the_same_samples(stage: Stage, whole: RenderPlan, tmp_path: Path) -> None:
    expected = stage.render(whole)
    found = stage.render(read_plan(former(stage, "part", tmp_path)), "former.mkv")
    for plane, other in zip(expected.planes, found.planes, strict=True):
        assert (plane[PART.start : PART.stop] == other).all()


def test_who_reads_a_former_plan_is_told_once(stage: Stage, tmp_path: Path) -> None:
    path = former(stage, "whole", tmp_path)
    (problem,) = read_plan(path).problems
    assert problem.severity == "warning"
    assert str(problem) == (
        f"plan {str(path)!r}: it is of schema 1, and was upgraded to {PLAN_SCHEMA} while it was read. "
        "plan the timeline again, or write it with write_plan()."
    )


@pytest.mark.parametrize(
    ("shots", "words"),
    [
        ('[{"name": "a", "record_start": 0, "num_frames": 1}]', "it has no 'source'"),
        ("[7]", "7 stands where a shot was expected"),
        ("{}", "{} stands where a list of shots was expected"),
        ('[{"name": "a", "source": {}, "record_start": "x", "num_frames": 1}]', "begins at 'x', which is no frame"),
    ],
)
def test_a_damaged_former_plan_is_refused(tmp_path: Path, shots: str, words: str) -> None:
    from dpe_toolkit.core.errors import PlanError

    path = tmp_path / "plan.json"
    path.write_text(f'{{"schema_version": 1, "shots": {shots}}}')
    with pytest.raises(PlanError, match=f"is damaged: .*{re.escape(words)}.* plan the timeline again"):
        read_plan(path)
