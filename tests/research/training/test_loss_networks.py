from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch
from torch import nn

from dpe_research.training import load_config, load_loss_networks, load_regressor
from dpe_toolkit.api import (
    API_VERSION,
    CheckpointError,
    Component,
    ComponentContext,
    NoOptions,
    PluginOptions,
    hookimpl,
)
from dpe_toolkit.core.errors import TrainingError
from dpe_toolkit.plugins import Registry
from tests.research.training.loss_networks import HalvedMaps, MeanReader

CPU = torch.device("cpu")


class WidthOptions(PluginOptions):
    width: int = 1


class FeatureNetwork(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 1)

    def features(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        return [self.conv(pictures)]


def without_weights(options: PluginOptions, context: ComponentContext) -> object:
    raise CheckpointError("vgg19 has no weights", "torchvision's file", "name it by options.weights")


class MeasuringPlugin:
    DPE_API_VERSION = API_VERSION

    @hookimpl
    def dpe_register_features(self) -> Iterable[Component[object]]:
        yield Component(kind="features", name="vgg19", summary="", create=without_weights)
        yield Component(kind="features", name="face_mesh", summary="", create=lambda options, context: HalvedMaps())
        yield Component(
            kind="features",
            name="network",
            summary="",
            options=WidthOptions,
            create=lambda options, context: FeatureNetwork(options.width),  # type: ignore[attr-defined] # its own options
        )

    @hookimpl
    def dpe_register_regressors(self) -> Iterable[Component[object]]:
        yield Component(
            kind="regressor", name="mesh", summary="", options=NoOptions, create=lambda options, context: MeanReader()
        )


PLUGINS = {"measuring": MeasuringPlugin()}
REGISTRY = Registry.of(PLUGINS)


def test_absent_weights_are_told_with_the_substitute_that_needs_none() -> None:
    expected = r"perceptual term has no features 'vgg19'.*no weights.*--set perceptual.features=face_mesh"
    with pytest.raises(TrainingError, match=expected):
        load_loss_networks(load_config("paper"), REGISTRY, CPU)


def test_features_that_are_not_installed_offer_the_nearest_names() -> None:
    config = load_config("paper", {"perceptual.features": "face_mash"})
    with pytest.raises(TrainingError, match=r"did you mean 'face_mesh'.*--set perceptual.features=face_mesh"):
        load_loss_networks(config, REGISTRY, CPU)
    with pytest.raises(TrainingError, match=r"no features 'face_mesh'.*--set perceptual.weight=0"):
        load_loss_networks(
            load_config("tiny", {"expression.weight": 0, "pose.weight": 0, "perceptual.weight": 1}),
            Registry.of({}),
            CPU,
        )


def test_a_regressor_that_is_not_installed_says_what_could_be_done() -> None:
    config = load_config("paper", {"expression.regressor": "mash", "perceptual.features": "face_mesh"})
    with pytest.raises(TrainingError, match=r"no regressor 'mash'.*did you mean 'mesh'.*--set expression.weight=0"):
        load_loss_networks(config, REGISTRY, CPU)


def test_only_what_the_terms_need_is_loaded() -> None:
    none = load_loss_networks(load_config("paper", {"perceptual.weight": 0, "expression.weight": 0}), REGISTRY, CPU)
    assert (none.regressor, none.features) == (None, None)
    posed = load_loss_networks(load_config("tiny", {"expression.weight": 0, "perceptual.weight": 1}), REGISTRY, CPU)
    assert isinstance(posed.regressor, MeanReader)
    assert isinstance(posed.features, HalvedMaps)
    assert isinstance(load_regressor(load_config("released"), REGISTRY, CPU), MeanReader)


def test_options_reach_the_judge_whose_weights_then_stay_as_they_are() -> None:
    config = load_config("paper", {"perceptual.features": "network", "perceptual.options.width": 5})
    features = load_loss_networks(config, REGISTRY, CPU).features
    assert isinstance(features, FeatureNetwork)
    assert features.conv.out_channels == 5
    assert not any(one.requires_grad for one in features.parameters())
    assert not features.training


def test_every_setting_says_what_it_is() -> None:
    def undescribed(model: object, where: str = "") -> list[str]:
        fields = getattr(model, "model_fields", {})
        found = [where + name for name, field in fields.items() if not field.description]
        return found + [one for name, field in fields.items() for one in undescribed(field.annotation, f"{name}.")]

    from dpe_research.training import TrainingConfig

    assert undescribed(TrainingConfig) == []
