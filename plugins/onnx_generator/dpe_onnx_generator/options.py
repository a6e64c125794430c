"""Options of the plugin, importable without torch."""

from __future__ import annotations

from pydantic import Field

from dpe_toolkit.api import PluginOptions

__all__ = ["OnnxOptions"]


class OnnxOptions(PluginOptions):
    """Options of generator ``onnx``."""

    weights: str = Field(default="", description="Path of the ONNX file; a TOML file of the same name lies beside it.")
    num_threads: int = Field(default=0, ge=0, le=256, description="Threads on a CPU; 0 leaves it to onnxruntime.")
