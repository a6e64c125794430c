"""Entry point of the plugin."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dpe_portrait.options import CropOptions, GeneratorOptions, ModelOptions, MotionOptions, VggOptions
from dpe_portrait.space import FAMILY, space_of
from dpe_toolkit.api import (
    API_VERSION,
    CheckpointFormat,
    Component,
    ComponentContext,
    PluginOptions,
    Problem,
    RenderPlan,
    hookimpl,
)

if TYPE_CHECKING:
    from dpe_portrait.generator import Part
    from dpe_toolkit.api import Compositor, Encoder, Generator, MotionExtractor, PerceptualFeatures

__all__ = [
    "DPE_API_VERSION",
    "dpe_check_plan",
    "dpe_register_checkpoints",
    "dpe_register_compositors",
    "dpe_register_encoders",
    "dpe_register_features",
    "dpe_register_generators",
    "dpe_register_motion_extractors",
]

DPE_API_VERSION = API_VERSION
_SOURCE = "Pang et al., DPE: Disentanglement of Pose and Expression for General Video Portrait Editing, CVPR 2023"
_LICENCE = "Apache-2.0 AND LicenseRef-weights"
_TIED: dict[str, Any] = {"space_of": space_of, "family": FAMILY, "licence": _LICENCE, "source": _SOURCE}


@hookimpl
def dpe_register_encoders() -> Iterable[Component[Encoder]]:
    """The encoder ``dpe``."""
    summary = "Latent and feature pyramid of each face, of the DPE network."
    return [
        Component(
            kind="encoder",
            name="dpe",
            summary=summary,
            create=_encoder,
            options=ModelOptions,
            fingerprint="e/1",
            **_TIED,
        )
    ]


@hookimpl
def dpe_register_motion_extractors() -> Iterable[Component[MotionExtractor]]:
    """The motion extractor ``dpe``."""
    summary = "Expression and pose codes of each face, of the DPE network."
    return [
        Component(
            kind="motion",
            name="dpe",
            summary=summary,
            create=_motion,
            options=MotionOptions,
            fingerprint="m/1",
            **_TIED,
        )
    ]


@hookimpl
def dpe_register_generators() -> Iterable[Component[Generator]]:
    """The generators ``dpe/expression`` and ``dpe/pose``."""
    return [
        Component(
            kind="generator",
            name="dpe/expression",
            summary="Edits the expression with the DPE network, and the pose too where the shot asks for some.",
            create=_expression,
            options=GeneratorOptions,
            fingerprint="g/1",
            default_for=("still",),
            **_TIED,
        ),
        Component(
            kind="generator",
            name="dpe/pose",
            summary="Edits the head's pose alone with the DPE network.",
            create=_pose,
            options=GeneratorOptions,
            fingerprint="g/1",
            **_TIED,
        ),
    ]


@hookimpl
def dpe_register_compositors() -> Iterable[Component[Compositor]]:
    """The compositor ``crop``."""
    return [
        Component(
            kind="compositor",
            name="crop",
            summary="Shows the whole crop, soft at its edge; for edits that move the head.",
            create=_crop,
            options=CropOptions,
            licence="Apache-2.0",
            source="our choice",
            fingerprint="crop/1",
            default_for=("still",),
        )
    ]


@hookimpl
def dpe_register_features() -> Iterable[Component[PerceptualFeatures]]:
    """The features ``vgg19``."""
    return [
        Component(
            kind="features",
            name="vgg19",
            summary="VGG-19 maps of the paper's perceptual loss; needs torchvision's weights.",
            create=_features,
            options=VggOptions,
            licence=_LICENCE,
            source="Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, 2015",
            fingerprint="vgg19/1",
        )
    ]


@hookimpl
def dpe_register_checkpoints() -> Iterable[CheckpointFormat]:
    """The weights files of the DPE network."""
    return [
        CheckpointFormat(
            name="dpe",
            summary="DPE weights: the released checkpoint, a generator's state alone, or the toolkit's safetensors.",
            detect=_detect,
            describe=_describe,
        )
    ]


@hookimpl
def dpe_check_plan(plan: RenderPlan) -> Iterable[Problem]:
    """What a shot asks of the network that it cannot do."""
    problems = []
    for shot in plan.leaves():
        edit = shot.edit
        generator = edit.components.get("generator") if edit is not None else None
        if edit is None or generator is None or not generator.name.startswith(f"{FAMILY}/") or edit.changes_nothing:
            continue
        where = f"clip {shot.name!r}"
        if any(weight != 1 for weight in edit.regions.values()) or edit.keys.keys() & edit.regions.keys():
            wrong = f"regions are not honoured by generator {generator.name!r}, whose codes are of the whole face"
            action = "leave the regions out, or take generator 'mesh'"
            problems.append(Problem(where=where, wrong=wrong, expected="the whole face", action=action))
        if generator.name == "dpe/pose" and edit.pose == 0:
            wrong = "generator 'dpe/pose' is to edit a pose of amount 0"
            action = "give an amount, e.g. --pose 1, or take generator 'dpe/expression'"
            problems.append(Problem(where=where, wrong=wrong, expected="a pose amount above 0", action=action))
    return problems


def _encoder(options: PluginOptions, context: ComponentContext) -> Encoder:
    from dpe_portrait.encoder import DpeEncoder
    from dpe_portrait.model import open_model

    return DpeEncoder(open_model(cast("ModelOptions", options), context))


def _motion(options: PluginOptions, context: ComponentContext) -> MotionExtractor:
    from dpe_portrait.model import open_model
    from dpe_portrait.motion import DpeMotion

    chosen = cast("MotionOptions", options)
    return DpeMotion(open_model(chosen, context), chosen)


def _expression(options: PluginOptions, context: ComponentContext) -> Generator:
    return _generator(options, context, ("expression", "pose"))


def _pose(options: PluginOptions, context: ComponentContext) -> Generator:
    return _generator(options, context, ("pose",))


def _generator(options: PluginOptions, context: ComponentContext, parts: tuple[Part, ...]) -> Generator:
    from dpe_portrait.generator import DpeGenerator
    from dpe_portrait.model import open_model

    chosen = cast("GeneratorOptions", options)
    return DpeGenerator(open_model(chosen, context), chosen, parts)


def _crop(options: PluginOptions, context: ComponentContext) -> Compositor:
    from dpe_portrait.compositor import CropCompositor

    return CropCompositor(cast("CropOptions", options))


def _features(options: PluginOptions, context: ComponentContext) -> PerceptualFeatures:
    from dpe_portrait.vgg import open_vgg

    return open_vgg(cast("VggOptions", options), context)


def _detect(path: Path) -> bool:
    from dpe_toolkit.api import CheckpointError, read_weights

    try:
        weights = read_weights(path)
    except CheckpointError:
        return False
    return weights.format != "lia" and any(key.startswith("dec_exp.") for key in weights.generator)


def _describe(path: Path) -> dict[str, str]:
    from dpe_portrait.space import file_facts

    facts = file_facts(path)
    values = facts.header.model_dump(exclude={"schema_version"}) | {"sha256": facts.sha256}
    return {name: str(value) for name, value in values.items() if value is not None}
