from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from dpe_toolkit.analysis import AnalysisStore
from dpe_toolkit.analysis.store import result_key
from dpe_toolkit.core.timing import Span
from dpe_toolkit.face.codes import MotionCode, MotionTrack
from dpe_toolkit.face.tracks import Detections, FaceTrack
from tests.analysis.fakes import SPACE
from tests.analysis.test_association import detections
from tests.analysis.test_tracks import build_track, line

KEY = result_key("test", {"media": "sha256:1"})


def analysis() -> tuple[FaceTrack, MotionTrack]:
    person, found = line(6, {0, 1, 4, 5})
    track = build_track(person, found, Span(10, 16))
    codes = MotionCode(SPACE, torch.rand(6, 1), torch.rand(6, 2))
    return track, MotionTrack(codes, codes.take(slice(2, 3)), track.present, track.blendshapes, 10)


def test_detections_come_back_as_they_were_kept(tmp_path: Path) -> None:
    found = [detections((5, 6, 7)), Detections.none(3), detections((1, 2, 3), (8, 9, 4))]
    store = AnalysisStore(tmp_path / "cache")
    store.save_detections(KEY, found)
    kept = store.load_detections(KEY, 3)
    assert kept is not None
    for old, new in zip(found, kept, strict=True):
        for name in ("boxes_px", "landmarks_px", "scores", "blendshapes"):
            np.testing.assert_array_equal(getattr(old, name), getattr(new, name))
    assert store.load_detections(KEY, 4) is None


def test_track_and_motion_come_back_as_they_were_kept(tmp_path: Path) -> None:
    store = AnalysisStore(tmp_path)
    track, motion = analysis()
    store.save_clip(KEY, track, motion, 2)
    kept = store.load_clip(KEY)
    assert kept is not None
    for name in ("index", "boxes_px", "landmarks_px", "scores", "present", "blendshapes"):
        np.testing.assert_array_equal(getattr(kept[0], name), getattr(track, name))
    assert torch.equal(kept[1].codes.expression, motion.codes.expression)
    assert torch.equal(kept[1].neutral.pose, motion.neutral.pose)
    assert (kept[1].codes.space, kept[1].start, kept[2]) == (SPACE, 10, 2)


def test_what_was_never_kept_is_absent(tmp_path: Path) -> None:
    assert AnalysisStore(tmp_path).load_clip(KEY) is None


@pytest.mark.parametrize("damage", [b"", b"not a safetensors file", None])
def test_a_damaged_file_counts_as_absent(
    tmp_path: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    store = AnalysisStore(tmp_path)
    store.save_clip(KEY, *analysis(), 1)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-20] if damage is None else damage)
    assert store.load_clip(KEY) is None
    assert "the clip is analysed again" in caplog.text


def test_a_file_of_another_kind_or_key_counts_as_absent(tmp_path: Path) -> None:
    store = AnalysisStore(tmp_path)
    store.save_detections(KEY, [detections((5, 6, 7))])
    assert store.load_clip(KEY) is None
    other = result_key("test", {"media": "sha256:2"})
    (file,) = tmp_path.iterdir()
    file.rename(tmp_path / f"{other[:40]}.safetensors")
    assert store.load_detections(other, 1) is None


def test_values_that_are_not_finite_count_as_damage(tmp_path: Path) -> None:
    store = AnalysisStore(tmp_path)
    track, motion = analysis()
    track.landmarks_px[0, 0, 0] = np.nan
    store.save_clip(KEY, track, motion, 1)
    assert store.load_clip(KEY) is None


def test_a_folder_that_cannot_be_written_costs_no_render(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    store = AnalysisStore(tmp_path / "file")
    with caplog.at_level(logging.WARNING):
        store.save_detections(KEY, [detections((5, 6, 7))])
    assert "cannot be kept" in caplog.text
    assert store.load_detections(KEY, 1) is None


def test_keys_follow_everything_they_are_made_of() -> None:
    assert result_key("a", {"x": 1}) == result_key("a", {"x": 1})
    assert len({result_key("a", {"x": 1}), result_key("b", {"x": 1}), result_key("a", {"x": 2})}) == 3


def test_nothing_half_written_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", refuse)
    AnalysisStore(tmp_path).save_detections(KEY, [detections((5, 6, 7))])
    assert list(tmp_path.iterdir()) == []
