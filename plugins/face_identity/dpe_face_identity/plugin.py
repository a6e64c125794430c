"""Entry point of the plugin: the identity embedders dlib and arcface."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from dpe_face_identity.options import ArcFaceOptions
from dpe_toolkit.api import API_VERSION, Component, ComponentContext, PluginOptions, hookimpl

if TYPE_CHECKING:
    from dpe_toolkit.api import IdentityEmbedder

__all__ = ["DPE_API_VERSION", "dpe_register_identities"]

DPE_API_VERSION = API_VERSION


@hookimpl
def dpe_register_identities() -> Iterable[Component[IdentityEmbedder]]:
    """The identity embedders ``dlib`` and ``arcface``."""
    return [
        Component(
            kind="identity",
            name="dlib",
            summary="dlib's face recognition network; its weights come with a package.",
            create=_dlib,
            licence="Apache-2.0 AND BSL-1.0 AND CC0-1.0",
            source="D. King, dlib_face_recognition_resnet_model_v1, 2017",
            fingerprint="dlib/1",
        ),
        Component(
            kind="identity",
            name="arcface",
            summary="An ArcFace network of yours, as ONNX file.",
            create=_arcface,
            options=ArcFaceOptions,
            licence="Apache-2.0 AND LicenseRef-weights",
            source="Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, CVPR 2019",
            fingerprint="arcface/1",
        ),
    ]


def _dlib(options: PluginOptions, context: ComponentContext) -> IdentityEmbedder:
    from dpe_face_identity.dlib_network import open_dlib

    return open_dlib()


def _arcface(options: PluginOptions, context: ComponentContext) -> IdentityEmbedder:
    from dpe_face_identity.arcface import open_arcface

    return open_arcface(cast("ArcFaceOptions", options), context.weights)
