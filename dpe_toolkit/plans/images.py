"""What is seen in a frame: a take, a dissolve, one image over another, or nothing.

One tree for the whole toolkit. Its leaves are parts of clips while a timeline is flattened, `Show` in a plan, and nodes
of frames in a render; what lies between them is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Generic, Literal, TypeAlias, TypeVar

from pydantic import Field, field_serializer

from dpe_toolkit.core.framemap import ExactFraction
from dpe_toolkit.plans.problems import Frozen
from dpe_toolkit.plans.take import Take

__all__ = ["Dissolve", "Gap", "Image", "Over", "Show", "first_leaf", "leaves_of", "map_image", "own_image"]

Leaf = TypeVar("Leaf")
Other = TypeVar("Other")


class Gap(Frozen):
    """Nothing, which is black at the very bottom, or transparent where the plan says so."""

    kind: Literal["gap"] = "gap"


class Show(Frozen):
    """A part of a take."""

    kind: Literal["show"] = "show"
    take: Take
    """In a file its id."""
    start: int = Field(default=0, ge=0)
    """Frame of the take, counted from its first output frame, that is seen in the first frame of the shot."""

    @field_serializer("take")
    def _name(self, take: Take) -> str:
        return take.id


class Dissolve(Frozen, Generic[Leaf]):
    """One image that turns into another. Shares below 0 and above 1 are 0 and 1."""

    kind: Literal["dissolve"] = "dissolve"
    first: Leaf | Gap | Dissolve[Leaf] | Over[Leaf]
    second: Leaf | Gap | Dissolve[Leaf] | Over[Leaf]
    start: ExactFraction
    """Share of ``second`` in the first frame, taken at the middle of the frame; while planning at the start."""
    step: ExactFraction
    """What each frame, while planning each second, adds to it."""

    def share(self, at: int | Fraction) -> Fraction:
        """Share of ``second`` at a frame, counted from the shot's first; while planning at seconds from the start."""
        return min(max(self.start + at * self.step, Fraction(0)), Fraction(1))


class Over(Frozen, Generic[Leaf]):
    """One image above another, which shows through where the upper one is transparent."""

    kind: Literal["over"] = "over"
    top: Leaf | Gap | Dissolve[Leaf] | Over[Leaf]
    below: Leaf | Gap | Dissolve[Leaf] | Over[Leaf]


Image: TypeAlias = Leaf | Gap | Dissolve[Leaf] | Over[Leaf]
"""A tree of images; ``Image[Show]`` is what a plan holds."""


def leaves_of(image: Image[Leaf]) -> Iterator[Leaf]:
    """Every leaf, the first image of a dissolve before the second and the upper before the lower."""
    match image:
        case Gap():
            return
        case Dissolve(first=one, second=other) | Over(top=one, below=other):
            yield from leaves_of(one)
            yield from leaves_of(other)
        case leaf:
            yield leaf


def first_leaf(image: Image[Leaf]) -> Leaf | None:
    """The leaf after which an image is called: of what lies on top, what is seen first; None where that is nothing."""
    match image:
        case Gap():
            return None
        case Dissolve(first=one) | Over(top=one):
            return first_leaf(one)
        case leaf:
            return leaf


def own_image(image: Image[Leaf]) -> Image[Leaf]:
    """What an image shows itself, without what it dissolves into and what lies below."""
    image = image.top if isinstance(image, Over) else image
    return image.first if isinstance(image, Dissolve) else image


def map_image(
    image: Image[Leaf],
    leaf: Callable[[Leaf], Image[Other]],
    shares: Callable[[Fraction, Fraction], tuple[Fraction, Fraction]] = lambda start, step: (start, step),
) -> Image[Other]:
    """The same tree of other leaves.

    Args:
        image: the tree.
        leaf: what takes the place of a leaf.
        shares: what takes the place of ``start`` and ``step`` of a dissolve.
    """
    match image:
        case Gap():
            return image
        case Over(top=top, below=below):
            return Over(top=map_image(top, leaf, shares), below=map_image(below, leaf, shares))
        case Dissolve(first=first, second=second):
            start, step = shares(image.start, image.step)
            return Dissolve(
                first=map_image(first, leaf, shares), second=map_image(second, leaf, shares), start=start, step=step
            )
        case one:
            return leaf(one)
