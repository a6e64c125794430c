"""Entry point of the plugin: generator ``onnx``, and the encoder and motion extractor that go with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from dpe_onnx_generator.options import OnnxOptions
from dpe_onnx_generator.space import SPACE
from dpe_toolkit.api import (
    CodeSpace,
    Component,
    ComponentContext,
    ComponentKind,
    NoOptions,
    OptionsError,
    PluginOptions,
    hookimpl,
)

if TYPE_CHECKING:
    from dpe_toolkit.api import Encoder, Generator, MotionExtractor

__all__ = ["DPE_API_VERSION", "dpe_register_encoders", "dpe_register_generators", "dpe_register_motion_extractors"]

DPE_API_VERSION = 1


@hookimpl
def dpe_register_encoders() -> Iterable[Component[object]]:
    """The encoder ``onnx``."""
    return [_component("encoder", "Hands the native windows to generator onnx as they are.", _encoder)]


@hookimpl
def dpe_register_motion_extractors() -> Iterable[Component[object]]:
    """The motion extractor ``onnx``."""
    return [_component("motion", "Mixes the blendshapes that the detector reads.", _motion)]


@hookimpl
def dpe_register_generators() -> Iterable[Component[object]]:
    """The generator ``onnx``."""
    summary = "Draws faces by a network in an ONNX file, whose inputs and outputs a file beside it declares."
    return [_component("generator", summary, _generator, OnnxOptions, _space_of)]


def _component(
    kind: ComponentKind,
    summary: str,
    create: Callable[[PluginOptions, ComponentContext], object],
    options: type[PluginOptions] = NoOptions,
    space_of: Callable[[PluginOptions, Path | None], CodeSpace] | None = None,
) -> Component[object]:
    return Component(
        kind=kind,
        name="onnx",
        summary=summary,
        create=create,
        options=options,
        space=SPACE,
        space_of=space_of,
        family="onnx",
        licence="Apache-2.0 AND LicenseRef-weights",
        source="our choice",
        fingerprint=f"onnx {kind}/1",
        needs=("landmarks", "blendshapes=arkit/52") if kind == "motion" else (),
    )


def _space_of(options: PluginOptions, weights: Path | None) -> CodeSpace:
    """The same for every network.

    Raises:
        OptionsError: none is named.
    """
    _named(weights)
    return SPACE


def _named(weights: Path | None) -> Path:
    if weights is None:
        raise OptionsError("generator 'onnx' has no network", "the path of an ONNX file", "name it with --weights FILE")
    return weights


def _encoder(options: PluginOptions, context: ComponentContext) -> Encoder:
    from dpe_onnx_generator.motion import OnnxEncoder

    return OnnxEncoder()


def _motion(options: PluginOptions, context: ComponentContext) -> MotionExtractor:
    from dpe_onnx_generator.motion import OnnxMotion

    return OnnxMotion()


def _generator(options: PluginOptions, context: ComponentContext) -> Generator:
    from dpe_onnx_generator.generator import OnnxGenerator
    from dpe_onnx_generator.network import OnnxNetwork

    chosen = cast("OnnxOptions", options)
    return OnnxGenerator(OnnxNetwork(_named(context.weights), context.device, chosen.num_threads))
