"""What a plugin provides for training and evaluation: readings of faces, features, identities, metrics.

These components judge pictures and never make any, so no timeline names them. Pictures are RGB, ``NCHW``,
floating, [0, 1]; tensors stay on the device of the pictures. What training uses must be differentiable
with respect to the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch

__all__ = [
    "ExpressionRegressor",
    "FaceReading",
    "IdentityEmbedder",
    "PerceptualFeatures",
    "PictureMetric",
]


@dataclass(frozen=True, slots=True)
class FaceReading:
    """What a regressor read in N pictures, one face each. Gradients flow from every field to the pictures."""

    expression: torch.Tensor
    """(N, K) expression, free of pose, in units whose usual spread is about 1; the regressor's own space."""
    pose_deg: torch.Tensor
    """(N, 3) yaw, pitch, roll of the head in degrees; positive turns to the picture's right, up, clockwise."""
    place: torch.Tensor
    """(N, 3) where the head is: centre x and y and size, in shares of the picture's width."""
    shape: torch.Tensor
    """(N, V, 3) the face without its pose, in canonical units (about centimetres); V may be 0."""
    points_px: torch.Tensor
    """(N, V, 3) the same vertices in picture pixels, z in the same scale; V may be 0."""
    blendshapes: torch.Tensor
    """(N, B) activities in [0, 1]; B may be 0."""
    score: torch.Tensor
    """(N,) in [0, 1], how sure the regressor is that a face was there."""


@runtime_checkable
class ExpressionRegressor(Protocol):
    """Reads expression and pose, differentiably."""

    @property
    def expression_size(self) -> int:
        """K."""
        ...

    def read(self, pictures: torch.Tensor, near_px: torch.Tensor | None = None) -> FaceReading:
        """The reading of each picture.

        Args:
            pictures: (N, 3, S, S).
            near_px: (N, V, 2 or 3) vertices of about where each face is, in picture pixels, such as the mesh of a
                neighbouring frame; None to look for it in the picture.
        """
        ...


@runtime_checkable
class PerceptualFeatures(Protocol):
    """A network whose feature maps are compared by the perceptual loss."""

    def features(self, pictures: torch.Tensor) -> Sequence[torch.Tensor]:
        """Feature maps (N, C, h, w), finest first, of pictures (N, 3, S, S) of any size the network takes."""
        ...


@runtime_checkable
class IdentityEmbedder(Protocol):
    """Tells who a face is."""

    def embed(self, pictures: torch.Tensor, near_px: torch.Tensor | None = None) -> torch.Tensor:
        """(N, K) vectors of length 1; the cosine of two says how alike the persons are. Arguments as in `read`."""
        ...


@runtime_checkable
class PictureMetric(Protocol):
    """Compares results with references, picture by picture."""

    @property
    def higher_is_better(self) -> bool:
        """Which way better lies."""
        ...

    def compare(self, results: torch.Tensor, references: torch.Tensor) -> torch.Tensor:
        """(N,) values of results (N, 3, S, S) against references of the same shape."""
        ...
