from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from dpe_research.dataset.entries import VideoShelf, find_videos, unique_ids, usable_id
from dpe_research.dataset.lists import read_list
from dpe_research.dataset.stretches import plan_stretches
from dpe_toolkit.core.errors import DatasetError
from dpe_toolkit.testing import ClipSpec, make_clip

UTTERANCE = """Identity  : \tid10270
Reference : \t5r0dWxy17C8
Offset    : \t-4
FV Conf   : \t20.328\t(1)
ASD Conf  : \t4.549

FRAME \tX \tY \tW \tH
000245 \t130 \t40 \t60 \t60
000246 \t132 \t42 \t60 \t60
"""


def test_the_table_of_voxceleb_is_read(tmp_path: Path) -> None:
    path = tmp_path / "vox-metadata.csv"
    path.write_text(
        "video_id,start,end,bbox,fps,width,height,partition,person_id\n"
        "WMh3ye5tBsE,3657,3994,624-48-1018-553,25,1280,720,train,id10005\n"
        "b#id7,10,20,1-2-3-4,30,640,360,test,\n",
        encoding="utf-8",
    )
    first, second = read_list(path)
    assert (first.video, first.identity, first.split) == ("WMh3ye5tBsE", "id10005", "train")
    assert (first.start_s, first.end_s) == (Fraction(3657, 25), Fraction(3994, 25))
    assert (first.box, first.box_of) == ((624, 48, 1018, 553), (1280, 720))
    assert first.clip == "id10005-WMh3ye5tBsE-3657"
    assert (second.video, second.identity, second.split) == ("b", "id7", "test")


def test_a_table_of_one_s_own_needs_a_video_alone(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("video,identity,id,start,end\na.mp4,Ann,take1,1.5s,4s\nb.mp4,,,,\n", encoding="utf-8")
    first, second = read_list(path)
    assert (first.clip, first.identity, first.start_s, first.end_s) == ("take1", "Ann", Fraction(3, 2), 4)
    assert (second.clip, second.identity, second.start_s, second.box) == ("b", "b", None, None)


@pytest.mark.parametrize("shares", [False, True])
def test_the_utterances_of_both_voxcelebs_are_read(tmp_path: Path, shares: bool) -> None:
    text = UTTERANCE
    if shares:
        text = text.replace("130 \t40 \t60 \t60", "0.2 \t0.1 \t0.25 \t0.5").replace(
            "132 \t42 \t60 \t60", "0.3 \t0.1 \t0.25 \t0.5"
        )
    file = tmp_path / "txt" / "id10270" / "5r0dWxy17C8" / "00001.txt"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    (only,) = read_list(tmp_path / "txt")
    assert (only.clip, only.identity, only.video) == ("id10270-5r0dWxy17C8-00001", "id10270", "5r0dWxy17C8")
    assert (only.start_s, only.end_s) == (Fraction(245, 25), Fraction(247, 25))
    if shares:
        assert only.box == pytest.approx((0.2, 0.1, 0.55, 0.6))
        assert only.box_of == (1, 1)
    else:
        assert (only.box, only.box_of) == ((130, 40, 192, 102), (0, 360))


def test_the_lists_of_hdtf_are_read(tmp_path: Path) -> None:
    (tmp_path / "WDA_annotion_time.txt").write_text(
        "BarbaraLee0.mp4 00:05-01:35 1:00:00-1:00:30\nRadio11.mp4 00:30-01:00\n", encoding="utf-8"
    )
    (tmp_path / "WDA_crop_wh.txt").write_text("BarbaraLee0_1.mp4 412 599 10 599\n", encoding="utf-8")
    (tmp_path / "WDA_resolution.txt").write_text("BarbaraLee0.mp4 720\n", encoding="utf-8")
    first, second, radio = read_list(tmp_path / "WDA_annotion_time.txt")
    assert (first.clip, first.identity, first.start_s, first.end_s) == ("BarbaraLee0_0", "BarbaraLee", 5, 95)
    assert first.box is None
    assert (second.start_s, second.box, second.box_of) == (3600, (412, 10, 1011, 609), (0, 720))
    assert (radio.identity, radio.box_of) == ("Radio11", None)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "start,end\n1,2\n", r"line 2 cannot be understood \(it names no video\)"),
        ("a.csv", "video,start\nx,12\n", "line 2 .*no column fps; write seconds as 12.5s"),
        ("a.csv", "video,start,end\nx,4s,2s\n", "line 2 .*before it starts"),
        ("a.csv", "video,box\nx,4-4-4-9\n", "line 2 .*is empty"),
        ("a.csv", "video,split\nx,dev\n", "line 2 .*neither train nor test"),
        ("a.csv", "video\n", "the list names no clip"),
        ("a_annotion_time.txt", "x.mp4 00:10-00:05\n", "line 1, time '00:10-00:05' cannot be understood"),
        ("a_annotion_time.txt", "x.mp4 soon\n", "line 1, time 'soon'"),
    ],
)
def test_a_list_that_is_wrong_says_where(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        read_list(tmp_path / name)


@pytest.mark.parametrize("text", ["Identity : a\n", UTTERANCE.replace("132", "x"), UTTERANCE.replace("000246 \t", "")])
def test_an_utterance_that_is_wrong_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "00001.txt").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=r"00001\.txt.*cannot be understood"):
        read_list(tmp_path)


