"""Sets of training values that have names."""

from __future__ import annotations

from types import MappingProxyType

from dpe_research.training.config import (
    AdversarialTerm,
    AverageSettings,
    CodesTerm,
    DataSettings,
    ExpressionTerm,
    FlowTerm,
    LoggingSettings,
    NetworkSettings,
    OptimiserSettings,
    PairWeights,
    PartsTerm,
    PerceptualTerm,
    PoseTerm,
    Stage,
    TrainingConfig,
)

__all__ = ["PRESETS"]

_PAPER = TrainingConfig()
"""What the paper says; what it leaves open is said at each field."""

_RELEASED = TrainingConfig(
    reconstruction=PairWeights(weight=1, finals=2, mid=1, own=1),
    perceptual=PerceptualTerm(weight=1, finals=1, mid=2, own=2, layer_weight=10),
    expression=ExpressionTerm(weight=0),
    adversarial=AdversarialTerm(discriminator_weight=10),
)
"""The loss weights of the released trainer, which has no expression loss. Stages and batch are the paper's."""

_TINY = TrainingConfig(
    network=NetworkSettings(size=64, style_dim=128, motion_dim=20, max_channels=64, base_channels=2),
    data=DataSettings(batch_size=8, workers=0),
    reconstruction=PairWeights(weight=1, finals=1, mid=1, own=1),
    parts=PartsTerm(weight=1),
    codes=CodesTerm(weight=0.2),
    flow=FlowTerm(weight=0.1),
    perceptual=PerceptualTerm(weight=0, features="face_mesh"),
    expression=ExpressionTerm(weight=3, read_share=0.25, gradient_limit=30),
    pose=PoseTerm(weight=4),
    adversarial=AdversarialTerm(weight=0),
    optimiser=OptimiserSettings(beta1=0.5),
    stages=(
        Stage(steps=500, learning_rate=0.004, compares="codes"),
        Stage(steps=1_200, learning_rate=0.004, compares="driven"),
        Stage(steps=2_700, learning_rate=0.004),
        Stage(steps=1_400, learning_rate=0.001),
        Stage(steps=300, learning_rate=0.0008, trains="expression"),
    ),
    average=AverageSettings(decay=0.998),
    logging=LoggingSettings(every_steps=20, samples_every_steps=500, checkpoint_every_steps=500),
)
"""A small network on few CPU cores: to see the method work, and to try changes. All of it is ours.

It starts at random where the paper starts from LIA's weights, so its encoder first learns what the dataset says of
each frame, and both generators whole reenactment; it has no discriminator and no feature maps, which cost more than
the network itself; half of the pairs are read; and it reads poses, since which branch turns the head would otherwise
be left to chance (see `losses.pose_loss`).
"""

PRESETS = MappingProxyType({"paper": _PAPER, "released": _RELEASED, "tiny": _TINY})
"""By name."""
