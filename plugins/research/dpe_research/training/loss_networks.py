"""Finding what loss_networks pictures during training among the plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from dpe_research.training.config import TrainingConfig
from dpe_research.training.objective import LossNetworks
from dpe_research.training.terms import OptionValue
from dpe_toolkit.api import (
    ComponentContext,
    ComponentKind,
    DpeError,
    ExpressionRegressor,
    PerceptualFeatures,
    TrainingError,
)

if TYPE_CHECKING:
    from dpe_toolkit.api.components import Registry

__all__ = ["load_loss_networks", "load_regressor"]

SUBSTITUTE_FEATURES = "face_mesh"


def load_loss_networks(config: TrainingConfig, registry: Registry, device: torch.device) -> LossNetworks:
    """The loss_networks that the terms of ``config`` need, on a device, their weights fixed.

    Raises:
        TrainingError: one of them is not installed or cannot be made, and what could be done about it.
    """
    regressor = load_regressor(config, registry, device) if config.reads_faces else None
    features: PerceptualFeatures | None = None
    if config.compares_features:
        term = config.perceptual
        try:
            made = _create(registry, ("features", term.features, term.options), device)
        except DpeError as error:
            instead = f"train with other features by --set perceptual.features={SUBSTITUTE_FEATURES}"
            if term.features == SUBSTITUTE_FEATURES:
                instead = "leave the term out by --set perceptual.weight=0"
            raise _absent("perceptual", f"features {term.features!r}", error, instead) from error
        features = cast("PerceptualFeatures", made)
    return LossNetworks(regressor, features)


def load_regressor(config: TrainingConfig, registry: Registry, device: torch.device) -> ExpressionRegressor:
    """The regressor that ``config`` names, whether a term needs it or not.

    Raises:
        TrainingError: it is not installed or cannot be made.
    """
    term = config.expression
    try:
        made = _create(registry, ("regressor", term.regressor, term.options), device)
    except DpeError as error:
        instead = "name an installed one by --set expression.regressor=NAME, or --set expression.weight=0"
        raise _absent("expression", f"regressor {term.regressor!r}", error, instead) from error
    return cast("ExpressionRegressor", made)


def _create(
    registry: Registry, wanted: tuple[ComponentKind, str, dict[str, OptionValue]], device: torch.device
) -> object:
    kind, name, options = wanted
    made = registry.create(registry.choose(kind, name, options), ComponentContext(device=device))
    if isinstance(made, nn.Module):
        made.requires_grad_(False).eval()
    return made


def _absent(term: str, what: str, error: DpeError, instead: str) -> TrainingError:
    return TrainingError(
        f"the {term} term has no {what}: {error.wrong}",
        error.expected,
        f"{error.action}; or {instead}" if error.action else instead,
        path=error.path,
        plugin=error.plugin,
    )
