from __future__ import annotations

import re
import time

import pytest

from dpe_toolkit.cli.progress import ProgressBars


def test_a_stage_told_in_one_go_has_the_speed_of_all_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBars() as bars:
        bars.started("driver", "smile", 120)
        time.sleep(0.25)
        for _ in range(12):
            bars.advanced(10)
        bars.finished()
    line = capsys.readouterr().err.strip()
    found = re.fullmatch(r"analyse driver smile: 120 frames, (\d+\.\d) a second", line)
    assert found is not None, line
    assert 1 < float(found[1]) <= 120 / 0.25


def test_a_stage_that_was_over_at_once_has_no_speed(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBars() as bars:
        bars.started("source", "actor", 120)
        bars.advanced(120)
        bars.finished()
    assert capsys.readouterr().err.strip() == "analyse source actor: 120 frames"
