"""The terms of the loss and their weights, as frozen models."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "AdversarialTerm",
    "CodesTerm",
    "Count",
    "ExpressionTerm",
    "FlowTerm",
    "OptionValue",
    "PairWeights",
    "PartsTerm",
    "PerceptualTerm",
    "PoseTerm",
    "Settings",
    "Weight",
]

Weight = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**9)]
OptionValue = bool | int | float | str


class Settings(BaseModel):
    """What every group of settings is."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class PairWeights(Settings):
    """Weights of a term that compares pictures: of the whole, and of each group of pairs within it."""

    weight: Weight = Field(default=1.0, description="weight of the term")
    finals: Weight = Field(default=1.0, description="of the pairs (S'', D) and (D'', S)")
    mid: Weight = Field(default=1.0, description="of the pair (S', D')")
    own: Weight = Field(default=0.0, description="of the self-reconstructions e(S, S) and p(S, S) against S")


class PartsTerm(PairWeights):
    """L1 distance within mouth, eyes and brows. Ours; see `parts.mask_parts`."""

    weight: Weight = Field(default=0.0, description="weight of the term; 0 leaves it out, as the paper does")
    own: Weight = Field(default=1.0, description="of the self-reconstructions e(S, S) and p(S, S) against S")


class CodesTerm(Settings):
    """What motion codes say beside what the dataset holds of each frame. Ours; see `losses.code_loss`."""

    weight: Weight = Field(default=0.0, description="weight of the term; 0 leaves it out, as the paper does")


class FlowTerm(Settings):
    """How far flows are from still. Ours; see `losses.unstillness`."""

    weight: Weight = Field(default=0.0, description="weight of the term; 0 leaves it out, as the paper does")


class PerceptualTerm(PairWeights):
    """Distance of feature maps. Source: DPE, section 3.3; maps and scales are the released trainer's."""

    weight: Weight = Field(default=20.0, description="weight of the term. Source: DPE, section 4 (lambda_p)")
    own: Weight = Field(default=1.0, description="of the self-reconstructions e(S, S) and p(S, S) against S")
    features: str = Field(default="vgg19", min_length=1, description="component that gives the feature maps")
    options: dict[str, OptionValue] = Field(default_factory=dict, description="options of that component")
    layer_weight: Weight = Field(default=1.0, description="of every feature map; the released trainer's is 10")
    scales: tuple[Count, ...] = Field(
        default=(1, 2, 4, 8),
        min_length=1,
        description="pictures are compared at 1 / each. Source: the released trainer",
    )


class ExpressionTerm(Settings):
    """Distance of expressions that a regressor reads. Source: DPE, section 3.3."""

    weight: Weight = Field(default=20.0, description="weight of the term. Source: DPE, section 4 (lambda_e)")
    regressor: str = Field(default="mesh", min_length=1, description="component that reads the expression")
    options: dict[str, OptionValue] = Field(default_factory=dict, description="options of that component")
    read_share: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="share of the pairs that are read, of each part of a batch; at least one. Ours",
    )
    gradient_limit: Weight = Field(
        default=0.0,
        description="longest gradient that readings (expression and pose together) pass to a picture, in lengths of "
        "that of an L1 distance of weight 1; 0 sets no limit. Ours; see `objective.bounded`",
    )


class PoseTerm(Settings):
    """Distance of head poses that the expression term's regressor reads. Ours; see `losses.pose_loss`."""

    weight: Weight = Field(default=0.0, description="weight of the term; 0 leaves it out, as the paper does")


class AdversarialTerm(Settings):
    """The discriminator and what it tells the generators. Source: DPE, section 3.3; non-saturating."""

    weight: Weight = Field(default=1.0, description="weight of the term; 0 trains without a discriminator")
    discriminator_weight: Weight = Field(default=1.0, description="of the discriminator's own loss")
    deviation_group: int = Field(
        default=4,
        ge=1,
        le=64,
        description="pictures among which the discriminator compares deviations; 1 compares none",
    )
    r1_weight: Weight = Field(default=0.0, description="of the gradient penalty on real pictures; 0 leaves it out")
    r1_every_steps: Count = Field(
        default=16, description="steps from one gradient penalty to the next. Source: StyleGAN2"
    )
