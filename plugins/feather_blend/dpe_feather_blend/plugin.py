"""Entry point of the plugin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from dpe_feather_blend.options import FeatherOptions
from dpe_toolkit.api import API_VERSION, Component, ComponentContext, PluginOptions, hookimpl

if TYPE_CHECKING:
    from dpe_toolkit.api import Compositor

__all__ = ["DPE_API_VERSION", "dpe_register_compositors"]

DPE_API_VERSION = API_VERSION


@hookimpl
def dpe_register_compositors() -> Iterable[Component[Compositor]]:
    """The compositor ``feather``."""
    return [
        Component(
            kind="compositor",
            name="feather",
            summary="Soft matte from the face's hull, feathered inward.",
            create=_feather,
            options=FeatherOptions,
            licence="Apache-2.0",
            source="our choice",
            fingerprint="feather/1",
            default=True,
        )
    ]


def _feather(options: PluginOptions, context: ComponentContext) -> Compositor:
    from dpe_feather_blend.compositor import FeatherCompositor

    return FeatherCompositor(cast("FeatherOptions", options))
