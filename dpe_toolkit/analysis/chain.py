"""The components of one edit as its pipeline takes them: out of the pool, with the guard around each call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeVar

from dpe_toolkit.analysis.pool import ComponentPool, guard_plugin
from dpe_toolkit.editing.pipeline import Guarded, ShotComponents
from dpe_toolkit.editing.protocols import MotionExtractor
from dpe_toolkit.editing.stages import COMPOSITOR, ENCODER, GENERATOR, MATTE, MOTION, REFINE, Stage
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
    refiners, mattes = ((chains or {}).get(kind, ()) for kind in (REFINE.kind, MATTE.kind))
    return ShotComponents(
        encoder=_guarded(pool, ENCODER, chosen[ENCODER.kind], clip),
        generator=_guarded(pool, GENERATOR, chosen[GENERATOR.kind], clip),
        compositor=_guarded(pool, COMPOSITOR, chosen[COMPOSITOR.kind], clip),
        refiners=tuple(_guarded(pool, REFINE, one, clip) for one in refiners),
        mattes=tuple(_guarded(pool, MATTE, one, clip) for one in mattes),
    )


def motion_extractor(pool: ComponentPool, choice: ComponentChoice, clip: str) -> Guarded[MotionExtractor]:
    """The motion extractor of a choice.

    Raises:
        PluginError: it cannot be made.
    """
    return _guarded(pool, MOTION, choice, clip)


def _guarded(pool: ComponentPool, stage: Stage[C], choice: ComponentChoice, clip: str) -> Guarded[C]:
    return Guarded(pool.get(stage, choice, clip), partial(guard_plugin, choice, clip))
