"""What refiners and matte makers promise: both look at a source window and the edit that was drawn for it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, cast

import torch
from torch import Tensor

from dpe_toolkit.editing.protocols import Generated, MatteMaker, Refiner
from dpe_toolkit.editing.stages import ComponentKind
from dpe_toolkit.face.tracks import FaceBatch
from dpe_toolkit.testing.conformance.comparing import advise, require
from dpe_toolkit.testing.conformance.edited_faces import EditedFacesConformance

__all__ = ["MatteConformance", "RefinerConformance"]

_LEAST_OPEN = 0.5


class RefinerConformance(EditedFacesConformance):
    """Conformance of a refiner. The edit is a smooth darkening of part of a face, as if a mouth had opened."""

    kind: ClassVar[ComponentKind] = "refine"

    def call(self, made: object, *inputs: object) -> object:
        """``refine``."""
        source, edited = cast("tuple[FaceBatch, Generated]", inputs)
        return cast("Refiner", made).refine(source, edited)

    def test_results_have_the_shapes_and_types_of_the_contract(self) -> None:
        """Pixels and landmarks of each window, float32; confidence in [0, 1] where there is some."""
        faces, result = self.filmed().faces(self.rows), self.run()
        require(isinstance(result, Generated), f"refine() gives a {type(result).__name__}, expected a Generated")
        refined = cast("Generated", result)
        shape, wanted = tuple(refined.pixels.shape), tuple(faces.pixels.shape)
        require(shape == wanted, f"pixels are {shape}, expected {wanted}")
        require(refined.pixels.dtype == torch.float32, f"pixels are {refined.pixels.dtype}, expected torch.float32")
        points, given = tuple(refined.landmarks_px.shape), tuple(faces.landmarks_px.shape)
        require(points == given, f"landmarks_px are {points}, expected {given}: hand on those of the edit")
        if refined.confidence is not None:
            held = tuple(refined.confidence.shape)
            require(held == (wanted[0], 1, *wanted[2:]), f"confidence is {held}, expected (N, 1, h, w)")
            inside = bool(((refined.confidence >= 0) & (refined.confidence <= 1)).all())
            require(inside, "confidence leaves [0, 1]")

    def test_no_pixel_that_was_not_edited_changes(self) -> None:
        """Where the edited pixels equal the source's, the result's do, to the last bit."""
        faces = self.filmed().faces(self.rows)
        edited, changed = self.edit(faces)
        refined = cast("Refiner", self.made()).refine(faces, edited)
        touched = (refined.pixels != faces.pixels).any(dim=1, keepdim=True) & ~changed
        count = int(touched.sum())
        require(count == 0, f"{count} pixels change that the generator left alone; take those from the source")

    def test_a_face_without_landmarks_is_refined(self) -> None:
        """Detectors may give none (P = 0)."""
        faces = self.filmed().faces(self.rows)
        edited, _ = self.edit(faces)
        bare = Generated(edited.pixels, edited.landmarks_px[:, :0])
        refined = cast("Refiner", self.made()).refine(replace(faces, landmarks_px=faces.landmarks_px[:, :0]), bare)
        require(bool(refined.pixels.isfinite().all()), "without landmarks the pixels are not finite")


class MatteConformance(EditedFacesConformance):
    """Conformance of a matte maker. The clip is a face with nothing before it."""

    kind: ClassVar[ComponentKind] = "matte"

    def call(self, made: object, *inputs: object) -> object:
        """``matte``."""
        source, edited = cast("tuple[FaceBatch, Generated]", inputs)
        return cast("MatteMaker", made).matte(source, edited)

    def test_results_have_the_shape_and_range_of_the_contract(self) -> None:
        """(N, 1, h, w), float32, in [0, 1]."""
        count, _, height, width = self.filmed().faces(self.rows).pixels.shape
        matte = self.run()
        require(isinstance(matte, Tensor), f"matte() gives a {type(matte).__name__}, expected a tensor")
        held = cast("Tensor", matte)
        shape, wanted = tuple(held.shape), (count, 1, height, width)
        require(shape == wanted, f"the matte is {shape}, expected {wanted}")
        require(held.dtype == torch.float32, f"the matte is {held.dtype}, expected torch.float32")
        low, high = float(held.min()), float(held.max())
        require(low >= 0 and high <= 1, f"the matte goes from {low:.3g} to {high:.3g}, expected 0 to 1")

    def test_a_face_with_nothing_before_it_shows_its_edit(self) -> None:
        """Over the pixels that were edited the matte is open by half at least; a warning where not."""
        faces = self.filmed().faces(self.rows)
        edited, changed = self.edit(faces)
        matte = cast("MatteMaker", self.made()).matte(faces, edited)
        share = float(matte[changed].mean())
        advise(share >= _LEAST_OPEN, f"of an edit of an open face only {share:.0%} is let through")

    def test_a_face_without_landmarks_has_a_matte(self) -> None:
        """Detectors may give none (P = 0)."""
        faces = self.filmed().faces(self.rows)
        edited, _ = self.edit(faces)
        bare = Generated(edited.pixels, edited.landmarks_px[:, :0])
        matte = cast("MatteMaker", self.made()).matte(replace(faces, landmarks_px=faces.landmarks_px[:, :0]), bare)
        require(bool(matte.isfinite().all()), "without landmarks the matte is not finite")
