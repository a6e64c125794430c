"""What a node of the render graph is, and the executor that pulls spans through it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar, cast

from dpe_toolkit.core.timing import Span

__all__ = ["Executor", "Inputs", "Need", "RenderNode"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class RenderNode(Protocol[T_co]):
    """One step of a render. It says what it needs, and makes its result from that; it calls no other node."""

    @property
    def length(self) -> int:
        """Rows that the node can give: spans lie in [0, length)."""
        ...

    def needs(self, span: Span) -> Sequence[Need]:
        """What must be at hand before ``render`` is called for ``span``."""
        ...

    def render(self, span: Span, inputs: Inputs) -> T_co:
        """The rows of ``span``, from what ``needs`` named."""
        ...


Need = tuple[RenderNode[object], Span]
"""A node, and the rows of it that are wanted."""


class Inputs:
    """What a node asked for."""

    def __init__(self, values: dict[tuple[int, Span], object]) -> None:
        self._values = values

    def of(self, node: RenderNode[T], span: Span) -> T:
        """The rows of ``node`` that were named in ``needs``."""
        return cast("T", self._values[id(node), span])


class Executor:
    """Renders nodes on the calling thread, each once for a span until `clear`."""

    def __init__(self) -> None:
        self._done: dict[tuple[int, Span], tuple[RenderNode[object], object]] = {}

    def pull(self, node: RenderNode[T], span: Span) -> T:
        """The rows of ``node``, with everything that they need rendered before, depth first."""
        key = (id(node), span)
        if key not in self._done:
            if span.start < 0 or span.stop > node.length:
                raise ValueError(f"{type(node).__name__} has rows 0:{node.length}, asked for {span.start}:{span.stop}")
            needed = {(id(needed), part): self.pull(needed, part) for needed, part in node.needs(span)}
            # The node is kept with its result: an id is unique only among living objects.
            self._done[key] = (node, node.render(span, Inputs(needed)))
        return cast("T", self._done[key][1])

    def clear(self) -> None:
        """Forgets all results, so that memory holds one span and not the clip."""
        self._done.clear()
