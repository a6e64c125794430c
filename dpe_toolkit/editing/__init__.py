"""What an edit is, and what the components are that make it."""

from __future__ import annotations

__all__: list[str] = []
