"""Options of the plugin, importable without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dpe_toolkit.api import PluginOptions

__all__ = ["CropOptions", "GeneratorOptions", "ModelOptions", "MotionOptions", "PasteMode", "VggOptions"]

PasteMode = Literal["plain", "residual", "flow", "flow_residual"]


class ModelOptions(PluginOptions):
    """What encoder, motion extractor and generators share: which network, and how it runs."""

    weights: str = Field(
        default="",
        description="Name of imported weights, or a path; 'random' makes untrained ones from the seed, for tests.",
    )
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Of random weights; otherwise not used.")
    expression_branch: Literal["", "pose", "exp"] = Field(
        default="", description="Branch that edits the expression; by default what the weights say."
    )
    dtype: Literal["fp32", "bf16", "fp16"] = Field(
        default="fp32", description="Precision of the network; fp32 is the reference."
    )
    compile: bool = Field(default=False, description="Compile the network first; pays for long shots.")


class MotionOptions(ModelOptions):
    """Options of motion extractor ``dpe``."""

    smoothing_s: float = Field(
        default=0.0,
        ge=0,
        le=2,
        description="Seconds over which codes are smoothed, both ways in time; 0, as in the paper, not at all.",
    )


class GeneratorOptions(ModelOptions):
    """Options of generators ``dpe/expression`` and ``dpe/pose``."""

    paste: PasteMode = Field(
        default="flow_residual",
        description="How the network's image reaches full resolution. plain: enlarged. residual: what it changed, "
        "enlarged and added. flow: the source's own pixels moved, the network's where it invents. flow_residual: the "
        "source's own pixels moved, and what the network changed beyond that, enlarged and added.",
    )


class CropOptions(PluginOptions):
    """Options of compositor ``crop``."""

    feather_share: float = Field(
        default=0.08, ge=0, le=0.5, description="Share of the window's side over which the edit runs out at its edge."
    )


class VggOptions(PluginOptions):
    """Options of features ``vgg19``."""

    weights: str = Field(
        default="",
        description="Path of torchvision's VGG-19 weights; by default the copy that torchvision left in its cache.",
    )
