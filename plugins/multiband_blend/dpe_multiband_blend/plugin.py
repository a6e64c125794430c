"""Entry point of the plugin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from dpe_multiband_blend.options import MultibandOptions
from dpe_toolkit.api import Component, ComponentContext, PluginOptions, hookimpl

if TYPE_CHECKING:
    from dpe_toolkit.api import Compositor

__all__ = ["DPE_API_VERSION", "dpe_register_compositors"]

DPE_API_VERSION = 1


@hookimpl
def dpe_register_compositors() -> Iterable[Component[Compositor]]:
    """The compositor ``multiband``."""
    return [
        Component(
            kind="compositor",
            name="multiband",
            summary="Blends coarse and fine detail over widths of their own.",
            create=_multiband,
            options=MultibandOptions,
            licence="Apache-2.0",
            source="Burt, Adelson: A multiresolution spline with application to image mosaics, ACM TOG 1983",
            fingerprint="multiband/1",
        )
    ]


def _multiband(options: PluginOptions, context: ComponentContext) -> Compositor:
    from dpe_multiband_blend.compositor import MultibandCompositor

    return MultibandCompositor(cast("MultibandOptions", options))
