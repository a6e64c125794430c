"""What detectors promise."""

from __future__ import annotations

from functools import cache
from typing import ClassVar, cast

import numpy as np

from dpe_toolkit.analysis.association import box_overlap
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.editing.protocols import Detector
from dpe_toolkit.editing.stages import ComponentKind
from dpe_toolkit.face.tracks import Detections, FloatArray
from dpe_toolkit.testing.conformance.comparing import differing, require, snapshot
from dpe_toolkit.testing.conformance.suite import ComponentConformance, Rows
from dpe_toolkit.testing.footage import KnownClip
from dpe_toolkit.testing.pictures import LAYOUTS

__all__ = ["DetectorConformance"]

_ODD_SHIFT_PX = (24, 10)


class DetectorConformance(ComponentConformance):
    """Conformance of a detector.

    The clip is a photograph in motion; a detector of something else than people overrides `source_clip`.
    """

    kind: ClassVar[ComponentKind] = "detector"
    overlap: ClassVar[float] = 0.35
    """Intersection over union that the box of a found face has at least with the known face."""
    shift_tolerance: ClassVar[float] = 0.03
    """By how much a box may miss the place to which the frame was moved, as a share of the known face's larger side."""
    shift_tolerance_px: ClassVar[float | None] = None
    """The same in pixels of the clip, for suites written before it was relative; None takes `shift_tolerance`."""

    def inputs(self, rows: Rows) -> tuple[object, ...]:
        """Frames, and no detection before them."""
        return self.source_clip().frames().take(rows), None

    def call(self, made: object, *inputs: object) -> object:
        """``detect``."""
        frames, previous = cast("tuple[FrameBatch, Detections | None]", inputs)
        return cast("Detector", made).detect(frames, previous)

    @classmethod
    @cache
    def found(cls) -> list[Detections]:
        """The faces of the clip."""
        return cls().detect(cls.source_clip())

    def detect(self, clip: KnownClip, layout: str = "yuv420p") -> list[Detections]:
        """The faces of a whole clip."""
        return cast("Detector", self.made()).detect(clip.frames(LAYOUTS[layout]), None)

    def test_each_frame_has_a_result(self) -> None:
        """N frames give N `Detections`, in order."""
        found = self.found()
        count = len(self.source_clip().pictures)
        require(isinstance(found, list), f"detect() gives a {type(found).__name__}, expected a list")
        require(len(found) == count, f"detect() gives {len(found)} results for {count} frames")
        kinds = {type(faces).__name__ for faces in found}
        require(kinds == {"Detections"}, f"detect() gives {sorted(kinds)}, expected Detections")

    def test_the_face_is_found_where_it_is(self) -> None:
        """The largest face of each frame overlaps the known one."""
        clip = self.source_clip()
        for frame, faces in enumerate(self.found()):
            require(len(faces), f"frame {frame} shows a face of 100 px, none is found")
            share = box_overlap(_largest(faces), clip.boxes_px[frame])
            require(
                share >= self.overlap,
                f"frame {frame}: the box {_largest(faces).round().tolist()} overlaps the face "
                f"{clip.boxes_px[frame].round().tolist()} by {share:.2f}, expected {self.overlap}",
            )

    def test_results_have_the_types_and_ranges_of_the_contract(self) -> None:
        """float32; boxes with left < right and top < bottom; scores and blendshapes in [0, 1]."""
        for frame, faces in enumerate(self.found()):
            for name in ("boxes_px", "landmarks_px", "scores", "blendshapes"):
                dtype = getattr(faces, name).dtype
                require(dtype == np.float32, f"frame {frame}: {name} are {dtype}, expected float32")
            boxes = faces.boxes_px
            require((boxes[:, 2:] > boxes[:, :2]).all(), f"frame {frame}: a box is not left, top, right, bottom")
            for name in ("scores", "blendshapes"):
                values = getattr(faces, name)
                wrong = values[(values < 0) | (values > 1)]
                require(not len(wrong), f"frame {frame}: {name} leave [0, 1], e.g. {wrong[:1].tolist()}")

    def test_an_empty_room_shows_no_face(self) -> None:
        """No face is a result, with as many landmarks and blendshapes as others have."""
        some = self.found()[0]
        for faces in self.detect(self.source_clip().blank()):
            require(not len(faces), "a face is found in a plain grey picture")
            sizes = faces.landmarks_px.shape[1:], faces.blendshapes.shape[1:]
            wanted = some.landmarks_px.shape[1:], some.blendshapes.shape[1:]
            require(
                sizes == wanted,
                f"without a face, landmarks and blendshapes have the sizes {sizes}, with one {wanted}; "
                "use Detections.none with the same numbers",
            )

    def test_a_face_that_leaves_and_returns_is_seen_again(self) -> None:
        """One empty frame does not blind it."""
        clip = self.source_clip()
        pictures = clip.pictures.copy()
        pictures[1] = 128
        found = self.detect(KnownClip(pictures, clip.boxes_px))
        require(not len(found[1]), "a face is found in a plain grey frame between others")
        require(all(len(faces) for faces in found[2:]), "the face is not found again after a frame without it")

    def test_boxes_move_with_the_picture(self) -> None:
        """A picture moved by whole pixels moves the boxes as far."""
        shift = np.array(_ODD_SHIFT_PX * 2, np.float32)
        moved = self.detect(self.source_clip().shifted(*_ODD_SHIFT_PX))
        self._compare(moved, [_largest(faces) + shift for faces in self.found()], f"moved by {_ODD_SHIFT_PX} px")

    def test_a_mirrored_picture_gives_mirrored_boxes(self) -> None:
        """Left and right exchanged, within twice what a shift may miss."""
        width = self.source_clip().pictures.shape[2]
        wanted = [np.array([width - box[2], box[1], width - box[0], box[3]]) for box in map(_largest, self.found())]
        self._compare(self.detect(self.source_clip().mirrored()), wanted, "mirrored", factor=2)

    def test_ten_bit_frames_show_the_same_faces(self) -> None:
        """Depth and subsampling of the planes are no business of a detector: it reads them by `sample_rgb`."""
        wanted = [_largest(faces) for faces in self.found()]
        self._compare(self.detect(self.source_clip(), "yuv422p10le"), wanted, "as 10-bit 4:2:2")

    def test_a_batch_is_its_rows_one_by_one(self) -> None:
        """Each frame told of the one before gives what a batch gives."""
        frames = self.source_clip().frames()
        previous: Detections | None = None
        for row, faces in enumerate(self.found()):
            (previous,) = cast("Detector", self.made()).detect(frames.take(slice(row, row + 1)), previous)
            apart = differing(faces, previous, tolerance=0.05)
            require(not apart, f"frame {row} of a batch is not what it is alone: {apart}")

    def test_what_was_found_before_is_left_as_it_was(self) -> None:
        """``previous`` belongs to the caller."""
        first, frames = self.found()[0], self.source_clip().frames()
        before = snapshot(first)
        cast("Detector", self.made()).detect(frames.take(slice(1, 3)), first)
        require(not differing(before, snapshot(first)), "it changes the detections of the frame before")

    def _compare(self, found: list[Detections], wanted: list[FloatArray], how: str, factor: float = 1) -> None:
        known = self.source_clip().boxes_px
        sides_px = (known[:, 2:] - known[:, :2]).max(axis=1)
        for frame, (faces, box) in enumerate(zip(found, wanted, strict=True)):
            require(len(faces), f"frame {frame}, {how}: the face is not found")
            apart = float(np.abs(_largest(faces) - box).max())
            allowed_px = self.shift_tolerance_px
            limit = factor * (self.shift_tolerance * sides_px[frame] if allowed_px is None else allowed_px)
            require(
                apart <= limit, f"frame {frame}, {how}: the box is {apart:.1f} px off, at most {limit:.1f} are allowed"
            )


def _largest(faces: Detections) -> FloatArray:
    sides = faces.boxes_px[:, 2:] - faces.boxes_px[:, :2]
    return np.asarray(faces.boxes_px[int(sides.prod(axis=1).argmax())])
