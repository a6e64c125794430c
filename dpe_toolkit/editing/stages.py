"""The kinds of component that there are, one row each, from which hooks, flags, checks and listings follow.

To add a kind: a row here (and in `STAGES`), its protocol, and the place that uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from dpe_toolkit.editing.measures import ExpressionRegressor, IdentityEmbedder, PerceptualFeatures, PictureMetric
    from dpe_toolkit.editing.protocols import (
        Compositor,
        Detector,
        Encoder,
        Generator,
        Landmarker,
        MatteMaker,
        MotionExtractor,
        Refiner,
    )

__all__ = [
    "CHAIN_KINDS",
    "COMPOSITOR",
    "DETECTOR",
    "ENCODER",
    "FEATURES",
    "GENERATOR",
    "IDENTITY",
    "KINDS",
    "LANDMARK",
    "MATTE",
    "MEASURE_KINDS",
    "METRIC",
    "MOTION",
    "OPTIONAL_KINDS",
    "REFINE",
    "REGRESSOR",
    "SHOT_KINDS",
    "STAGES",
    "ComponentKind",
    "Stage",
    "stage_of",
]

ComponentKind: TypeAlias = str
"""The ``kind`` of a row of `STAGES`."""
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Generic[T_co]):
    """A kind of component; its type parameter is the protocol that components of the kind have."""

    kind: ComponentKind
    """What timelines, flags and plans call it."""
    protocol_path: str
    """``module:class`` of the protocol, which is imported at its first use."""
    hook: str
    """The hook by which plugins register components of the kind."""
    plural: str
    """Several of them, in words: "Face detectors"."""
    words: str
    """What one does, for help: "What finds the faces."."""
    runs: Literal["analysis", "render", "measure"]
    """Where it works: on each clip once, on each span, or on finished pictures."""
    optional: bool = False
    """A shot may have none."""
    many: bool = False
    """A shot has a list of them, in order."""
    named_by_shots: bool = True
    """Timelines, project files and flags may name one."""
    tied: bool = False
    """It works in a code space, and goes with others of its family."""
    template: str = ""
    """Template of `dpe plugins new` that makes one; empty where there is none."""

    @property
    def protocol(self) -> type[T_co]:
        """The protocol, which can be asked `isinstance`."""
        module, _, name = self.protocol_path.partition(":")
        return cast("type[T_co]", getattr(import_module(module), name))

    @property
    def protocol_name(self) -> str:
        """Name of the protocol, without importing it."""
        return self.protocol_path.rpartition(":")[2]


_PROTOCOLS = "dpe_toolkit.editing.protocols"
_MEASURES = "dpe_toolkit.editing.measures"

DETECTOR: Stage[Detector] = Stage(
    kind="detector",
    protocol_path=f"{_PROTOCOLS}:Detector",
    hook="dpe_register_detectors",
    plural="Face detectors",
    words="What finds the faces.",
    runs="analysis",
    template="detector",
)
LANDMARK: Stage[Landmarker] = Stage(
    kind="landmark",
    protocol_path=f"{_PROTOCOLS}:Landmarker",
    hook="dpe_register_landmarkers",
    plural="Landmarkers",
    words="What puts a mesh on the faces that were found.",
    runs="analysis",
    optional=True,
    template="landmark",
)
ENCODER: Stage[Encoder] = Stage(
    kind="encoder",
    protocol_path=f"{_PROTOCOLS}:Encoder",
    hook="dpe_register_encoders",
    plural="Encoders",
    words="What reads the source's looks.",
    runs="render",
    tied=True,
    template="family",
)
MOTION: Stage[MotionExtractor] = Stage(
    kind="motion",
    protocol_path=f"{_PROTOCOLS}:MotionExtractor",
    hook="dpe_register_motion_extractors",
    plural="Motion extractors",
    words="What splits pose from expression.",
    runs="analysis",
    tied=True,
    template="family",
)
GENERATOR: Stage[Generator] = Stage(
    kind="generator",
    protocol_path=f"{_PROTOCOLS}:Generator",
    hook="dpe_register_generators",
    plural="Generators",
    words="What draws the face.",
    runs="render",
    tied=True,
    template="family",
)
REFINE: Stage[Refiner] = Stage(
    kind="refine",
    protocol_path=f"{_PROTOCOLS}:Refiner",
    hook="dpe_register_refiners",
    plural="Refiners",
    words="What works over the face that was drawn; a list, in order.",
    runs="render",
    optional=True,
    many=True,
    template="refine",
)
COMPOSITOR: Stage[Compositor] = Stage(
    kind="compositor",
    protocol_path=f"{_PROTOCOLS}:Compositor",
    hook="dpe_register_compositors",
    plural="Compositors",
    words="What puts it into the frame.",
    runs="render",
    template="compositor",
)
MATTE: Stage[MatteMaker] = Stage(
    kind="matte",
    protocol_path=f"{_PROTOCOLS}:MatteMaker",
    hook="dpe_register_mattes",
    plural="Matte makers",
    words="What holds the edit back, such as behind a hand; a list, each takes its share away.",
    runs="render",
    optional=True,
    many=True,
    template="matte",
)
REGRESSOR: Stage[ExpressionRegressor] = Stage(
    kind="regressor",
    protocol_path=f"{_MEASURES}:ExpressionRegressor",
    hook="dpe_register_regressors",
    plural="Expression regressors, for the expression loss and for measuring",
    words="What reads expression and pose from a finished picture.",
    runs="measure",
    optional=True,
    named_by_shots=False,
)
FEATURES: Stage[PerceptualFeatures] = Stage(
    kind="features",
    protocol_path=f"{_MEASURES}:PerceptualFeatures",
    hook="dpe_register_features",
    plural="Feature networks, for the perceptual loss",
    words="What the perceptual loss compares.",
    runs="measure",
    optional=True,
    named_by_shots=False,
)
IDENTITY: Stage[IdentityEmbedder] = Stage(
    kind="identity",
    protocol_path=f"{_MEASURES}:IdentityEmbedder",
    hook="dpe_register_identities",
    plural="Identity embedders",
    words="What tells who a face is, where one is chosen by a picture.",
    runs="measure",
    optional=True,
)
METRIC: Stage[PictureMetric] = Stage(
    kind="metric",
    protocol_path=f"{_MEASURES}:PictureMetric",
    hook="dpe_register_metrics",
    plural="Metrics that compare a result with a reference",
    words="What compares a result with a reference.",
    runs="measure",
    optional=True,
    named_by_shots=False,
)

STAGES: tuple[Stage[object], ...] = (
    DETECTOR,
    LANDMARK,
    ENCODER,
    MOTION,
    GENERATOR,
    REFINE,
    COMPOSITOR,
    MATTE,
    REGRESSOR,
    FEATURES,
    IDENTITY,
    METRIC,
)
"""Every kind, in the order of help and listings."""

KINDS: tuple[ComponentKind, ...] = tuple(row.kind for row in STAGES if not row.optional)
"""What a shot needs one of each."""
OPTIONAL_KINDS: tuple[ComponentKind, ...] = tuple(
    row.kind for row in STAGES if row.optional and not row.many and row.runs != "measure"
)
"""What a shot may have one of."""
CHAIN_KINDS: tuple[ComponentKind, ...] = tuple(row.kind for row in STAGES if row.many)
"""What a shot has a list of, which may be empty."""
SHOT_KINDS: tuple[ComponentKind, ...] = tuple(row.kind for row in STAGES if row.named_by_shots)
"""What timelines, project files and flags may name."""
MEASURE_KINDS: tuple[ComponentKind, ...] = tuple(row.kind for row in STAGES if row.runs == "measure")
"""What judges pictures, and makes none."""
_BY_KIND: Mapping[str, Stage[object]] = MappingProxyType({row.kind: row for row in STAGES})


def stage_of(kind: str) -> Stage[object] | None:
    """The row of a kind; None where there is no such kind."""
    return _BY_KIND.get(kind)
