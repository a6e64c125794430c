"""The render plan: what a timeline asks for, with every name resolved. Models only."""

from __future__ import annotations

__all__: list[str] = []
