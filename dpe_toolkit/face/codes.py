"""Motion codes: what a face does, split into pose and expression."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from dpe_toolkit.core.shapes import expect_shape
from dpe_toolkit.face.regions import REGIONS
from dpe_toolkit.face.tracks import FaceBatch

if TYPE_CHECKING:
    import torch

__all__ = ["Appearance", "CodeSpace", "MixRequest", "MotionCode", "MotionTrack"]


@dataclass(frozen=True, slots=True)
class CodeSpace:
    """The space in which codes have meaning. Components of two spaces cannot work together."""

    id: str
    """Name of the space, e.g. ``blendshapes/1`` or the digest-qualified name of a network."""
    expression_size: int
    pose_size: int
    checkpoint_digest: str = ""
    """sha256 of the weights behind it; empty where there are none."""


@dataclass(frozen=True, slots=True)
class MotionCode:
    """The motion of N frames. Rows are frames."""

    space: CodeSpace
    expression: torch.Tensor
    """(N, Ke) float32."""
    pose: torch.Tensor
    """(N, Kp) float32."""

    def __post_init__(self) -> None:
        sizes = expect_shape("expression", self.expression, ("N", self.space.expression_size))
        expect_shape("pose", self.pose, ("N", self.space.pose_size), sizes)

    def __len__(self) -> int:
        return int(self.expression.shape[0])

    def take(self, rows: npt.NDArray[np.int64] | slice) -> MotionCode:
        """The codes of these rows."""
        picked = rows if isinstance(rows, slice) else rows.tolist()
        return MotionCode(self.space, self.expression[picked], self.pose[picked])

    def at(self, positions: npt.NDArray[np.float64]) -> MotionCode:
        """Codes at fractional rows, linear between neighbours, clamped at both ends.

        Args:
            positions: (M,) row positions; 2.25 lies a quarter of the way from row 2 to row 3.
        """
        last = len(self) - 1
        clamped = np.clip(positions, 0, last)
        low = np.minimum(np.floor(clamped).astype(np.int64), max(last - 1, 0))
        high = np.minimum(low + 1, last)
        first, second = self.take(low), self.take(high)
        share = first.pose.new_tensor((clamped - low).tolist())[:, None]
        return MotionCode(
            self.space, first.expression.lerp(second.expression, share), first.pose.lerp(second.pose, share)
        )

    def to(self, device: torch.device) -> MotionCode:
        """The same codes on a device."""
        return MotionCode(self.space, self.expression.to(device), self.pose.to(device))


@dataclass(frozen=True, slots=True)
class MotionTrack:
    """The motion of one person through a clip, smoothed and with gaps bridged."""

    codes: MotionCode
    """T rows."""
    neutral: MotionCode
    """One row: the person's face at rest."""
    present: npt.NDArray[np.bool_]
    """(T,) False where the row was bridged because the face was not seen."""
    blendshapes: npt.NDArray[np.float32]
    """(T, B) expression activities, for choosing among frames; B may be 0."""
    start: int
    """Media frame of row 0."""

    def __len__(self) -> int:
        return len(self.codes)

    def to(self, device: torch.device) -> MotionTrack:
        """The same track with its codes on a device; what is known of it as arrays stays where it is."""
        return replace(self, codes=self.codes.to(device), neutral=self.neutral.to(device))


@dataclass(frozen=True, slots=True)
class MixRequest:
    """What one shot asks of a mix, frame by frame."""

    expression: torch.Tensor
    """(N,) share of the driver's expression, 0 = none, 1 = all; above 1 exaggerates."""
    pose: torch.Tensor
    """(N,) share of the driver's pose."""
    mode: Literal["absolute", "relative"] = "absolute"
    """absolute: the driver's departure from his rest replaces the source's own; relative: it is added to it."""
    regions: dict[str, float] = field(default_factory=lambda: dict.fromkeys(REGIONS, 1.0))
    """Weight of each region of `REGIONS`."""
    region_rows: dict[str, torch.Tensor] = field(default_factory=dict)
    """(N,) weights of regions that change from frame to frame; they go before ``regions``."""

    @property
    def changes_nothing(self) -> bool:
        """True where no frame asks for anything, so that the picture must stay as it is."""
        return not bool(((self.expression != 0) | (self.pose != 0)).any())

    def to(self, device: torch.device) -> MixRequest:
        """The same request with its amounts on a device."""
        rows = {region: weights.to(device) for region, weights in self.region_rows.items()}
        return replace(self, expression=self.expression.to(device), pose=self.pose.to(device), region_rows=rows)


@dataclass(frozen=True, slots=True)
class Appearance:
    """What a generator needs to know of the source's looks. Encoders subclass it with their own fields."""

    space: CodeSpace
    faces: FaceBatch
    """The native windows that were encoded."""
