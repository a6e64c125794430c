"""What compositors promise."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, cast

import torch
from torch import Tensor

from dpe_toolkit.editing.protocols import Composited, Compositor, Generated
from dpe_toolkit.editing.stages import ComponentKind
from dpe_toolkit.face.tracks import FaceBatch
from dpe_toolkit.testing.conformance.comparing import require
from dpe_toolkit.testing.conformance.edited_faces import EditedFacesConformance

__all__ = ["CompositorConformance"]

_LEAST_SHOWN = 0.1
_MOST_AT_THE_BORDER = 0.05
"""Of the matte, where a window ends inside its frame: less than what shows as an edge."""


class CompositorConformance(EditedFacesConformance):
    """Conformance of a compositor. The edit is a smooth darkening of part of a face, as if a mouth had opened."""

    kind: ClassVar[ComponentKind] = "compositor"

    def call(self, made: object, *inputs: object) -> object:
        """``composite``."""
        source, edited = cast("tuple[FaceBatch, Generated]", inputs)
        return cast("Compositor", made).composite(source, edited)

    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        """What the component makes of it."""
        return cast("Compositor", self.made()).composite(source, edited)

    def test_results_have_the_shapes_and_ranges_of_the_contract(self) -> None:
        """Pixels (N, 3, h, w) and matte (N, 1, h, w), float32, the matte in [0, 1]."""
        faces, result = self.filmed().faces(self.rows), cast("Composited", self.run())
        count, _, height, width = faces.pixels.shape
        for name, value, channels in (("pixels", result.pixels, 3), ("matte", result.matte, 1)):
            shape = tuple(value.shape)
            wanted = (count, channels, height, width)
            require(shape == wanted, f"{name} are {shape}, expected {wanted}")
            require(value.dtype == torch.float32, f"{name} are {value.dtype}, expected torch.float32")
        low, high = float(result.matte.min()), float(result.matte.max())
        require(low >= 0 and high <= 1, f"the matte goes from {low:.3g} to {high:.3g}, expected 0 to 1")

    def test_an_unchanged_face_stays_as_it_is(self) -> None:
        """Edited windows that equal the source's come back to the last bit."""
        faces = self.filmed().faces(self.rows)
        result = self.composite(faces, Generated(faces.pixels.clone(), faces.landmarks_px.clone()))
        apart = _most(result.pixels, faces.pixels)
        require(apart == 0, f"a face that was not edited changes by up to {apart:.3g}; it must stay as it is")

    def test_no_pixel_outside_the_edit_changes(self) -> None:
        """Where the edited pixels equal the source's, the result's do, to the last bit."""
        faces = self.filmed().faces(self.rows)
        edited, changed = self.edit(faces)
        result = self.composite(faces, edited)
        touched = (result.pixels != faces.pixels).any(dim=1, keepdim=True) & ~changed & (result.matte > 0)
        count = int(touched.sum())
        require(count == 0, f"{count} pixels change that the generator left alone; take those from the source")

    def test_an_edit_is_shown(self) -> None:
        """Of the change in the middle of the face at least a tenth arrives in the frame."""
        faces = self.filmed().faces(self.rows)
        edited, _ = self.edit(faces)
        result = self.composite(faces, edited)
        asked = float((edited.pixels - faces.pixels).abs().sum())
        shown = float(((result.pixels - faces.pixels) * result.matte).abs().sum())
        require(shown >= _LEAST_SHOWN * asked, f"only {shown / asked:.0%} of the edit is shown")

    def test_pixels_without_confidence_are_not_shown(self) -> None:
        """Where the generator says that its pixels are unusable, the frame keeps its own."""
        faces = self.filmed().faces(self.rows)
        edited, _ = self.edit(faces)
        confidence = torch.ones_like(edited.pixels[:, :1])
        confidence[:, :, :, : confidence.shape[3] // 2] = 0
        result = self.composite(faces, replace(edited, confidence=confidence))
        shown = ((result.pixels - faces.pixels) * result.matte * (confidence == 0)).abs().max()
        require(float(shown) == 0, f"pixels of confidence 0 change the frame by up to {float(shown):.3g}")

    def test_the_matte_runs_out_before_the_window_ends(self) -> None:
        """Of a face that was drawn anew as a whole no edge shows, wherever its window ends inside the frame."""
        filmed = self.filmed()
        faces = filmed.faces(self.rows)
        matte = self.composite(faces, Generated(faces.pixels * 0.6 + 0.1, faces.landmarks_px.clone())).matte[:, 0]
        width, height = faces.placement.size_px
        frame_width, frame_height = filmed.frames.size_px
        for row, (left, top) in enumerate(faces.placement.origin_px.tolist()):
            sides = {
                "left": (left > 0, matte[row, :, 0]),
                "right": (left + width < frame_width, matte[row, :, -1]),
                "top": (top > 0, matte[row, 0]),
                "bottom": (top + height < frame_height, matte[row, -1]),
            }
            for side, (inside, values) in sides.items():
                most = float(values.max()) if inside else 0.0
                require(
                    most <= _MOST_AT_THE_BORDER,
                    f"row {row}: the matte is {most:.2f} at the {side} border of the window, which ends inside the "
                    "frame: a visible edge; let it run out to 0",
                )

    def test_a_face_without_landmarks_is_composited(self) -> None:
        """Detectors may give none (P = 0); the window itself then says where the face is."""
        faces = self.filmed().faces(self.rows)
        edited, _ = self.edit(faces)
        bare = replace(faces, landmarks_px=faces.landmarks_px[:, :0])
        result = self.composite(bare, replace(edited, landmarks_px=edited.landmarks_px[:, :0]))
        require(bool(result.matte.isfinite().all()), "without landmarks the matte is not finite")
        require(bool((result.matte > 0).any()), "without landmarks nothing of the edit is shown")

    def test_a_face_half_outside_its_frame_is_composited(self) -> None:
        """Landmarks may lie far outside the window."""
        faces = self.filmed().faces(self.rows)
        edited, _ = self.edit(faces)
        far = torch.tensor(
            [-faces.pixels.shape[3] * 0.8, faces.pixels.shape[2] * 0.7, 0.0], device=edited.pixels.device
        )
        outside = replace(faces, landmarks_px=faces.landmarks_px + far)
        result = self.composite(outside, replace(edited, landmarks_px=edited.landmarks_px + far))
        finite = bool(result.matte.isfinite().all() and result.pixels.isfinite().all())
        require(finite, "a face half outside its window gives values that are not finite")

    def test_windows_of_odd_sizes_are_composited(self) -> None:
        """Any size of window is taken, down to a face of a few pixels."""
        faces = self.filmed().faces(self.rows[:1])
        for height, width in ((17, 13), (9, 31), (6, 6)):
            small = replace(
                faces,
                pixels=faces.pixels[:, :, 20 : 20 + height, 20 : 20 + width].clone(),
                landmarks_px=faces.landmarks_px * (min(height, width) / faces.pixels.shape[2]),
                placement=replace(faces.placement, size_px=(width, height)),
            )
            edited, _ = self.edit(small)
            shape = tuple(self.composite(small, edited).pixels.shape)
            require(shape == (1, 3, height, width), f"a window of {width}x{height} comes back as {shape}")


def _most(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max()) if one.numel() else 0.0
