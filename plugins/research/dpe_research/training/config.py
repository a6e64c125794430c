"""Everything about a training run that a person may choose, as frozen models.

Defaults are the paper's values; `dpe_research.training.presets` holds the sets of values that have names.
"""

from __future__ import annotations

from typing import Literal, Self, TypeAlias

from pydantic import Field, model_validator

from dpe_research.training.terms import (
    AdversarialTerm,
    CodesTerm,
    Count,
    ExpressionTerm,
    FlowTerm,
    PairWeights,
    PartsTerm,
    PerceptualTerm,
    PoseTerm,
    Settings,
    Weight,
)
from dpe_toolkit.api.networks import Branch, NetworkParams

__all__ = [
    "AdversarialTerm",
    "AverageSettings",
    "CodesTerm",
    "Compares",
    "ComputeSettings",
    "DataSettings",
    "ExpressionTerm",
    "FlowTerm",
    "LoggingSettings",
    "NetworkSettings",
    "OptimiserSettings",
    "PairWeights",
    "PartsTerm",
    "PerceptualTerm",
    "PoseTerm",
    "Stage",
    "TrainingConfig",
]

Compares: TypeAlias = Literal["everything", "own", "driven", "codes"]
"""What a stage compares; see `Stage.compares`."""


class NetworkSettings(Settings):
    """Sizes of the network, and where its weights start."""

    size: int = Field(default=256, ge=8, le=1024, description="side of the pictures in pixels, a power of two")
    style_dim: int = Field(default=512, ge=1, le=4096, description="length of the latent and of both motion codes")
    motion_dim: int = Field(default=20, ge=1, le=512, description="directions of the motion dictionary")
    channel_multiplier: int = Field(default=1, ge=1, le=8, description="widens the levels of 64 pixels and more")
    max_channels: int = Field(default=512, ge=1, le=4096, description="channels of the widest level")
    base_channels: int = Field(default=64, ge=1, le=1024, description="channels of a level of 256 pixels")
    expression_branch: Branch = Field(
        default="pose",
        description="branch of the weights that learns the expression edit; 'pose' is what the released weights have",
    )
    start: str = Field(default="", description="LIA checkpoint or DPE weights to start from; empty starts at random")
    checkpoint_gradients: bool = Field(
        default=False, description="compute activations again while going back: less memory, about a third more time"
    )

    @property
    def params(self) -> NetworkParams:
        """The sizes alone."""
        return NetworkParams(
            size=self.size,
            style_dim=self.style_dim,
            motion_dim=self.motion_dim,
            channel_multiplier=self.channel_multiplier,
            max_channels=self.max_channels,
            base_channels=self.base_channels,
        )

    @model_validator(mode="after")
    def _exists(self) -> Self:
        # Building them raises ValueError for sizes that no network can have.
        assert self.params.num_levels > 0
        return self


class DataSettings(Settings):
    """Which frames are shown."""

    path: str = Field(default="", description="folder of a dataset made by 'dpe dataset'")
    split: Literal["train", "test"] = Field(default="train", description="part of the dataset that is trained on")
    batch_size: int = Field(
        default=32,
        ge=1,
        le=65536,
        description="pairs a step, over all processes and accumulated parts. Source: DPE, section 4",
    )
    pairing: Literal["random", "far"] = Field(
        default="random",
        description="random: two frames of a clip, each as likely (the paper). far: of four candidate drivers the one "
        "whose blendshapes differ most from the source's (ours)",
    )
    clips: Literal["equal", "by_frames"] = Field(
        default="equal", description="whether every clip is as likely, or every frame"
    )
    minimum_gap_frames: int = Field(default=1, ge=1, le=10**6, description="least distance of the two frames of a pair")
    flip: bool = Field(
        default=False,
        description="mirror half of the pairs. Off: a mirrored wink is the other eye's, and no face is symmetric",
    )
    workers: int = Field(
        default=2, ge=0, le=256, description="processes that read ahead; 0 reads in the training process"
    )


class OptimiserSettings(Settings):
    """Adam, for generators and discriminator alike. The paper names Adam alone; its rates are StyleGAN2's."""

    beta1: float = Field(default=0.0, ge=0, lt=1, description="decay of the mean gradient. Our choice: StyleGAN2's")
    beta2: float = Field(
        default=0.99, ge=0, lt=1, description="decay of the mean squared gradient. Our choice: StyleGAN2's"
    )
    epsilon: float = Field(default=1e-8, gt=0, le=1e-2, description="keeps the division defined")
    discriminator_rate: float = Field(
        default=1.0, gt=0, le=100, description="learning rate of the discriminator, in learning rates of the generators"
    )
    gradient_limit: Weight = Field(
        default=0.0, description="norm to which gradients are shortened; 0 leaves them as they are"
    )