def test_a_list_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone\.csv.*cannot be read"):
        read_list(tmp_path / "gone.csv")


def test_videos_are_found_in_folders_and_named_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("deep/b.MP4", "a.mov", "notes.txt"):
        (tmp_path / name).touch()
    assert find_videos([tmp_path, tmp_path / "a.mov"]) == [tmp_path / "a.mov", tmp_path / "deep" / "b.MP4"]
    with pytest.raises(DatasetError, match="does not exist"):
        find_videos([tmp_path / "gone.mp4"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no video was found"):
        find_videos([tmp_path / "empty"])


def test_ids_hold_no_dots_and_differ_even_in_systems_without_case() -> None:
    assert usable_id("take_1-b") == "take_1-b"
    assert usable_id("a.b c").startswith("a_b_c-")
    ids = unique_ids([("a", "x/a.mp4"), ("A", "y/A.mp4"), ("b", "b")])
    assert ids[2] == "b"
    assert len({one.casefold() for one in ids}) == 3


def test_entries_become_stretches_of_their_videos(tmp_path: Path) -> None:
    video = make_clip(tmp_path / "talk.mkv", ClipSpec(num_frames=60, size_px=(160, 120), faces=lambda frame: ()))
    path = tmp_path / "own.csv"
    path.write_text(
        "video,id,start,end,box,width,height,fps\n"
        "talk,one,0.4s,2s,320-0-640-480,1280,960,\ntalk,late,9s,12s,,,,\ngone,two,,,,,,\n",
        encoding="utf-8",
    )
    stretches, refused = plan_stretches(read_list(path), VideoShelf([video]), stretch_frames=25, test_share=0)
    assert [(one.key, len(one.span), one.box_px) for one in stretches] == [
        ("one-000010", 20, (40, 0, 80, 60)),
        ("one-000030", 20, (40, 0, 80, 60)),
    ]
    assert [one.dropped[0].reason for one in refused] == ["outside-video", "missing-file"]


def test_a_file_that_is_no_video_is_refused_with_the_reason(tmp_path: Path) -> None:
    video = tmp_path / "broken.mp4"
    video.write_bytes(b"no video")
    path = tmp_path / "own.csv"
    path.write_text("video\nbroken.mp4\n", encoding="utf-8")
    stretches, refused = plan_stretches(read_list(path), VideoShelf([video]), stretch_frames=100, test_share=0)
    assert not stretches
    assert refused[0].dropped[0].reason == "unreadable"
    assert refused[0].dropped[0].detail
