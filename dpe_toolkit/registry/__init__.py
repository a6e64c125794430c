"""Which plugins are installed, what they provide, and what is wrong with them."""

from __future__ import annotations

from dpe_toolkit.registry.lookup import Registry, load_registry
from dpe_toolkit.registry.plugins import PluginInfo, PluginSource, RegisteredComponent

__all__ = ["PluginInfo", "PluginSource", "RegisteredComponent", "Registry", "load_registry"]
