"""The DPE network as pure torch modules: no files, no printing, no device moves."""

from __future__ import annotations

from dpe_toolkit.networks.allocation import keep_freed_memory
from dpe_toolkit.networks.discriminator import Discriminator
from dpe_toolkit.networks.dpe import Branch, DpeNetwork
from dpe_toolkit.networks.editing import DpeEditor, Edit, Origin
from dpe_toolkit.networks.encoder import Encoder
from dpe_toolkit.networks.fast import EncodedSource, FastDpe
from dpe_toolkit.networks.generator import Generator, Rendering, corner_grid, split_flow
from dpe_toolkit.networks.motion import AffineMap, Direction
from dpe_toolkit.networks.params import NetworkParams

__all__ = [
    "AffineMap",
    "Branch",
    "Direction",
    "Discriminator",
    "DpeEditor",
    "DpeNetwork",
    "Edit",
    "EncodedSource",
    "Encoder",
    "FastDpe",
    "Generator",
    "NetworkParams",
    "Origin",
    "Rendering",
    "corner_grid",
    "keep_freed_memory",
    "split_flow",
]
