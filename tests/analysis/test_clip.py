from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from dpe_toolkit.analysis import AnalysisStore, ClipAnalysis, ClipRequest, ComponentPool, analyse_clip
from dpe_toolkit.core.errors import AnalysisError, MediaError, PluginError
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.components import ComponentContext
from dpe_toolkit.face.choice import FaceChoice
from dpe_toolkit.face.codes import MotionCode
from dpe_toolkit.face.tracks import Detections, FaceBatch
from dpe_toolkit.plans.media import MediaPlan
from tests.analysis.fakes import BERT, CHOICES, Registry, Shelf, Square, SquareDetector, SquareMotion, choice, draw

PATH = Path("/clips/anna.mkv")


def media(num_frames: int = 30) -> MediaPlan:
    return MediaPlan(path=PATH, digest="sha256:1", width=96, height=64, num_frames=num_frames, rate=Fraction(25))


def request(**changes: object) -> ClipRequest:
    plain = ClipRequest(
        clip="shot 1",
        role="source",
        media=media(),
        span=Span(2, 28),
        detector=CHOICES["detector"],
        motion=CHOICES["motion"],
    )
    return replace(plain, **changes)  # type: ignore[arg-type] # fields of the request


def analyse(registry: Registry, asked: ClipRequest | None = None, **extra: object) -> tuple[ClipAnalysis, Shelf]:
    shelf = Shelf({PATH: draw(lambda frame: [Square(10 + frame, 12, mood=60 + frame)], 30)})
    if "scene" in extra:
        shelf = Shelf({PATH: draw(extra.pop("scene"), 30)})  # type: ignore[arg-type] # a scene
    pool = ComponentPool(registry, torch.device("cpu"))
    return analyse_clip(asked or request(), pool, open_reader=shelf, **extra), shelf  # type: ignore[arg-type]


class Sink:
    def __init__(self) -> None:
        self.told: list[object] = []

    def started(self, stage: str, name: str, num_frames: int) -> None:
        self.told.append((stage, name, num_frames))

    def advanced(self, num_frames: int) -> None:
        self.told.append(num_frames)

    def finished(self) -> None:
        self.told.append("finished")


def test_a_clip_is_read_once_in_batches_and_tracked() -> None:
    registry, sink = Registry(), Sink()
    result, shelf = analyse(registry, progress=sink)
    assert result.track.index.tolist() == list(range(2, 28))
    np.testing.assert_allclose(result.track.landmarks_px[:, 4, 0], 18 + np.arange(2, 28))
    np.testing.assert_allclose(result.motion.codes.expression[:, 0] * 255, 60 + np.arange(2, 28), atol=1e-3)
    (reader,) = shelf.readers
    assert reader.closed
    assert reader.asked == list(Span(2, 28).split(8))
    assert sink.told[0] == ("source", "shot 1", 26)
    assert sum(n for n in sink.told if isinstance(n, int)) == 26
    assert sink.told[-1] == "finished"


def test_the_detector_is_given_the_frame_before_each_batch() -> None:
    detector = SquareDetector()
    analyse(Registry(detector=detector))
    assert detector.previous[0] is None
    before = detector.previous[1]
    assert before is not None
    assert before.boxes_px[0, 0] == 10 + 9


def test_a_second_analysis_opens_nothing_and_makes_nothing(tmp_path: Path) -> None:
    store = AnalysisStore(tmp_path)
    first, _ = analyse(Registry(), store=store)
    registry = Registry()
    second, shelf = analyse(registry, store=store)
    assert (shelf.readers, registry.made) == ([], [])
    np.testing.assert_array_equal(first.track.landmarks_px, second.track.landmarks_px)
    assert torch.equal(first.motion.codes.expression, second.motion.codes.expression)


@pytest.mark.parametrize(
    "changes",
    [{"motion": choice("motion", smoothing=3)}, {"neutral_frame": 7}, {"face": FaceChoice(by="left")}],
)
def test_another_smoothing_neutral_or_face_detects_nothing_again(tmp_path: Path, changes: dict[str, object]) -> None:
    store = AnalysisStore(tmp_path)
    analyse(Registry(), store=store)
    registry = Registry()
    _, shelf = analyse(registry, request(**changes), store=store)
    assert shelf.readers == []
    assert registry.made == ["motion"]


@pytest.mark.parametrize(
    "changes",
    [
        {"detector": choice("detector", least=0.5)},
        {"detector": CHOICES["detector"].model_copy(update={"fingerprint": "new"})},
        {"detector": CHOICES["detector"].model_copy(update={"version": "2"})},
        {"span": Span(2, 27)},
        {"media": media().model_copy(update={"digest": "sha256:2"})},
    ],
)
def test_another_detector_span_or_medium_is_analysed_anew(tmp_path: Path, changes: dict[str, object]) -> None:
    store = AnalysisStore(tmp_path)
    analyse(Registry(), store=store)
    _, shelf = analyse(Registry(), request(**changes), store=store)
    assert len(shelf.readers) == 1


