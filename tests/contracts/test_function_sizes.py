from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.function_sizes import main, oversized

ROOT = Path(__file__).parents[2]


def test_no_function_of_the_toolkit_is_over_the_limits() -> None:
    folders = [str(ROOT / name) for name in ("development", "dpe_toolkit", "plugins", "benchmarks")]
    assert main(folders) == 0


@pytest.mark.parametrize(("lines", "found"), [(60, 0), (61, 1)])
def test_a_function_may_have_sixty_lines_and_not_more(tmp_path: Path, lines: int, found: int) -> None:
    path = tmp_path / "long.py"
    path.write_text("def long():\n" + "    pass\n" * (lines - 1))
    assert len(list(oversized(path))) == found


def test_the_init_of_a_network_may_have_eighty_lines(tmp_path: Path) -> None:
    folder = tmp_path / "networks"
    folder.mkdir()
    path = folder / "net.py"
    path.write_text("def __init__(self):\n" + "    pass\n" * 79)
    assert not list(oversized(path))


def test_self_does_not_count_as_a_positional_argument(tmp_path: Path) -> None:
    path = tmp_path / "arguments.py"
    path.write_text("def fits(self, a, b, c, d, e, *, f): pass\ndef full(a, b, c, d, e, f): pass\n")
    assert [line.split(": ")[1] for line in oversized(path)] == ["full takes 6 positional arguments, at most 5"]
