"""The components of one edit as its pipeline takes them: out of the pool, with the guard around each call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeVar

from dpe_toolkit.analysis.pool import ComponentPool, guard_plugin
from dpe_toolkit.editing.pipeline import Guarded, ShotComponents
from dpe_toolkit.editing.protocols import MotionExtractor
from dpe_toolkit.plans.edit import ComponentChoice

__all__ = ["motion_extractor", "shot_components"]

C = TypeVar("C")


def shot_components(
    pool: ComponentPool,
    chosen: Mapping[str, ComponentChoice],
    clip: str,
    *,
    chains: Mapping[str, Sequence[ComponentChoice]] | None = None,
) -> ShotComponents:
    """What edits the windows of a shot.

    Args:
        pool: makes the components.
        chosen: kind to choice, for ``encoder``, ``generator`` and ``compositor`` at least.
        clip: name of the shot for messages.
        chains: kind to choices in their order, for ``refine`` and ``matte``.

    Raises:
        PluginError: a component cannot be made.
    """
    refiners, mattes = ((chains or {}).get(kind, ()) for kind in ("refine", "matte"))
    return ShotComponents(
        encoder=_guarded(pool.encoder(chosen["encoder"], clip), chosen["encoder"], clip),
        generator=_guarded(pool.generator(chosen["generator"], clip), chosen["generator"], clip),
        compositor=_guarded(pool.compositor(chosen["compositor"], clip), chosen["compositor"], clip),
        refiners=tuple(_guarded(pool.refiner(one, clip), one, clip) for one in refiners),
        mattes=tuple(_guarded(pool.matte_maker(one, clip), one, clip) for one in mattes),
    )


def motion_extractor(pool: ComponentPool, choice: ComponentChoice, clip: str) -> Guarded[MotionExtractor]:
    """The motion extractor of a choice.

    Raises:
        PluginError: it cannot be made.
    """
    return _guarded(pool.motion(choice, clip), choice, clip)


def _guarded(component: C, choice: ComponentChoice, clip: str) -> Guarded[C]:
    return Guarded(component, partial(guard_plugin, choice, clip))
