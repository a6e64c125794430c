from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_research.evaluation import (
    FrameRef,
    default_pairs,
    grid_groups,
    pair_groups,
    read_pairs,
    self_groups,
)
from dpe_toolkit.core.errors import OptionsError
from tests.research.evaluation.fakes import FakeClip, video_footage

CLIPS = video_footage().records


@given(st.integers(2, 6), st.integers(2, 6), st.integers(1, 40), st.integers(0, 99))
def test_grid_pairs_differ_in_both_and_have_the_right_truth(poses: int, faces: int, count: int, seed: int) -> None:
    (group,) = grid_groups([FakeClip("a", "a", poses * faces, (poses, faces))], pairs_per_clip=count, seed=seed)
    drawn = set()
    for case in group.cases:
        source, driver, truth = case.source.frame, case.driver.frame, case.truth.frame
        assert source // faces != driver // faces
        assert source % faces != driver % faces
        poses_from, face_from = {
            "expression": (source, driver),
            "pose": (driver, source),
            "in-turn": (driver, driver),
        }[case.edit]
        assert (truth // faces, truth % faces) == (poses_from // faces, face_from % faces)
        drawn.add((source, driver))
    possible = poses * faces * (poses - 1) * (faces - 1)
    assert len(drawn) == min(count, possible)
    assert len(group.cases) == 3 * len(drawn)


def test_the_same_seed_draws_the_same_pairs_and_another_seed_others() -> None:
    clips = [FakeClip("a", "a", 20, (4, 5))]
    first, again, other = (grid_groups(clips, pairs_per_clip=8, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_self_reenactment_drives_the_first_frame_by_those_that_follow() -> None:
    groups = self_groups(CLIPS, num_frames=3)
    assert [group.name for group in groups] == ["anna", "bert", "carl"]
    cases = groups[0].cases
    assert {case.source for case in cases} == {FrameRef("anna", 0)}
    assert [case.driver.frame for case in cases] == [1, 2, 3]
    assert all(case.truth == case.driver for case in cases)
    assert [case.stem for case in cases] == ["000001", "000002", "000003"]
    assert {case.edit for case in cases} == {"both"}


def test_pairs_drive_the_first_frame_by_every_frame_of_the_driver() -> None:
    (group,) = pair_groups([("anna", "bert")], CLIPS, "pose", num_frames=400)
    assert group.name == "anna__bert"
    assert [case.driver for case in group.cases] == [FrameRef("bert", row) for row in range(4)]
    assert {(case.source, case.truth, case.edit) for case in group.cases} == {(FrameRef("anna", 0), None, "pose")}


def test_default_pairs_take_the_next_person() -> None:
    clips = [FakeClip("a1", "a", 2), FakeClip("a2", "a", 2), FakeClip("b1", "b", 2)]
    assert default_pairs(clips) == (("a1", "b1"), ("a2", "b1"), ("b1", "a1"))
    with pytest.raises(OptionsError, match="show no two persons"):
        default_pairs(clips[:2])


@pytest.mark.parametrize(
    "text",
    [
        "source,driver\nanna,bert\ncarl,anna\n",
        "anna\tbert\n# a note\n\ncarl\tanna\nanna\tbert\n",
        "\ufeffSource,Driver\nanna , bert\ncarl,anna",
    ],
)
def test_lists_of_pairs_are_read_with_commas_or_tabs(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    assert read_pairs(path, CLIPS) == (("anna", "bert"), ("carl", "anna"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("anna,bert\nanna\n", "line 2 has 1 columns"),
        ("anna,berta\n", "line 1 names the clip 'berta'.*did you mean 'bert'"),
        ("source,driver\n", "holds no pair"),
    ],
)
def test_faulty_lists_of_pairs_are_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OptionsError, match=message):
        read_pairs(path, CLIPS)


def test_a_missing_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="cannot be read: No such file"):
        read_pairs(tmp_path / "none.csv", CLIPS)


def test_clips_that_no_protocol_can_use_are_refused() -> None:
    with pytest.raises(OptionsError, match="has two frames"):
        self_groups([FakeClip("a", "a", 1)])
    with pytest.raises(OptionsError, match="several poses in several expressions"):
        grid_groups([FakeClip("a", "a", 4), FakeClip("b", "b", 4, (1, 4))])
