"""Motion codes: what a face does, split into pose and expression."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import numpy.typing as npt

from dpe_toolkit.core.shapes import expect_shape
from dpe_toolkit.face.regions import REGIONS
from dpe_toolkit.face.tracks import FaceBatch

if TYPE_CHECKING:
    import torch

__all__ = ["Appearance", "CodePart", "CodeSpace", "MixRequest", "MotionCode", "MotionTrack"]


@dataclass(frozen=True, slots=True)
class CodePart:
    """A named run of columns of a code: key points, ratios, a scale."""

    name: str
    """Unique in its space."""
    code: Literal["expression", "pose"]
    """The code whose columns these are."""
    shape: tuple[int, ...]
    """Shape of one frame's values, e.g. (21, 3); they lie in the columns in C order."""
    unit: str = ""
    """What 1 means: ``px``, ``radians``, ``canonical units``; empty where it has none."""

    @property
    def size(self) -> int:
        """Columns that it takes."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class CodeSpace:
    """The space in which codes have meaning. Components of two spaces cannot work together.

    Two spaces are the same where id, sizes and digest are: what names the columns changes nothing.
    """

    id: str
    """Name of the space, e.g. ``blendshapes/1`` or the digest-qualified name of a network."""
    expression_size: int
    pose_size: int
    checkpoint_digest: str = ""
    """sha256 of the weights behind it; empty where there are none."""
    parts: tuple[CodePart, ...] = field(default=(), compare=False)
    """Names of the columns. Parts of one code follow each other in this order and fill it; none names nothing."""

    def __post_init__(self) -> None:
        names = [part.name for part in self.parts]
        if len(set(names)) < len(names):
            raise ValueError(f"code space {self.id!r} names a part twice: {', '.join(names)}")
        for code, size in (("expression", self.expression_size), ("pose", self.pose_size)):
            sizes = [part.size for part in self.parts if part.code == code]
            if sizes and sum(sizes) != size:
                raise ValueError(f"the parts of the {code} of space {self.id!r} take {sum(sizes)} of {size} columns")

    @classmethod
    def of_parts(cls, id: str, *parts: CodePart, checkpoint_digest: str = "") -> Self:  # noqa: A002 # the field's name
        """The space whose codes are these parts, one after the other."""
        expression, pose = (sum(part.size for part in parts if part.code == code) for code in ("expression", "pose"))
        return cls(id, expression, pose, checkpoint_digest, parts)

    def part(self, name: str) -> tuple[CodePart, slice]:
        """The part of this name and its columns in its code.

        Raises:
            ValueError: the space names no such part.
        """
        start = {"expression": 0, "pose": 0}
        for part in self.parts:
            stop = start[part.code] + part.size
            if part.name == name:
                return part, slice(start[part.code], stop)
            start[part.code] = stop
        named = ", ".join(part.name for part in self.parts) or "no parts"
        raise ValueError(f"code space {self.id!r} has no part {name!r}; it names {named}")


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

    @classmethod
    def of_parts(cls, space: CodeSpace, parts: Mapping[str, torch.Tensor]) -> Self:
        """The code put together from every part of a space that names them all.

        Args:
            space: the space.
            parts: name to values, (N, *shape) float32, all on one device.

        Raises:
            ValueError: a part is missing, unknown or of another shape.
        """
        import torch  # the types load without it, so that plugins can be listed

        if not parts or set(parts) != {part.name for part in space.parts}:
            wanted = ", ".join(part.name for part in space.parts)
            raise ValueError(f"codes of space {space.id!r} need the parts {wanted}, got {', '.join(parts)}")
        known: dict[str, int] = {}
        for part in space.parts:
            known = expect_shape(part.name, parts[part.name], ("N", *part.shape), known)
        count, (like, *_) = known["N"], parts.values()
        held = {
            code: [parts[part.name].reshape(count, part.size) for part in space.parts if part.code == code]
            for code in ("expression", "pose")
        }
        return cls(space, *(torch.cat(one, dim=1) if one else like.new_zeros(count, 0) for one in held.values()))

    def part(self, name: str) -> torch.Tensor:
        """(N, *shape) the values of a part, a view of the code: not to be written to.

        Raises:
            ValueError: the space names no such part.
        """
        part, columns = self.space.part(name)
        code = self.expression if part.code == "expression" else self.pose
        return code[:, columns].reshape(len(self), *part.shape)

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

    def take(self, rows: npt.NDArray[np.int64] | slice) -> MixRequest:
        """What is asked of these rows."""
        picked = rows if isinstance(rows, slice) else rows.tolist()
        changing = {region: weights[picked] for region, weights in self.region_rows.items()}
        return replace(self, expression=self.expression[picked], pose=self.pose[picked], region_rows=changing)

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
