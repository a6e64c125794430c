"""What a shot of schema 1 had and one of schema 2 says otherwise, for plugins that were written for it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from dpe_toolkit.plans.images import Dissolve, Gap, Over, Show, own_image

if TYPE_CHECKING:
    from dpe_toolkit.plans.shot import ShotPlan

__all__ = ["Mix", "below_of", "inner_of", "mix_of", "warn_former"]


@dataclass(frozen=True, slots=True)
class Mix:
    """A dissolve out of the shot that holds it."""

    to: ShotPlan | None
    """None fades to nothing."""
    start: Fraction
    step: Fraction

    def share(self, frame: int) -> Fraction:
        """Share of ``to`` in a frame, counted from the shot's first."""
        return min(max(self.start + frame * self.step, Fraction(0)), Fraction(1))


def warn_former(name: str, now: str) -> None:
    """Warns whoever asked a shot for ``name``."""
    warnings.warn(f"ShotPlan.{name} goes with the next minor release; use {now}", DeprecationWarning, stacklevel=3)


def inner_of(shot: ShotPlan) -> ShotPlan | None:
    """The tree whose image stood for media of the shot's own."""
    own = own_image(shot.image)
    return None if isinstance(own, Show | Gap) else shot.showing(own)


def mix_of(shot: ShotPlan) -> Mix | None:
    """The dissolve out of the shot."""
    image = shot.image.top if isinstance(shot.image, Over) else shot.image
    if not isinstance(image, Dissolve):
        return None
    to = None if isinstance(image.second, Gap) else shot.showing(image.second)
    return Mix(to, image.start, image.step)


def below_of(shot: ShotPlan) -> ShotPlan | None:
    """What shows through."""
    return shot.showing(shot.image.below) if isinstance(shot.image, Over) else None
