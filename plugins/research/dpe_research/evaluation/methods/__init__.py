"""Methods under evaluation: our networks, the mesh method, folders of results, and what edits nothing."""

from __future__ import annotations

from dpe_research.evaluation.methods.base import Edited, Method, TruePictures, UneditedSource, as_bytes, as_floats
from dpe_research.evaluation.methods.folder import FolderMethod
from dpe_research.evaluation.methods.mesh import MeshMethod
from dpe_research.evaluation.methods.networks import NetworkMethod, load_method, untrained_method

__all__ = [
    "Edited",
    "FolderMethod",
    "MeshMethod",
    "Method",
    "NetworkMethod",
    "TruePictures",
    "UneditedSource",
    "as_bytes",
    "as_floats",
    "load_method",
    "untrained_method",
]
