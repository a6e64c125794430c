from __future__ import annotations

from math import prod

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.face.codes import CodePart, CodeSpace, MixRequest, MotionCode

shapes = st.lists(st.integers(1, 4), max_size=3).map(tuple)
layouts = st.lists(st.tuples(st.sampled_from(["expression", "pose"]), shapes), min_size=1, max_size=5)


@given(layouts, st.integers(0, 3))
def test_a_code_put_together_from_parts_gives_them_back(parts: list[tuple[str, tuple[int, ...]]], rows: int) -> None:
    named = [CodePart(f"part {place}", code, shape) for place, (code, shape) in enumerate(parts)]  # type: ignore[arg-type]
    space = CodeSpace.of_parts("t/1", *named)
    values = {part.name: torch.rand(rows, *part.shape) for part in named}
    code = MotionCode.of_parts(space, values)
    assert code.expression.shape[1] + code.pose.shape[1] == sum(prod(part.shape) for part in named)
    assert all(torch.equal(code.part(name), value) for name, value in values.items())


SPACE = CodeSpace.of_parts(
    "t/1",
    CodePart("key_points", "expression", (2, 3), "canonical units"),
    CodePart("ratio", "expression", (1,)),
    CodePart("rotation", "pose", (3,), "radians"),
)


def test_parts_follow_each_other_in_their_code() -> None:
    assert (SPACE.expression_size, SPACE.pose_size) == (7, 3)
    assert [SPACE.part(name)[1] for name in ("key_points", "ratio", "rotation")] == [
        slice(0, 6),
        slice(6, 7),
        slice(0, 3),
    ]
    assert SPACE.part("rotation")[0].unit == "radians"


def test_names_make_no_other_space() -> None:
    assert CodeSpace("t/1", 7, 3) == SPACE
    assert CodeSpace("t/2", 7, 3) != SPACE


def test_what_a_space_does_not_name_is_refused() -> None:
    code = MotionCode(SPACE, torch.zeros(2, 7), torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r"'t/1' has no part 'scale'; it names key_points, ratio, rotation"):
        code.part("scale")
    with pytest.raises(ValueError, match=r"has no part 'scale'; it names no parts"):
        CodeSpace("bare/1", 1, 1).part("scale")


def test_a_code_needs_every_part_in_its_shape() -> None:
    parts = {"key_points": torch.zeros(2, 2, 3), "ratio": torch.zeros(2, 1)}
    with pytest.raises(ValueError, match="need the parts key_points, ratio, rotation, got key_points, ratio"):
        MotionCode.of_parts(SPACE, parts)
    with pytest.raises(ValueError, match=r"rotation has shape \(2, 2\), expected \(N, 3\) with N=2"):
        MotionCode.of_parts(SPACE, {**parts, "rotation": torch.zeros(2, 2)})


def test_a_space_whose_parts_do_not_fill_it_or_clash_is_refused() -> None:
    with pytest.raises(ValueError, match="the parts of the expression of space 't/1' take 2 of 3 columns"):
        CodeSpace("t/1", 3, 1, parts=(CodePart("a", "expression", (2,)),))
    with pytest.raises(ValueError, match="names a part twice: a, a"):
        CodeSpace.of_parts("t/1", CodePart("a", "expression", (2,)), CodePart("a", "pose", (1,)))


def test_a_request_is_taken_row_by_row_with_its_regions() -> None:
    amounts = torch.arange(4.0)
    asked = MixRequest(amounts, amounts + 1, "relative", {"jaw": 0.5}, {"mouth": amounts + 2})
    part = asked.take(slice(1, 3))
    assert (part.expression.tolist(), part.pose.tolist(), part.mode, part.regions) == (
        [1, 2],
        [2, 3],
        "relative",
        {"jaw": 0.5},
    )
    assert part.region_rows["mouth"].tolist() == [3, 4]
