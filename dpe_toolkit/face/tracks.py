"""Faces found in frames: detections, tracks through a clip, and the crops that components see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dpe_toolkit.core.shapes import expect_shape

if TYPE_CHECKING:
    import torch

__all__ = ["Detections", "FaceBatch", "FaceTrack", "FloatArray", "Placement"]

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Detections:
    """The M faces of one frame, in no order that means anything."""

    boxes_px: FloatArray
    """(M, 4) xyxy in frame pixels."""
    landmarks_px: FloatArray
    """(M, P, 3) x, y in frame pixels and z in the same scale, nearer is smaller. P may be 0."""
    scores: FloatArray
    """(M,) in [0, 1]."""
    blendshapes: FloatArray
    """(M, B) expression activities in [0, 1]; B is 0 where the detector gives none."""

    def __post_init__(self) -> None:
        sizes = expect_shape("boxes_px", self.boxes_px, ("M", 4))
        sizes = expect_shape("landmarks_px", self.landmarks_px, ("M", "P", 3), sizes)
        sizes = expect_shape("scores", self.scores, ("M",), sizes)
        expect_shape("blendshapes", self.blendshapes, ("M", "B"), sizes)

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def none(cls, num_landmarks: int = 0, num_blendshapes: int = 0) -> Detections:
        """No face."""
        return cls(
            np.zeros((0, 4), np.float32),
            np.zeros((0, num_landmarks, 3), np.float32),
            np.zeros(0, np.float32),
            np.zeros((0, num_blendshapes), np.float32),
        )


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """One person through a run of frames. Rows where ``present`` is False hold interpolated values."""

    index: npt.NDArray[np.int64]
    """(T,) frame index in the media, consecutive."""
    boxes_px: FloatArray
    """(T, 4) xyxy in frame pixels."""
    landmarks_px: FloatArray
    """(T, P, 3), as in `Detections`."""
    scores: FloatArray
    """(T,), 0 where the face is missing."""
    present: npt.NDArray[np.bool_]
    """(T,) the face was seen in this frame."""
    blendshapes: FloatArray
    """(T, B)."""

    def __post_init__(self) -> None:
        sizes = expect_shape("index", self.index, ("T",))
        for name, value, pattern in (
            ("boxes_px", self.boxes_px, ("T", 4)),
            ("landmarks_px", self.landmarks_px, ("T", "P", 3)),
            ("scores", self.scores, ("T",)),
            ("present", self.present, ("T",)),
            ("blendshapes", self.blendshapes, ("T", "B")),
        ):
            expect_shape(name, value, pattern, sizes)

    def __len__(self) -> int:
        return len(self.index)

    def missing_ranges(self) -> list[tuple[int, int]]:
        """Half-open frame ranges, in media frames, in which the face was not seen."""
        edges = np.flatnonzero(np.diff(np.r_[False, ~self.present, False].astype(np.int8)))
        first = int(self.index[0]) if len(self) else 0
        return [(first + int(a), first + int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where N crops of one size lie in their frames."""

    to_frame: FloatArray
    """(N, 2, 3) affine maps from crop pixels to frame pixels (continuous: pixel i covers [i, i+1))."""
    size_px: tuple[int, int]
    """(width, height) of a crop."""
    valid: npt.NDArray[np.bool_]
    """(N,) False where there is no face to edit."""
    focus_px: FloatArray | None = None
    """(N, 3) middle x, y and side, in frame pixels, of a square around the face that moves and grows smoothly
    from frame to frame, which whole origins cannot; None where it is not known."""

    def __post_init__(self) -> None:
        sizes = expect_shape("to_frame", self.to_frame, ("N", 2, 3))
        expect_shape("valid", self.valid, ("N",), sizes)
        if self.focus_px is not None:
            expect_shape("focus_px", self.focus_px, ("N", 3), sizes)

    @property
    def origin_px(self) -> npt.NDArray[np.int64]:
        """(N, 2) frame position x, y of each crop's first pixel; whole for native windows."""
        return np.round(self.to_frame[:, :, 2]).astype(np.int64)

    def take(self, rows: npt.NDArray[np.int64]) -> Placement:
        """The placement of these crops."""
        focus = None if self.focus_px is None else self.focus_px[rows]
        return Placement(self.to_frame[rows], self.size_px, self.valid[rows], focus)


@dataclass(frozen=True, slots=True)
class FaceBatch:
    """N crops of one face, cut from the frames without resampling (native windows).

    A crop may reach over the border of the frame: there the border pixels are repeated.
    """

    pixels: torch.Tensor
    """(N, 3, h, w) float32 RGB, encoded transfer, nominally in [0, 1] (code values beyond white are kept)."""
    placement: Placement
    landmarks_px: torch.Tensor
    """(N, P, 3) in crop pixels, on the device of ``pixels``."""
    blendshapes: torch.Tensor
    """(N, B)."""
    index: npt.NDArray[np.int64]
    """(N,) frame index in the media."""

    def __post_init__(self) -> None:
        sizes = {"N": len(self.index)}
        expect_shape("pixels", self.pixels, ("N", 3, "h", "w"), sizes)
        expect_shape("landmarks_px", self.landmarks_px, ("N", "P", 3), sizes)
        expect_shape("blendshapes", self.blendshapes, ("N", "B"), sizes)

    def __len__(self) -> int:
        return len(self.index)

    def take(self, rows: npt.NDArray[np.int64]) -> FaceBatch:
        """These faces, in this order."""
        picked = rows.tolist()
        return FaceBatch(
            self.pixels[picked],
            self.placement.take(rows),
            self.landmarks_px[picked],
            self.blendshapes[picked],
            self.index[rows],
        )
