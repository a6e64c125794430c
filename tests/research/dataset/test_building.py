from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dpe_research.dataset import FaceDataset
from dpe_research.dataset.building import build_dataset
from dpe_research.dataset.entries import ListEntry, VideoShelf
from dpe_research.dataset.report import read_report, report_rows
from dpe_research.dataset.settings import BuildSettings
from dpe_research.dataset.stretches import Stretch, plan_stretches
from dpe_toolkit.core.errors import DatasetError, MediaError, PluginError
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.measures import FaceReading
from dpe_toolkit.face.tracks import Detections
from dpe_toolkit.plans.edit import ComponentChoice
from tests.analysis.fakes import ANNA, BERT, MemoryReader, Registry, Shelf, Square, SquareDetector, choice, draw
from tests.research.dataset.people import SIZE_PX, film, settings, stretch_of
from tests.research.dataset.test_format import contents


def built(
    folder: Path,
    shelf: Shelf,
    stretches: list[Stretch],
    wanted: BuildSettings | None = None,
    maker: Registry | None = None,
    **given: object,
) -> FaceDataset:
    build_dataset(stretches, [], folder, wanted or settings(), maker=maker or Registry(), open_reader=shelf, **given)
    return FaceDataset.open(folder)


def outcome(dataset: FaceDataset) -> dict[str, int]:
    """Frames kept, and dropped by reason."""
    found = {"kept": sum(clip.num_frames for clip in dataset.clips())}
    for one in dataset.index.dropped:
        found[one.reason] = found.get(one.reason, 0) + one.num_frames
    return found


def anna(frame: int, **changes: object) -> Square:
    return Square(**{"x": 60 + frame % 3, "y": 50, "side": 32, "who": ANNA, "mood": 100 + frame % 50, **changes})


def test_a_person_is_cut_out_with_one_box(tmp_path: Path) -> None:
    shelf, stretch = film(lambda frame: [anna(frame)], 40)
    dataset = built(tmp_path / "set", shelf, [stretch])
    (clip,) = dataset.clips()
    left, top, right, bottom = clip.box_px
    assert (clip.id, clip.num_frames, clip.source_start, clip.identity) == ("film-000000", 40, 0, "film")
    assert right - left == bottom - top == round(34 * 1.6)
    scale = 32 / (right - left)
    frames = shelf.clips[stretch.path]
    motion = dataset.motion(clip.id)
    for row in (0, 1, 2, 39):
        x, y = (60 + row % 3 - left) * scale, (50 - top) * scale
        assert motion.mesh_px[row, 0, :2] == pytest.approx([x, y], abs=1e-3)
        picture = dataset.frames(clip.id, [row])[0].float().mean(dim=0).numpy()
        # The person's outline lies where the mesh says, in the picture as it was stored.
        assert picture[int(y + 3), int(x + 3)] == pytest.approx(ANNA, abs=3)
        assert picture[int(y + 3), int(x - 3)] < 60
    assert motion.blendshapes[:, 0] == pytest.approx(np.array([100 + row % 50 for row in range(40)]) / 255)
    assert len(frames) == 40


def test_everybody_gets_a_clip_and_an_identity(tmp_path: Path) -> None:
    shelf, stretch = film(lambda frame: [anna(frame, x=140), anna(frame, x=8, who=BERT)], 20)
    dataset = built(tmp_path / "set", shelf, [stretch], settings(margin=0.1))
    assert [(clip.id, clip.identity) for clip in dataset.clips()] == [
        ("film-000000", "film"),
        ("film-000000-p2", "film#2"),
    ]
    assert dataset.clips()[0].box_px[0] < dataset.clips()[1].box_px[0]


def test_a_list_s_box_says_who_is_meant(tmp_path: Path) -> None:
    shelf, stretch = film(lambda frame: [anna(frame, x=140), anna(frame, x=8, who=BERT)], 20)
    meant = replace(stretch, box_px=(120.0, 0.0, 192.0, 128.0))
    dataset = built(tmp_path / "set", shelf, [meant], settings(margin=0.1))
    (clip,) = dataset.clips()
    assert clip.identity == "film"
    assert clip.box_px[0] > 100
    nobody = replace(stretch, box_px=(60.0, 0.0, 100.0, 128.0))
    dataset = built(tmp_path / "other", shelf, [nobody])
    assert outcome(dataset) == {"kept": 0, "no-face": 20}
    assert "nobody is seen where the list says" in dataset.index.dropped[0].detail