class Stage(Settings):
    """A stretch of steps with one learning rate and one choice of what is trained."""

    steps: Count = Field(description="steps that it lasts")
    learning_rate: float = Field(gt=0, le=1, description="Adam's rate for the generators' side")
    trains: Literal["everything", "expression"] = Field(
        default="everything",
        description="expression: the expression generator, the motion MLP and both heads; the rest stays as it is",
    )
    compares: Compares = Field(
        default="everything",
        description="own: L1 distance of the self-reconstructions alone. driven: also of S' and D and of D' and S, so "
        "that both generators learn whole reenactment, as LIA does. codes: the term of that name alone, which the "
        "others add by its weight. Warm-ups for weights that start at random in place of the LIA weights that the "
        "paper starts from. Ours",
    )


class ComputeSettings(Settings):
    """Where and how exactly the work is done; it changes results by rounding alone."""

    accelerator: Literal["auto", "cpu", "cuda", "mps"] = Field(default="auto", description="kind of device")
    devices: int = Field(
        default=1, ge=1, le=1024, description="devices of this machine; torchrun's number goes before it"
    )
    precision: Literal["32-true", "bf16-mixed", "64-true"] = Field(
        default="32-true", description="bf16-mixed is faster on recent GPUs; regressors always read in single precision"
    )
    accumulate: int = Field(
        default=1, ge=1, le=65536, description="parts that a batch is worked through in, to fit the memory"
    )
    threads: int = Field(default=0, ge=0, le=1024, description="CPU threads of each process; 0 leaves it to torch")


class AverageSettings(Settings):
    """The moving average of the weights, which is what a run hands over."""

    decay: float = Field(
        default=0.999, ge=0, lt=1, description="share of the average kept at each step; 0 keeps none. Ours"
    )
    warm_up: bool = Field(default=True, description="smaller at first: (1 + step) / (10 + step) where that is less")


class LoggingSettings(Settings):
    """What is written while training."""

    every_steps: Count = Field(default=50, description="steps from one line of the log to the next")
    samples_every_steps: Count = Field(default=1000, description="steps from one picture of samples to the next")
    sample_pairs: int = Field(default=4, ge=1, le=64, description="pairs shown in it")
    checkpoint_every_steps: Count = Field(default=1000, description="steps from one checkpoint to the next")
    keep_checkpoints: Count = Field(default=3, description="newest checkpoints that are kept")
    tensorboard: bool = Field(default=True, description="write TensorBoard's files too")


class TrainingConfig(Settings):
    """A whole run."""

    network: NetworkSettings = Field(default=NetworkSettings(), description="the network")
    data: DataSettings = Field(default=DataSettings(), description="the data")
    reconstruction: PairWeights = Field(default=PairWeights(), description="L1 distance of pictures")
    parts: PartsTerm = Field(default=PartsTerm(), description="L1 distance within mouth, eyes and brows")
    codes: CodesTerm = Field(default=CodesTerm(), description="motion codes and what the dataset holds of frames")
    flow: FlowTerm = Field(default=FlowTerm(), description="how far flows are from still")
    perceptual: PerceptualTerm = Field(default=PerceptualTerm(), description="distance of feature maps")
    expression: ExpressionTerm = Field(default=ExpressionTerm(), description="distance of expressions")
    pose: PoseTerm = Field(default=PoseTerm(), description="distance of head poses")
    adversarial: AdversarialTerm = Field(default=AdversarialTerm(), description="the discriminator")
    reconstruct_driver: bool = Field(
        default=False, description="whether D's self-reconstructions are compared too. Ours"
    )
    optimiser: OptimiserSettings = Field(default=OptimiserSettings(), description="Adam")
    stages: tuple[Stage, ...] = Field(
        default=(
            Stage(steps=100_000, learning_rate=0.002),
            Stage(steps=50_000, learning_rate=0.0008, trains="expression"),
        ),
        min_length=1,
        description="one after another. Source: DPE, section 4",
    )
    compute: ComputeSettings = Field(default=ComputeSettings(), description="devices and precision")
    average: AverageSettings = Field(default=AverageSettings(), description="moving average of the weights")
    logging: LoggingSettings = Field(default=LoggingSettings(), description="what is written")
    seed: int = Field(default=0, ge=0, lt=2**31, description="of the starting weights and of the order of the data")

    @model_validator(mode="after")
    def _says_what_it_shows(self) -> Self:
        if self.data.flip and self.compares_codes:
            raise ValueError("activities are not mirrored with pictures: comparing codes needs data.flip=false")
        return self

    @property
    def compares_codes(self) -> bool:
        """Whether some stage needs what the dataset holds of frames."""
        return self.codes.weight > 0 or any(stage.compares == "codes" for stage in self.stages)

    @property
    def num_steps(self) -> int:
        """Steps of all stages together."""
        return sum(stage.steps for stage in self.stages)

    @property
    def reads_faces(self) -> bool:
        """Whether some term needs the regressor."""
        return self.expression.weight > 0 or self.pose.weight > 0

    @property
    def compares_features(self) -> bool:
        """Whether the perceptual term is there."""
        term = self.perceptual
        return term.weight * term.layer_weight * max(term.finals, term.mid, term.own) > 0

    def stage_at(self, step: int) -> tuple[int, Stage]:
        """Position and stage of a step, 0-based; the last stage for steps after the end."""
        for index, stage in enumerate(self.stages):
            if step < stage.steps:
                return index, stage
            step -= stage.steps
        return len(self.stages) - 1, self.stages[-1]
