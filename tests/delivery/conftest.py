from __future__ import annotations

from tests.cli.conftest import cache, dpe, media

__all__ = ["cache", "dpe", "media"]