@pytest.mark.parametrize(
    ("scene", "changes", "expected"),
    [
        (lambda frame: [], {}, {"kept": 0, "no-face": 40}),
        (lambda frame: [anna(frame)] if frame < 25 else [], {}, {"kept": 25, "no-face": 15}),
        (lambda frame: [anna(frame, side=14)], {}, {"kept": 0, "too-small": 40}),
        (lambda frame: [] if 15 <= frame < 25 else [anna(frame)], {}, {"kept": 30, "face-lost": 10}),
        (lambda frame: [anna(frame)], {"min_frames": 41}, {"kept": 0, "too-short": 40}),
        (lambda frame: [anna(frame, x=4 * frame)], {"min_frames": 20}, {"kept": 0, "head-leaves-box": 40}),
        (lambda frame: [anna(frame), anna(frame, x=94, who=BERT)], {}, {"kept": 0, "several-faces": 80}),
        (lambda frame: [anna(frame, side=126, y=1)], {}, {"kept": 0, "leaves-frame": 40}),
        (lambda frame: [anna(frame)], {"max_blur": 0.0}, {"kept": 0, "blurred": 40}),
    ],
)
def test_each_reason_to_drop_footage(
    tmp_path: Path,
    scene: Callable[[int], list[Square]],
    changes: dict[str, object],
    expected: dict[str, int],
) -> None:
    shelf, stretch = film(scene, 40)
    dataset = built(tmp_path / "set", shelf, [stretch], settings(**changes))
    assert outcome(dataset) == expected
    assert all(one.detail for one in dataset.index.dropped)


def with_cut(at: int, num_frames: int) -> FrameBatch:
    """Anna before the cut and after it, in a bright room behind her then."""
    frames = draw(lambda frame: [anna(frame)], num_frames, SIZE_PX)
    luma = frames.planes[0].copy()
    luma[at:][luma[at:] < 60] += 120
    return replace(frames, planes=(luma, *frames.planes[1:]))


@pytest.mark.parametrize(("at", "expected"), [(20, {"kept": 40}), (5, {"kept": 35, "cuts-inside": 5})])
def test_footage_is_split_at_cuts(tmp_path: Path, at: int, expected: dict[str, int]) -> None:
    shelf, stretch = film(lambda frame: [], 1)
    shelf = Shelf({stretch.path: with_cut(at, 40)})
    dataset = built(tmp_path / "set", shelf, [replace(stretch, span=Span(0, 40))])
    assert outcome(dataset) == expected
    assert read_report(tmp_path / "set").stretches[0].scenes == 2


class StoppedError(Exception):
    """The run is stopped here."""


def three_films() -> tuple[Shelf, list[Stretch]]:
    paths = [Path(f"{name}.mp4") for name in "abc"]
    shelf = Shelf({path: draw(lambda frame: [anna(frame)], 30, SIZE_PX) for path in paths})
    return shelf, [stretch_of(path, span) for path in paths for span in (Span(0, 15), Span(15, 30))]


@pytest.mark.parametrize("after", [1, 5, 9])
def test_a_stopped_run_goes_on_to_the_same_bytes(tmp_path: Path, after: int) -> None:
    shelf, stretches = three_films()
    built(tmp_path / "whole", shelf, stretches)
    told = 0

    def stopping(frames: int) -> None:
        nonlocal told
        told += 1
        if told > after:
            raise StoppedError

    with pytest.raises(StoppedError):
        built(tmp_path / "set", shelf, stretches, advanced=stopping)
    counted: list[int] = []
    detector = SquareDetector()
    built(tmp_path / "set", shelf, stretches, maker=Registry(detector=detector), advanced=counted.append)
    assert contents(tmp_path / "whole") == contents(tmp_path / "set")
    assert sum(counted) == 90
    assert detector.calls < 12 or after == 1


def test_a_finished_dataset_takes_more_videos_and_looks_at_none_twice(tmp_path: Path) -> None:
    shelf, stretches = three_films()
    built(tmp_path / "set", shelf, stretches[:2])
    detector = SquareDetector()
    dataset = built(tmp_path / "set", shelf, stretches, maker=Registry(detector=detector))
    assert detector.calls == 4 * 2
    assert len(dataset.clips()) == 6
    assert len(read_report(tmp_path / "set").stretches) == 6
    again = SquareDetector()
    built(tmp_path / "set", shelf, stretches, maker=Registry(detector=again))
    assert again.calls == 0


def test_other_settings_for_the_same_folder_are_refused(tmp_path: Path) -> None:
    shelf, stretch = film(lambda frame: [anna(frame)], 20)
    built(tmp_path / "set", shelf, [stretch])
    with pytest.raises(DatasetError, match=r"other settings: margin 0\.3 \(now 0\.2\)"):
        built(tmp_path / "set", shelf, [stretch], settings(margin=0.2))


def test_a_damaged_report_says_what_to_do(tmp_path: Path) -> None:
    shelf, stretch = film(lambda frame: [anna(frame)], 20)
    built(tmp_path / "set", shelf, [stretch])
    (tmp_path / "set" / "report.json").write_text("{", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"the report of the dataset cannot be read.*delete it"):
        built(tmp_path / "set", shelf, [stretch])