def test_damaged_results_are_made_again(tmp_path: Path) -> None:
    store = AnalysisStore(tmp_path)
    analyse(Registry(), store=store)
    for file in tmp_path.iterdir():
        file.write_bytes(b"broken")
    _, shelf = analyse(Registry(), store=store)
    assert len(shelf.readers) == 1
    assert analyse(Registry(), store=store)[1].readers == []


def test_weights_are_part_of_the_key(tmp_path: Path) -> None:
    weights = tmp_path / "weights.bin"
    asked = request(motion=CHOICES["motion"].model_copy(update={"weights": weights}))
    store = AnalysisStore(tmp_path / "cache")
    weights.write_bytes(b"one")
    analyse(Registry(), asked, store=store)
    weights.write_bytes(b"another")
    registry = Registry()
    analyse(registry, asked, store=store)
    assert "motion" in registry.made


def test_every_file_of_a_folder_of_weights_is_part_of_the_key(tmp_path: Path) -> None:
    folder, store = tmp_path / "net", AnalysisStore(tmp_path / "cache")
    folder.mkdir()
    asked = request(motion=CHOICES["motion"].model_copy(update={"weights": folder}))
    made = []
    for content in (b"one", b"one", b"another"):
        (folder / "layer.bin").write_bytes(content)
        registry = Registry()
        analyse(registry, asked, store=store)
        made.append("motion" in registry.made)
    assert made == [True, False, True]


def test_a_clip_without_a_face_is_an_error_that_names_it() -> None:
    with pytest.raises(AnalysisError, match=r"clip 'shot 1', file '/clips/anna.mkv'.*no face was found.*2 to 27"):
        analyse(Registry(), scene=lambda frame: [])


def test_a_face_number_beyond_the_people_seen_is_an_error() -> None:
    with pytest.raises(AnalysisError, match=r"face 1 is asked for.*show 1.*index from 0 to 0"):
        analyse(Registry(), request(face=FaceChoice(by="index", index=1)))


def test_gaps_are_bridged_and_marked() -> None:
    result, _ = analyse(Registry(), scene=lambda frame: [] if 10 <= frame < 13 else [Square(10 + frame, 12)])
    assert result.track.missing_ranges() == [(10, 13)]
    np.testing.assert_allclose(result.track.landmarks_px[:, 4, 0], 18 + np.arange(2, 28))


def test_the_largest_of_two_people_is_followed_past_the_other() -> None:
    def scene(frame: int) -> list[Square]:
        return [Square(70 - 2 * frame, 44, 12, who=BERT), Square(4 + 2 * frame, 4, 20)]

    result, _ = analyse(Registry(), scene=scene)
    assert result.num_people == 2
    np.testing.assert_allclose(result.track.boxes_px[:, 0], 4 + 2 * np.arange(2, 28))


def test_an_extractor_that_needs_pixels_gets_them() -> None:
    motion = SquareMotion(needs_pixels=True)
    result, shelf = analyse(Registry(motion=motion))
    assert len(shelf.readers) == 2
    assert all(reader.closed for reader in shelf.readers)
    np.testing.assert_allclose(result.motion.codes.expression[:, 0] * 255, 60 + np.arange(2, 28), atol=0.01)


def test_a_named_neutral_frame_reaches_the_extractor_as_a_row() -> None:
    motion = SquareMotion()
    analyse(Registry(motion=motion), request(neutral_frame=9))
    assert motion.neutral_rows == [7]


class Faulty(SquareDetector):
    def __init__(self, fault: object) -> None:
        super().__init__()
        self.fault = fault

    def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
        if self.calls < 1:
            return super().detect(frames, previous)
        if isinstance(self.fault, BaseException):
            raise self.fault
        return self.fault  # type: ignore[return-value] # what a faulty plugin gives


BAD = Detections(*(np.full(shape, np.nan, np.float32) for shape in ((1, 4), (1, 5, 3), (1,), (1, 1))))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ZeroDivisionError("oh"), "ZeroDivisionError: oh"),
        ([Detections.none(5, 1)], "1 results for 8 frames"),
        ([Detections.none(7, 1)] * 8, "changed its number of landmarks"),
        ([BAD] * 8, "boxes_px that are not finite"),
    ],
)
def test_a_faulty_detector_is_named_with_version_clip_and_frames(fault: object, words: str) -> None:
    with pytest.raises(PluginError, match=f"'shot 1', plugin 'dpe-squares 1.2'.*frames 10 to 17.*{words}") as caught:
        analyse(Registry(detector=Faulty(fault)))
    assert caught.value.__cause__ is not None


def test_errors_of_the_toolkit_pass_through_a_plugin_unchanged() -> None:
    with pytest.raises(MediaError, match=r"^unreadable"):
        analyse(Registry(detector=Faulty(MediaError("unreadable"))))


