from __future__ import annotations

import pytest

from dpe_toolkit.core.errors import first_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RuntimeError("full\nStack trace follows"), "full"),
        (RuntimeError("\n  late\nmore"), "late"),
        (ValueError(" \n"), "ValueError"),
        (EOFError(), "EOFError"),
    ],
)
def test_an_error_is_told_by_its_first_line_or_its_kind(error: Exception, line: str) -> None:
    assert first_line(error) == line
