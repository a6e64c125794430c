"""Types and rules that everything speaks: errors, time, frames, colour, shapes, files. No torch."""

from __future__ import annotations

__all__: list[str] = []
