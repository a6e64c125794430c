"""What is known of a face: tracks, motion codes, which of several is meant."""

from __future__ import annotations

__all__: list[str] = []
