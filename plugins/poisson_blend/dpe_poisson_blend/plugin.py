"""Entry point of the plugin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from dpe_poisson_blend.options import PoissonOptions
from dpe_toolkit.api import Component, ComponentContext, PluginOptions, hookimpl

if TYPE_CHECKING:
    from dpe_toolkit.api import Compositor

__all__ = ["DPE_API_VERSION", "dpe_register_compositors"]

DPE_API_VERSION = 1


@hookimpl
def dpe_register_compositors() -> Iterable[Component[Compositor]]:
    """The compositor ``poisson``."""
    return [
        Component(
            kind="compositor",
            name="poisson",
            summary="Edited detail in the light and colour of the footage around it.",
            create=_poisson,
            options=PoissonOptions,
            licence="Apache-2.0",
            source="Pérez, Gangnet, Blake: Poisson image editing, SIGGRAPH 2003",
            fingerprint="poisson/1",
        )
    ]


def _poisson(options: PluginOptions, context: ComponentContext) -> Compositor:
    from dpe_poisson_blend.compositor import PoissonCompositor

    return PoissonCompositor(cast("PoissonOptions", options))
