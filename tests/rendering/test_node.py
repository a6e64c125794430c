from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from dpe_toolkit.core.timing import Span
from dpe_toolkit.rendering import Executor, Inputs, Need, RenderNode


@dataclass
class Count:
    length: int = 20
    rendered: list[Span] = field(default_factory=list)

    def needs(self, span: Span) -> Sequence[Need]:
        return ()

    def render(self, span: Span, inputs: Inputs) -> list[int]:
        self.rendered.append(span)
        return list(span)


@dataclass
class Add:
    first: RenderNode[list[int]]
    second: RenderNode[list[int]]
    length: int = 20

    def needs(self, span: Span) -> Sequence[Need]:
        return ((self.first, span), (self.second, span))

    def render(self, span: Span, inputs: Inputs) -> list[int]:
        return [a + b for a, b in zip(inputs.of(self.first, span), inputs.of(self.second, span), strict=True)]


def test_a_node_that_two_others_need_is_rendered_once() -> None:
    count = Count()
    double = Add(count, count)
    assert Executor().pull(Add(double, count), Span(2, 4)) == [6, 9]
    assert count.rendered == [Span(2, 4)]


def test_results_are_kept_until_they_are_cleared() -> None:
    count, executor = Count(), Executor()
    executor.pull(count, Span(0, 2))
    executor.pull(count, Span(0, 2))
    assert len(count.rendered) == 1
    executor.clear()
    executor.pull(count, Span(0, 2))
    assert len(count.rendered) == 2


def test_rows_that_a_node_does_not_have_are_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="Count has rows 0:20, asked for 18:21"):
        Executor().pull(Count(), Span(18, 21))


def test_a_node_sees_only_what_it_asked_for() -> None:
    @dataclass
    class Greedy(Count):
        other: Count = field(default_factory=Count)

        def render(self, span: Span, inputs: Inputs) -> list[int]:
            return inputs.of(self.other, span)

    with pytest.raises(KeyError):
        Executor().pull(Greedy(), Span(0, 1))
