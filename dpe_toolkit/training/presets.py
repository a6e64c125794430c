"""Sets of training values that have names."""

from __future__ import annotations

from types import MappingProxyType

from dpe_toolkit.training.config import (
    AdversarialTerm,
    AverageSettings,
    DataSettings,
    ExpressionTerm,
    LoggingSettings,
    NetworkSettings,
    PairWeights,
    PerceptualTerm,
    Stage,
    TrainingConfig,
)

__all__ = ["PRESETS"]

_PAPER = TrainingConfig()
"""What the paper says; what it leaves open is said at each field."""

_RELEASED = TrainingConfig(
    reconstruction=PairWeights(weight=1, finals=2, mid=1, own=1),
    perceptual=PerceptualTerm(weight=1, finals=1, mid=2, own=2),
    expression=ExpressionTerm(weight=0),
    adversarial=AdversarialTerm(discriminator_weight=10),
)
"""The loss weights of the released trainer, which has no expression loss. Stages and batch are the paper's."""

_TINY = TrainingConfig(
    network=NetworkSettings(size=64, style_dim=128, motion_dim=20, max_channels=96, base_channels=2),
    data=DataSettings(batch_size=8, workers=0),
    perceptual=PerceptualTerm(weight=1, features="face_mesh", layer_weight=1, scales=(1,), mid=0, own=0),
    expression=ExpressionTerm(weight=2),
    stages=(Stage(steps=16_000, learning_rate=0.002), Stage(steps=4_000, learning_rate=0.0008, trains="expression")),
    average=AverageSettings(decay=0.998),
    logging=LoggingSettings(every_steps=20, samples_every_steps=500, checkpoint_every_steps=500),
)
"""A small network on few CPU cores: to see the method work, and to try changes. All of it is ours."""

PRESETS = MappingProxyType({"paper": _PAPER, "released": _RELEASED, "tiny": _TINY})
"""By name."""