def test_a_motion_extractor_that_drops_rows_is_refused() -> None:
    class Dropping(SquareMotion):
        def extract(self, faces: FaceBatch) -> MotionCode:
            return super().extract(faces).take(slice(1, None))

    with pytest.raises(PluginError, match=r"extract\(\) gave 25 rows for 26 frames"):
        analyse(Registry(motion=Dropping()))


def test_codes_that_are_not_finite_are_refused() -> None:
    class Wild(SquareMotion):
        def extract(self, faces: FaceBatch) -> MotionCode:
            codes = super().extract(faces)
            return MotionCode(codes.space, codes.expression / 0, codes.pose)

    with pytest.raises(PluginError, match=r"extract\(\) gave codes that are not finite"):
        analyse(Registry(motion=Wild()))


def test_settled_motion_must_start_where_the_track_does() -> None:
    class Late(SquareMotion):
        def settle(self, *args: object) -> object:  # type: ignore[override] # passes on what it gets
            return replace(super().settle(*args), start=9)  # type: ignore[arg-type] # as above

    with pytest.raises(PluginError, match="gave start 9, the track starts at 2"):
        analyse(Registry(motion=Late()))


def test_a_component_that_does_not_fit_its_slot_is_refused() -> None:
    with pytest.raises(PluginError, match="gave a str, which is no Detector"):
        analyse(Registry(detector="a string"))


def test_a_component_that_cannot_be_made_is_a_plugin_error() -> None:
    class Broken(Registry):
        def create(self, choice: object, context: ComponentContext) -> object:
            raise ImportError("no such library")

    with pytest.raises(PluginError, match="detector 'square' failed: ImportError: no such library"):
        analyse(Broken())


@dataclass
class BoxDetector(SquareDetector):
    """Sees boxes alone, and remembers what it was shown of the frame before."""

    def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
        return [
            replace(one, landmarks_px=one.landmarks_px[:, :0], blendshapes=one.blendshapes[:, :0])
            for one in super().detect(frames, previous)
        ]


@dataclass
class SquareLandmarker:
    calls: int = 0
    short: bool = False

    def landmarks(self, frames: FrameBatch, found: Sequence[Detections]) -> list[Detections]:
        self.calls += 1
        return SquareDetector().detect(frames, None)[int(self.short) :]


def test_a_landmarker_gives_a_detector_of_boxes_the_mesh_that_motion_needs() -> None:
    detector, landmarker = BoxDetector(), SquareLandmarker()
    registry = Registry(detector=detector, landmark=landmarker)
    found, _ = analyse(registry, request(landmark=choice("landmark")))
    plain, _ = analyse(Registry())
    np.testing.assert_array_equal(found.track.landmarks_px, plain.track.landmarks_px)
    torch.testing.assert_close(found.motion.codes.expression, plain.motion.codes.expression)
    assert landmarker.calls == detector.calls
    # What it is shown of the frame before is its own: boxes without a mesh.
    shown = [one for one in detector.previous if one is not None]
    assert shown
    assert {one.landmarks_px.shape[1] for one in shown} == {0}


def test_weights_of_a_detector_may_be_a_folder(tmp_path: Path) -> None:
    weights = tmp_path / "parts"
    weights.mkdir()
    detector = choice("detector").model_copy(update={"weights": weights, "fingerprint": "of the folder"})
    found, _ = analyse(Registry(), request(detector=detector), store=AnalysisStore(tmp_path))
    assert len(found.track) == len(analyse(Registry(), request())[0].track)


def test_another_landmarker_detects_again_and_none_keeps_the_key(tmp_path: Path) -> None:
    store = AnalysisStore(tmp_path)
    made = Registry(landmark=SquareLandmarker())
    for asked in (request(), request(landmark=choice("landmark")), request(landmark=choice("landmark", other=1))):
        before = len(list(tmp_path.iterdir())) if tmp_path.exists() else 0
        for _ in range(2):
            analyse(made, asked, store=store)
        assert len(list(tmp_path.iterdir())) == before + 2


def test_a_fault_of_a_landmarker_names_it() -> None:
    registry = Registry(landmark=SquareLandmarker(short=True))
    with pytest.raises(
        PluginError, match=r"landmark 'square' failed on frames 2 to 9: .*landmarks\(\) gave 7 results"
    ) as told:
        analyse(registry, request(landmark=choice("landmark")))
    assert told.value.plugin == "dpe-squares 1.2"


def test_where_no_face_is_left_the_error_names_the_landmarker() -> None:
    asked = request(landmark=choice("landmark"))
    with pytest.raises(AnalysisError, match=r"no face was found.*on which landmark 'square' finds its points"):
        analyse(Registry(landmark=SquareLandmarker()), asked, scene=lambda frame: [])
