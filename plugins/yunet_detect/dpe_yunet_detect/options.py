"""Options of the plugin, importable without OpenCV."""

from __future__ import annotations

from pydantic import Field

from dpe_toolkit.api import PluginOptions

__all__ = ["YunetOptions"]


class YunetOptions(PluginOptions):
    """Options of detector ``yunet``."""

    weights: str = Field(default="", description="Path of YuNet's ONNX file, e.g. face_detection_yunet_2023mar.onnx.")
    score: float = Field(default=0.7, ge=0.05, le=0.99, description="Score from which a detection counts.")
    overlap: float = Field(default=0.3, ge=0, le=1, description="Overlap from which two detections are one face.")
    longest_px: int = Field(
        default=640, ge=64, le=4096, description="Longer side to which frames are shrunk; less is faster and blinder."
    )
