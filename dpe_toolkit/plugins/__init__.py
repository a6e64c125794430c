"""Which plugins are installed, what they provide, and what is wrong with them."""

from __future__ import annotations

from dpe_toolkit.plugins.loading import PluginInfo, PluginSource, RegisteredComponent
from dpe_toolkit.plugins.registry import Registry, load_registry

__all__ = ["PluginInfo", "PluginSource", "RegisteredComponent", "Registry", "load_registry"]
