"""Options of the plugin's components, importable without torch."""

from __future__ import annotations

from pydantic import Field

from dpe_toolkit.api import PluginOptions

__all__ = ["ArcFaceOptions"]


class ArcFaceOptions(PluginOptions):
    """Options of identity embedder ``arcface``."""

    weights: str = Field(default="", description="Path of an ArcFace network as ONNX file, for faces of 112 pixels.")
    num_threads: int = Field(default=1, ge=1, le=64, description="Threads of the network.")
