"""Which version of the public interface this toolkit has, and which ones of plugins it still loads."""

from __future__ import annotations

__all__ = ["API_VERSION", "OLDEST_API_VERSION"]

API_VERSION = 1
"""Raised when something a plugin may rely on changes its meaning or goes."""

OLDEST_API_VERSION = 1
"""Plugins that state a version from this one on are loaded."""
