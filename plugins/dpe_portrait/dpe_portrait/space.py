"""The code space of a checkpoint, and what is read of its file to know it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from dpe_portrait.options import ModelOptions
from dpe_toolkit.api import CodeSpace, OptionsError, PluginOptions

if TYPE_CHECKING:
    from dpe_toolkit.api import WeightsHeader

__all__ = ["FAMILY", "RANDOM", "FileFacts", "file_facts", "space_of"]

FAMILY = "dpe"
"""Encoder, motion extractor and generators that are made for each other."""
RANDOM = "random"
_RELEASED_CODE_SIZE = 512


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a weights file after every key and shape was checked."""

    header: WeightsHeader
    sha256: str


def space_of(options: PluginOptions, weights: Path | None) -> CodeSpace:
    """The space of a checkpoint: one for each content and expression branch.

    Raises:
        OptionsError: no weights are named.
        CheckpointError: the file cannot be used.
    """
    model = cast("ModelOptions", options)
    suffix = f" expression={model.expression_branch}" if model.expression_branch else ""
    if weights is None:
        if model.weights == RANDOM:
            return CodeSpace(f"dpe/1 random {model.seed}{suffix}", _RELEASED_CODE_SIZE, _RELEASED_CODE_SIZE)
        raise OptionsError(
            "the DPE network has no weights",
            "weights that were imported, or the path of a weights file",
            "import them with `dpe weights import FILE` and name them with --weights NAME, or in the timeline as "
            "option weights of the generator; `dpe weights list` shows what is there",
        )
    facts = file_facts(weights)
    size = facts.header.style_dim
    return CodeSpace(f"dpe/1 {facts.sha256[:12]}{suffix}", size, size, facts.sha256)


def file_facts(path: Path) -> FileFacts:
    """What is known of a file; read again only when it changed.

    Raises:
        CheckpointError: the file is missing, damaged, hostile or of another network.
    """
    from dpe_toolkit.api import load_network

    try:
        state = path.stat()
    except OSError:
        # Refused in the words that every weights file is refused in.
        load_network(path)
        raise
    return _read_facts(path, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _read_facts(path: Path, size: int, changed_ns: int) -> FileFacts:
    from dpe_toolkit.api import file_digest, load_network

    _, header = load_network(path)
    return FileFacts(header, file_digest(path))
