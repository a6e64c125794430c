"""The program, as the tests of the toolkit's own commands run it."""

from __future__ import annotations

from tests.cli.conftest import cache, dpe

__all__ = ["cache", "dpe"]
