from __future__ import annotations

from fractions import Fraction

import pytest

from tests.conformance.scenes import FILM, NTSC, Stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Clips of all lanes and rates; H.264 with its usual groups of pictures, so that seeking is put to the test."""
    made = Stage(tmp_path_factory.mktemp("numbered"))
    made.media("a.mp4", lane=0, num_frames=60)
    made.media("b.mp4", lane=1, num_frames=60)
    made.media("c.mkv", lane=2, num_frames=60)
    made.media("film.mp4", lane=1, num_frames=60, rate=FILM)
    made.media("ntsc.mp4", lane=2, num_frames=60, rate=NTSC)
    made.media("fifty.mp4", lane=3, num_frames=100, rate=Fraction(50))
    made.media("timecode.mov", lane=3, num_frames=40, start_frame=90000)
    return made
