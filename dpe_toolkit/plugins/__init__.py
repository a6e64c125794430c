"""Which plugins are installed, what they provide, and what is wrong with them."""

from __future__ import annotations

from dpe_toolkit.plugins.loading import PluginInfo, PluginSource, RegisteredComponent
from dpe_toolkit.plugins.registry import Registry, load_registry
from dpe_toolkit.plugins.usual import DEFAULT_EXTRA

__all__ = ["DEFAULT_EXTRA", "PluginInfo", "PluginSource", "RegisteredComponent", "Registry", "load_registry"]
