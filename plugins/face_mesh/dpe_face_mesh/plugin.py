"""Entry point of the plugin: all components over the face mesh."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from dpe_face_mesh.bundle import BUNDLE_SHA256
from dpe_face_mesh.codes import MESH_SPACE
from dpe_face_mesh.options import DetectorOptions, GeneratorOptions, LandmarkOptions, MotionOptions, RegressorOptions
from dpe_toolkit.api import API_VERSION, Component, ComponentContext, PluginOptions, hookimpl

if TYPE_CHECKING:
    from dpe_toolkit.api import (
        Detector,
        Encoder,
        ExpressionRegressor,
        Generator,
        Landmarker,
        MotionExtractor,
        PerceptualFeatures,
    )

__all__ = [
    "DPE_API_VERSION",
    "dpe_register_detectors",
    "dpe_register_encoders",
    "dpe_register_features",
    "dpe_register_generators",
    "dpe_register_landmarkers",
    "dpe_register_motion_extractors",
    "dpe_register_regressors",
]

DPE_API_VERSION = API_VERSION
_MESH, _BLENDSHAPES = "landmarks=mediapipe/478", "blendshapes=arkit/52"
_MODEL = "MediaPipe Face Landmarker bundle, float16, version 1"


@hookimpl
def dpe_register_detectors() -> Iterable[Component[Detector]]:
    """The detector ``face_mesh``."""
    return [
        Component(
            kind="detector",
            name="face_mesh",
            summary="Faces with 478 mesh vertices and 52 blendshapes, followed by region.",
            create=_detector,
            options=DetectorOptions,
            licence="Apache-2.0",
            source=_MODEL,
            fingerprint=f"detect/2 {BUNDLE_SHA256[:16]}",
            default=True,
            gives=("boxes", _MESH, _BLENDSHAPES),
        )
    ]


@hookimpl
def dpe_register_landmarkers() -> Iterable[Component[Landmarker]]:
    """The landmarker ``face_mesh``."""
    return [
        Component(
            kind="landmark",
            name="face_mesh",
            summary="The mesh and blendshapes of faces that another detector found.",
            create=_landmarker,
            options=LandmarkOptions,
            licence="Apache-2.0",
            source=_MODEL,
            fingerprint=f"landmark/1 {BUNDLE_SHA256[:16]}",
            needs=("boxes",),
            gives=("boxes", _MESH, _BLENDSHAPES),
            default=True,
        )
    ]


@hookimpl
def dpe_register_encoders() -> Iterable[Component[Encoder]]:
    """The encoder ``mesh``."""
    return [
        Component(
            kind="encoder",
            name="mesh",
            summary="Hands the native windows to generator mesh as they are.",
            create=_encoder,
            space=MESH_SPACE,
            licence="Apache-2.0",
            source="our choice",
            fingerprint="encode/1",
            default=True,
        )
    ]


@hookimpl
def dpe_register_motion_extractors() -> Iterable[Component[MotionExtractor]]:
    """The motion extractor ``mesh``."""
    return [
        Component(
            kind="motion",
            name="mesh",
            summary="Pose by Procrustes on rigid vertices; expression is the shape that remains.",
            create=_motion,
            options=MotionOptions,
            space=MESH_SPACE,
            licence="Apache-2.0",
            source=_MODEL,
            fingerprint=f"motion/4 {BUNDLE_SHA256[:16]}",
            default=True,
            needs=(_MESH, _BLENDSHAPES),
        )
    ]


@hookimpl
def dpe_register_generators() -> Iterable[Component[Generator]]:
    """The generator ``mesh``."""
    return [
        Component(
            kind="generator",
            name="mesh",
            summary="Warps the source's own pixels at native resolution; mouths and lids from donor frames.",
            create=_generator,
            options=GeneratorOptions,
            space=MESH_SPACE,
            licence="Apache-2.0",
            source="our choice",
            fingerprint="mesh/4",
            default=True,
            needs=(_MESH,),
        )
    ]


@hookimpl
def dpe_register_features() -> Iterable[Component[PerceptualFeatures]]:
    """The features ``face_mesh``."""
    return [
        Component(
            kind="features",
            name="face_mesh",
            summary="Inner maps of the face mesh network; needs no weights of others.",
            create=_features,
            licence="Apache-2.0",
            source=f"{_MODEL}; which maps is our choice",
            fingerprint=f"features/1 {BUNDLE_SHA256[:16]}",
        )
    ]


@hookimpl
def dpe_register_regressors() -> Iterable[Component[ExpressionRegressor]]:
    """The regressor ``mesh``."""
    return [
        Component(
            kind="regressor",
            name="mesh",
            summary="Expression and pose by the face mesh and its blendshapes, differentiable.",
            create=_regressor,
            options=RegressorOptions,
            licence="Apache-2.0",
            source=_MODEL,
            fingerprint=f"regress/1 {BUNDLE_SHA256[:16]}",
        )
    ]


def _detector(options: PluginOptions, context: ComponentContext) -> Detector:
    from dpe_face_mesh.detector import MeshDetector

    return MeshDetector(cast("DetectorOptions", options))


def _landmarker(options: PluginOptions, context: ComponentContext) -> Landmarker:
    from dpe_face_mesh.landmarker import MeshLandmarker

    return MeshLandmarker(cast("LandmarkOptions", options))


def _encoder(options: PluginOptions, context: ComponentContext) -> Encoder:
    from dpe_face_mesh.generator import MeshEncoder

    return MeshEncoder()


def _motion(options: PluginOptions, context: ComponentContext) -> MotionExtractor:
    from dpe_face_mesh.motion import MeshMotion

    return MeshMotion(cast("MotionOptions", options))


def _generator(options: PluginOptions, context: ComponentContext) -> Generator:
    from dpe_face_mesh.generator import MeshGenerator

    return MeshGenerator(cast("GeneratorOptions", options))


def _regressor(options: PluginOptions, context: ComponentContext) -> ExpressionRegressor:
    from dpe_face_mesh.regressor import MeshRegressor

    return MeshRegressor(cast("RegressorOptions", options), context.device)


def _features(options: PluginOptions, context: ComponentContext) -> PerceptualFeatures:
    from dpe_face_mesh.features import MeshFeatures

    return MeshFeatures(context.device)
