"""Weights files: read without running them, checked against the network, written whole."""

from __future__ import annotations

from dpe_toolkit.checkpoint.fetch import download
from dpe_toolkit.checkpoint.header import WeightsHeader
from dpe_toolkit.checkpoint.known import KNOWN_WEIGHTS, KnownWeights
from dpe_toolkit.checkpoint.loading import (
    LoadedGenerator,
    initialise_network,
    load_discriminator,
    load_generator,
    load_network,
)
from dpe_toolkit.checkpoint.reading import (
    WeightsFile,
    WeightsFormat,
    content_digest,
    file_digest,
    folder_files,
    read_weights,
)
from dpe_toolkit.checkpoint.store import (
    StoredWeights,
    WeightsRecord,
    WeightsStore,
    find_weights,
    recognise,
    usable_name,
)
from dpe_toolkit.checkpoint.writing import save_weights

__all__ = [
    "KNOWN_WEIGHTS",
    "KnownWeights",
    "LoadedGenerator",
    "StoredWeights",
    "WeightsFile",
    "WeightsFormat",
    "WeightsHeader",
    "WeightsRecord",
    "WeightsStore",
    "content_digest",
    "download",
    "file_digest",
    "find_weights",
    "folder_files",
    "initialise_network",
    "load_discriminator",
    "load_generator",
    "load_network",
    "read_weights",
    "recognise",
    "save_weights",
    "usable_name",
]
