"""Entry point of the plugin."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from dpe_toolkit.api import CodeSpace, Component, ComponentContext, OptionsError, PluginOptions, hookimpl
from dpe_yunet_detect.options import YunetOptions

if TYPE_CHECKING:
    from dpe_toolkit.api import Detector

__all__ = ["DPE_API_VERSION", "dpe_register_detectors"]

DPE_API_VERSION = 1


@hookimpl
def dpe_register_detectors() -> Iterable[Component[Detector]]:
    """The detector ``yunet``."""
    return [
        Component(
            kind="detector",
            name="yunet",
            summary="Boxes and five points of each face, by the YuNet network; weights are yours to name.",
            create=_yunet,
            options=YunetOptions,
            space_of=_identity,
            licence="Apache-2.0 AND MIT",
            source="Wu, Peng, Yu: YuNet, a tiny millisecond-level face detector, Machine Intelligence Research 2023",
            fingerprint="yunet/1",
            gives=("boxes", "landmarks=points/5"),
        )
    ]


def _identity(options: PluginOptions, weights: Path | None) -> CodeSpace:
    """No codes, but the weights' digest, so that what other weights found is not taken for this.

    Raises:
        OptionsError: no weights are named.
    """
    from dpe_toolkit.api import file_digest

    return CodeSpace("yunet", 0, 0, file_digest(_named(weights)))


def _named(weights: Path | None) -> Path:
    if weights is None:
        raise OptionsError(
            "detector 'yunet' has no weights",
            "the path of YuNet's ONNX file",
            "get face_detection_yunet_2023mar.onnx from OpenCV's model zoo and name it with --yunet.weights FILE",
        )
    return weights


def _yunet(options: PluginOptions, context: ComponentContext) -> Detector:
    from dpe_yunet_detect.detector import YunetDetector, open_network

    chosen = cast("YunetOptions", options)
    return YunetDetector(chosen, open_network(chosen, _named(context.weights)))
