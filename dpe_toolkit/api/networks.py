"""The DPE networks and their weights files, to train, measure and convert them. Importing it loads torch."""

from __future__ import annotations

from dpe_toolkit.checkpoint import (
    LoadedGenerator,
    WeightsFile,
    WeightsHeader,
    initialise_network,
    load_discriminator,
    load_generator,
    load_network,
    read_weights,
    save_weights,
)
from dpe_toolkit.networks import (
    Branch,
    Discriminator,
    DpeEditor,
    DpeNetwork,
    EncodedSource,
    FastDpe,
    Generator,
    NetworkParams,
    Rendering,
    keep_freed_memory,
    split_flow,
)

__all__ = [
    "Branch",
    "Discriminator",
    "DpeEditor",
    "DpeNetwork",
    "EncodedSource",
    "FastDpe",
    "Generator",
    "LoadedGenerator",
    "NetworkParams",
    "Rendering",
    "WeightsFile",
    "WeightsHeader",
    "initialise_network",
    "keep_freed_memory",
    "load_discriminator",
    "load_generator",
    "load_network",
    "read_weights",
    "save_weights",
    "split_flow",
]
