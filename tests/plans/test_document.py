"""A plan in a file is an input: it reads as it was written, and a part of it renders as in the whole."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest

from dpe_toolkit.core.errors import PlanError
from dpe_toolkit.core.framemap import FrameMap
from dpe_toolkit.core.timing import Span
from dpe_toolkit.planning import is_plan_file, read_plan, write_plan
from dpe_toolkit.plans.images import Dissolve, Gap, Over, Show, first_leaf, leaves_of, map_image
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.shot import ShotPlan
from dpe_toolkit.plans.soundtrack import SoundPart, SoundTrack
from dpe_toolkit.plans.take import Take
from tests.conformance.scenes import Stage

MEDIA = MediaPlan(path=Path("a.mov"), digest="sha256:a", width=64, height=48, num_frames=500, rate=Fraction(25))


def take(name: str, num_frames: int = 20) -> Take:
    return Take(id=name, name=name, source=MEDIA, num_frames=num_frames, time=FrameMap(start=Fraction(3)))


def plan(*images: object) -> RenderPlan:
    shots = [ShotPlan(name="s", record_start=10 * at, num_frames=10, image=one) for at, one in enumerate(images)]
    return RenderPlan(toolkit_version="0", timeline="cut", rate=25, width=64, height=48, shots=tuple(shots))


def test_a_plan_reads_as_it_was_written(stage: Stage, whole: RenderPlan, tmp_path: Path) -> None:
    write_plan(whole, tmp_path / "plan.json")
    read = read_plan(tmp_path / "plan.json")
    assert read == whole
    assert read.digest == whole.digest
    assert is_plan_file(tmp_path / "plan.json")
    assert not is_plan_file(stage.folder / "cut.otio")
    assert not is_plan_file(tmp_path / "none.json")
    (tmp_path / "cut.json").write_text((stage.folder / "cut.otio").read_text())
    (tmp_path / "text.json").write_text("{")
    assert not any(is_plan_file(tmp_path / name) for name in ("cut.json", "text.json"))


def test_a_take_stands_once_in_a_file_and_is_one_object_when_it_is_read(tmp_path: Path) -> None:
    one = take("one")
    write_plan(plan(Show(take=one), Gap(), Show(take=one, start=10)), tmp_path / "plan.json")
    stored = json.loads((tmp_path / "plan.json").read_text())
    assert [shot["image"].get("take") for shot in stored["shots"]] == ["one", None, "one"]
    assert [held["id"] for held in stored["takes"]] == ["one"]
    read = read_plan(tmp_path / "plan.json", digest=lambda path: "sha256:a")
    first, last = (next(leaves_of(shot.image)) for shot in read.shots[::2])
    assert first.take is last.take is read.takes[0]


@pytest.mark.parametrize("span", [Span(0, 9), Span(5, 21), Span(16, 36), Span(31, 49), Span(44, 61), Span(58, 77)])
def test_a_chunk_renders_to_the_samples_of_the_whole(
    stage: Stage, whole: RenderPlan, rendered: tuple[object, ...], span: Span, tmp_path: Path
) -> None:
    write_plan(whole.trim(span), tmp_path / "chunk.json")
    chunk = read_plan(tmp_path / "chunk.json")
    assert {one.id for one in chunk.takes} <= {one.id for one in whole.takes}
    assert all(one in whole.takes for one in chunk.takes)
    found = stage.render(chunk, "chunk.mkv")
    for plane, other in zip(rendered, found.planes, strict=True):
        assert (plane[span.start : span.stop] == other).all()  # type: ignore[index] # an array


@pytest.fixture(scope="module")
def rendered(stage: Stage, whole: RenderPlan) -> tuple[object, ...]:
    return stage.render(whole, "whole.mkv").planes


def test_ids_of_takes_are_unique_and_stay_from_plan_to_plan(stage: Stage, whole: RenderPlan) -> None:
    from tests.plans.cuts import SETTINGS, tracks

    again = stage.plan(*tracks(), **SETTINGS)
    assert [one.id for one in again.takes] == [one.id for one in whole.takes]
    assert len({one.id for one in whole.takes}) == len(whole.takes) == 9


def test_a_clip_that_moves_in_the_timeline_keeps_the_id_of_its_take(stage: Stage) -> None:
    from tests.conformance.scenes import clip, track

    one, moved = clip("actor.mkv", 4, 10), clip("actor.mkv", 4, 10)
    (before,) = stage.plan(track(one)).takes
    _, after, twin = stage.plan(track(clip("other.mkv", 0, 5), moved, clip("actor.mkv", 4, 10))).takes
    assert (after.id, twin.id) == (before.id, f"{before.id}-2")


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no json", r"is no JSON \(.*\)\. a plan of schema 1 to 2\. name a file that 'dpe plan --json' or write_plan"),
        ('{"OTIO_SCHEMA": "Timeline.1"}', "holds no plan. a plan of schema 1 to 2"),
        ('{"schema_version": 0, "shots": []}', "states schema 0"),
        ('{"schema_version": "two", "shots": []}', "states schema 'two'"),
        (
            '{"schema_version": 3, "toolkit_version": "9.1", "shots": []}',
            r"is a plan of schema 3, made by dpe_toolkit 9\.1\. a plan of schema 1 to 2\. update dpe_toolkit",
        ),
        (
            '{"schema_version": 2, "shots": []}',
            r"is damaged: toolkit_version: Field required\. .*plan the timeline again",
        ),
    ],
)
def test_what_is_no_plan_that_can_be_read_is_refused(tmp_path: Path, text: str, words: str) -> None:
    assert re.search(words, refused(tmp_path, text))


def test_a_plan_that_is_not_there_or_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"none.json' cannot be read: No such file.* correct the name"):
        read_plan(tmp_path / "none.json")
    with pytest.raises(PlanError, match=r"cannot be written: No such file.* choose another name"):
        write_plan(plan(Gap()), tmp_path / "nowhere" / "plan.json")


def damaged(tmp_path: Path, change: str) -> str:
    stored = json.loads(plan(Show(take=take("one"))).model_dump_json())
    exec(change, {}, {"plan": stored, "shot": stored["shots"][0]})  # of the parameters below
    return refused(tmp_path, json.dumps(stored))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("plan['takes'] = []", "the take 'one' is shown, and is not among the plan's takes"),
        ("plan['takes'] *= 2", "two takes have the id 'one'"),
        ("shot['image']['start'] = 11", "shot 's' shows frames 11 to 20 of a take of 20"),
        ("shot['image']['kind'] = 'wipe'", "Input tag 'wipe' found using 'kind' does not match"),
    ],
)
def test_a_plan_whose_takes_and_shots_do_not_agree_is_refused(tmp_path: Path, change: str, words: str) -> None:
    assert words in damaged(tmp_path, change)


def test_two_takes_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="two takes have the id 'one'"):
        plan(Show(take=take("one")), Show(take=take("one", 30)))


def test_media_that_changed_or_went_are_named(tmp_path: Path) -> None:
    for name in ("a.mov", "song.wav"):
        (tmp_path / name).write_bytes(name.encode())
    media = MEDIA.model_copy(update={"path": tmp_path / "a.mov", "digest": "sha256:other"})
    shown = plan(Show(take=take("one").model_copy(update={"source": media})))
    parts = [
        SoundPart(path=tmp_path / name, digest="sha256:x", record_s=0, duration_s=1, start_s=0)
        for name in ("song.wav", "gone.wav")
    ]
    sounding = shown.model_copy(update={"sound": (SoundTrack(parts=tuple(parts)),)})
    write_plan(sounding, tmp_path / "plan.json")
    texts = [str(problem) for problem in read_plan(tmp_path / "plan.json").errors]
    assert [re.findall(r"[\w.]+(?=': )", text)[0] for text in texts] == ["a.mov", "song.wav", "gone.wav"]
    assert re.search(
        r"its content has changed since the plan was made: it is sha256:\w+\. sha256:other\. put", texts[0]
    )
    assert re.search(r"the file cannot be read \(No such file.* put it back, or plan the timeline again", texts[2])


def test_a_tree_is_walked_from_the_top_and_from_the_first() -> None:
    tree = Over(top=Dissolve(first="a", second=Gap(), start=0, step=1), below=Over(top="b", below=Gap()))
    assert list(leaves_of(tree)) == ["a", "b"]
    assert first_leaf(tree) == "a"
    assert first_leaf(Over(top=Gap(), below="b")) is None
    doubled = map_image(tree, lambda leaf: leaf * 2, lambda start, step: (start + 1, step * 2))
    assert list(leaves_of(doubled)) == ["aa", "bb"]
    assert doubled.top.share(0) == 1
