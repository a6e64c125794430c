"""What measures in a run, by the names of components and the files that were given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import torch

from dpe_research.evaluation.measures import Measures, picture_metrics
from dpe_research.evaluation.metrics import BackboneName, Lpips, load_lpips
from dpe_research.evaluation.reading import FaceReader
from dpe_toolkit.api import (
    CheckpointError,
    ComponentContext,
    DpeError,
    ExpressionRegressor,
    IdentityEmbedder,
    PictureMetric,
)
from dpe_toolkit.api.components import Registry, find_weights

__all__ = ["DEFAULT_REGRESSOR", "MeasureRequest", "choose_measures"]

DEFAULT_REGRESSOR = "mesh"
_USUAL_IDENTITIES = ("arcface", "dlib")
_WORDS = {"regressor": "regressor", "identity": "identity embedder"}
_FACE_KEYS = ("csim", "aed_mesh", "aed_expression", "aed_blendshapes", "apd", "seen")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRequest:
    """Which components measure."""

    regressor: str | None = None
    """Name of a component; None takes `DEFAULT_REGRESSOR` where it is installed."""
    identity: str | None = None
    """Name of a component; None takes the first usual one that can be made."""
    metrics: tuple[str, ...] = ()
    lpips_net: BackboneName = "alex"
    lpips_backbone: Path | None = None
    lpips_linear: Path | None = None
    options: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Component to option to value."""
    weights_folder: Path | None = None


def choose_measures(request: MeasureRequest, registry: Registry, device: torch.device, batch_size: int) -> Measures:
    """Everything that measures; what was not asked for by name and cannot be had is left out, with the reason.

    Raises:
        PlanError: a component that was named is not installed.
        DpeError: it cannot be made, or a file that was given cannot be read.
    """
    maker = _Maker(request, registry, device)
    lpips = _lpips(request, device)
    named = {name: maker.make("metric", name, PictureMetric) for name in request.metrics}  # type: ignore[type-abstract] # only asked isinstance
    pictures, columns, absent = picture_metrics(lpips, named)
    regressor = maker.first("regressor", request.regressor, (DEFAULT_REGRESSOR,), ExpressionRegressor)  # type: ignore[type-abstract] # only asked isinstance
    identity = maker.first("identity", request.identity, _USUAL_IDENTITIES, IdentityEmbedder)  # type: ignore[type-abstract] # only asked isinstance
    if regressor.made is None:
        absent |= dict.fromkeys(_FACE_KEYS, regressor.why)
        return Measures(pictures, None, request.regressor or DEFAULT_REGRESSOR, "", absent, columns)
    if identity.made is None:
        absent["csim"] = identity.why
    reader = FaceReader(regressor.made, identity.made, device, batch_size)
    return Measures(pictures, reader, regressor.name, identity.name, absent, columns)


@dataclass(frozen=True, slots=True)
class _Found(Generic[T]):
    made: T | None
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class _Maker:
    request: MeasureRequest
    registry: Registry
    device: torch.device

    def make(self, kind: str, name: str, protocol: type[T]) -> T:
        """The component, which fits its protocol: the registry looks."""
        options = dict(self.request.options.get(name, {}))
        weights = None
        if options.get("weights"):
            weights = find_weights(str(options["weights"]), folder=self.request.weights_folder, base_dir=Path.cwd())
        choice = self.registry.choose(kind, name, options)
        made = self.registry.create(choice, ComponentContext(self.device, weights))
        assert isinstance(made, protocol)
        return made

    def first(self, kind: str, named: str | None, usual: tuple[str, ...], protocol: type[T]) -> _Found[T]:
        """The component named, whatever that raises; else the first usual one that can be made."""
        if named is not None:
            return _Found(self.make(kind, named, protocol), named, "")
        reasons = []
        for name in usual:
            try:
                return _Found(self.make(kind, name, protocol), name, "")
            except DpeError as error:
                reasons.append(f"{name}: {error.wrong}")
        return _Found(None, "", f"no {_WORDS[kind]} can be used ({'; '.join(reasons)})")


def _lpips(request: MeasureRequest, device: torch.device) -> Lpips | str:
    try:
        return load_lpips(request.lpips_backbone, request.lpips_linear, name=request.lpips_net).to(device)
    except CheckpointError as error:
        if request.lpips_backbone is not None or request.lpips_linear is not None:
            raise
        return f"{error.wrong}; give them with --lpips-backbone and --lpips-linear"