def test_a_file_that_breaks_off_drops_its_stretch_alone(tmp_path: Path) -> None:
    shelf, stretches = three_films()

    @dataclass
    class Broken(MemoryReader):
        def read(self, span: Span) -> FrameBatch:
            if span.stop > 20:
                raise MediaError("The frame cannot be decoded", frame=20)
            return super().read(span)

    def opening(path: Path) -> MemoryReader:
        return Broken(shelf.clips[path]) if path.stem == "b" else MemoryReader(shelf.clips[path])

    build_dataset(stretches, [], tmp_path / "set", settings(), maker=Registry(), open_reader=opening)
    dataset = FaceDataset.open(tmp_path / "set")
    assert outcome(dataset) == {"kept": 75, "unreadable": 15}
    assert dataset.index.dropped[0].detail == "frame 20: The frame cannot be decoded"
    rows = report_rows(read_report(tmp_path / "set"), dataset.index)
    assert ("b.mp4", "30", "1 clip, 15 frames", "unreadable 15") in rows


@dataclass
class Reader:
    """A regressor that reads yaw from the place of the person."""

    shape: tuple[int, ...] = (3,)
    near: list[torch.Tensor] = field(default_factory=list)
    expression_size: int = 1

    def read(self, pictures: torch.Tensor, near_px: torch.Tensor | None = None) -> FaceReading:
        assert near_px is not None
        self.near.append(near_px)
        count = len(pictures)
        empty = torch.zeros(count, 0, 3)
        pose = torch.full((count, *self.shape), 7.0)
        return FaceReading(torch.zeros(count, 1), pose, torch.full((count, 3), 0.5), empty, empty, empty[:, :, 0], pose)


def with_regressor(reader: Reader) -> tuple[BuildSettings, Registry]:
    named: ComponentChoice = choice("regressor")
    return settings(regressor=named), Registry(regressor=reader)


def test_a_regressor_that_is_named_reads_the_pose(tmp_path: Path) -> None:
    shelf, stretch = film(lambda frame: [anna(frame)], 20)
    reader = Reader()
    dataset = built(tmp_path / "set", shelf, [stretch], *with_regressor(reader))
    motion = dataset.motion("film-000000")
    assert (motion.pose_deg == 7).all()
    assert (motion.place == 0.5).all()
    assert torch.equal(torch.cat(reader.near), torch.from_numpy(motion.mesh_px))


def test_a_regressor_that_breaks_its_contract_is_named(tmp_path: Path) -> None:
    shelf, stretch = film(lambda frame: [anna(frame)], 20)
    with pytest.raises(PluginError, match=r"pose_deg of \(8, 2\)"):
        built(tmp_path / "set", shelf, [stretch], *with_regressor(Reader(shape=(2,))))


def test_a_detector_that_fails_stops_the_build_and_keeps_what_is_done(tmp_path: Path) -> None:
    shelf, stretches = three_films()

    class Failing(SquareDetector):
        def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
            if self.calls == 4:
                raise ZeroDivisionError("no")
            return super().detect(frames, previous)

    with pytest.raises(PluginError, match="detector 'square' failed"):
        built(tmp_path / "set", shelf, stretches, maker=Registry(detector=Failing()))
    assert len(list((tmp_path / "set" / "work").glob("*.done"))) == 2
    assert not (tmp_path / "set" / "index.json").exists()


def test_a_process_that_is_killed_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf, stretches = three_films()

    class Dying(ThreadPoolExecutor):
        def __init__(self, workers: int, **given: object) -> None:
            super().__init__(workers)

        def submit(self, *given: object, **named: object) -> object:
            raise BrokenProcessPool

    monkeypatch.setattr("dpe_research.dataset.building.ProcessPoolExecutor", Dying)
    with pytest.raises(DatasetError, match=r"a process of the build was killed.*fewer --jobs"):
        built(tmp_path / "set", shelf, stretches, jobs=2)


def test_a_missing_file_is_told_until_it_is_there(tmp_path: Path) -> None:
    shelf, stretches = three_films()
    entry = ListEntry(video="b.mp4", clip="b", identity="b")
    _, missing = plan_stretches([entry], VideoShelf([]), stretch_frames=100, test_share=0)
    given = {"maker": Registry(), "open_reader": shelf}
    build_dataset(stretches[:2], missing, tmp_path / "set", settings(), **given)
    assert [one.key for one in read_report(tmp_path / "set").stretches] == ["a-000000", "a-000015", "b-x"]
    build_dataset(stretches, [], tmp_path / "set", settings(), **given)
    assert "b-x" not in {one.key for one in read_report(tmp_path / "set").stretches}
    assert len(FaceDataset.open(tmp_path / "set").clips()) == 6
