"""What landmarkers promise."""

from __future__ import annotations

from functools import cache
from typing import ClassVar, cast

import numpy as np

from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.editing.protocols import Landmarker
from dpe_toolkit.editing.stages import ComponentKind
from dpe_toolkit.face.tracks import Detections
from dpe_toolkit.testing.conformance.comparing import require
from dpe_toolkit.testing.conformance.filming import named_detector
from dpe_toolkit.testing.conformance.suite import ComponentConformance, Rows

__all__ = ["LandmarkConformance"]


class LandmarkConformance(ComponentConformance):
    """Conformance of a landmarker; without a detector among ``partners`` the face's known box is what was found."""

    kind: ClassVar[ComponentKind] = "landmark"

    @classmethod
    @cache
    def found(cls) -> tuple[Detections, ...]:
        """What a detector found in each frame of the clip: one box, no landmarks."""
        clip = cls.source_clip()
        if (detector := named_detector(cls)) is not None:
            return tuple(detector.detect(clip.frames(), None))
        none = Detections.none()
        score = np.ones(1, np.float32)
        boxes = [np.ascontiguousarray(box[None], np.float32) for box in clip.boxes_px]
        empty = np.zeros((1, 0, 3), np.float32)
        return tuple(
            Detections(box, empty, score, np.zeros((1, none.blendshapes.shape[1]), np.float32)) for box in boxes
        )

    def inputs(self, rows: Rows) -> tuple[object, ...]:
        """Frames, and the faces that were found in them."""
        return self.source_clip().frames().take(rows), [self.found()[row] for row in rows.tolist()]

    def call(self, made: object, *inputs: object) -> object:
        """``landmarks``."""
        frames, found = cast("tuple[FrameBatch, list[Detections]]", inputs)
        return cast("Landmarker", made).landmarks(frames, found)

    def test_each_frame_has_a_result(self) -> None:
        """N frames give N `Detections`, in order, with as many landmarks each."""
        result = self.run()
        require(isinstance(result, list), f"landmarks() gives a {type(result).__name__}, expected a list")
        marked = cast("list[Detections]", result)
        require(len(marked) == self.num_rows, f"landmarks() gives {len(marked)} results for {self.num_rows} frames")
        kinds = {type(faces).__name__ for faces in marked}
        require(kinds == {"Detections"}, f"landmarks() gives {sorted(kinds)}, expected Detections")
        sizes = {faces.landmarks_px.shape[1] for faces in marked}
        require(len(sizes) == 1 and 0 not in sizes, f"faces get {sorted(sizes)} landmarks, expected one number above 0")

    def test_landmarks_lie_about_the_face_that_was_found(self) -> None:
        """The middle of the landmarks lies in the box of the face."""
        for frame, (given, faces) in enumerate(zip(self.found(), cast("list[Detections]", self.run()), strict=True)):
            require(len(faces) == len(given), f"frame {frame} has {len(given)} faces and gets {len(faces)} back")
            for box, points in zip(given.boxes_px, faces.landmarks_px, strict=True):
                x, y = points[:, :2].mean(axis=0).tolist()
                inside = box[0] <= x <= box[2] and box[1] <= y <= box[3]
                require(
                    inside, f"frame {frame}: the landmarks of box {box.round().tolist()} lie about {x:.0f}, {y:.0f}"
                )

    def test_results_have_the_types_and_ranges_of_the_contract(self) -> None:
        """float32; scores and blendshapes in [0, 1]."""
        for frame, faces in enumerate(cast("list[Detections]", self.run())):
            for name in ("boxes_px", "landmarks_px", "scores", "blendshapes"):
                dtype = getattr(faces, name).dtype
                require(dtype == np.float32, f"frame {frame}: {name} are {dtype}, expected float32")
            for name in ("scores", "blendshapes"):
                values = getattr(faces, name)
                wrong = values[(values < 0) | (values > 1)]
                require(not len(wrong), f"frame {frame}: {name} leave [0, 1], e.g. {wrong[:1].tolist()}")

    def test_no_face_is_added_where_none_was_found(self) -> None:
        """A frame without a face stays one, with as many landmarks and blendshapes as others have."""
        frames, found = cast("tuple[FrameBatch, list[Detections]]", self.inputs(self.rows))
        some = cast("list[Detections]", self.run())[0]
        empty = [Detections.none(one.landmarks_px.shape[1], one.blendshapes.shape[1]) for one in found]
        for faces in cast("Landmarker", self.made()).landmarks(frames, empty):
            require(not len(faces), "a face comes back where the detector found none")
            sizes = faces.landmarks_px.shape[1:], faces.blendshapes.shape[1:]
            wanted = some.landmarks_px.shape[1:], some.blendshapes.shape[1:]
            require(
                sizes == wanted, f"without a face, landmarks and blendshapes have the sizes {sizes}, with one {wanted}"
            )
