"""Lists of image-video pairs: who is driven by whom."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from dpe_research.evaluation.footage import Clip
from dpe_toolkit.api import OptionsError, nearest_names

__all__ = ["Pair", "default_pairs", "read_pairs"]

Pair = tuple[str, str]
"""Ids of the source clip, whose first frame is edited, and of the driver clip."""

_LARGEST_BYTES = 2**24
_HEADER = ("source", "driver")


def read_pairs(path: Path, clips: Sequence[Clip]) -> tuple[Pair, ...]:
    """The pairs of a CSV or TSV file: two columns, source and driver, by clip id; a header line may stand first.

    Args:
        path: the list. ``#`` begins a comment line.
        clips: the clips that may be named.

    Raises:
        OptionsError: the file cannot be read, a line is no pair, or a clip is not in the data.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError("it is larger than 16 MiB")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise OptionsError(
            f"the list of pairs cannot be read: {error.strerror if isinstance(error, OSError) else error}",
            "a CSV or TSV file of source and driver",
            "correct --pairs",
            path=path,
        ) from error
    known = {clip.id for clip in clips}
    pairs: list[Pair] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter="\t" if "\t" in line else ","))]
        if not pairs and tuple(cell.lower() for cell in cells) == _HEADER:
            continue
        pairs.append(_pair(cells, known, path, number))
    if not pairs:
        raise OptionsError("the list holds no pair", "one line 'source,driver' a pair", "add pairs to it", path=path)
    return tuple(dict.fromkeys(pairs))


def _pair(cells: list[str], known: set[str], path: Path, number: int) -> Pair:
    if len(cells) != len(_HEADER):
        raise OptionsError(
            f"line {number} has {len(cells)} columns", "two columns, source and driver", "correct the line", path=path
        )
    for cell in cells:
        if cell not in known:
            offered = nearest_names(cell, known) if len(known) < 20 else "a clip id of the evaluated split"
            raise OptionsError(
                f"line {number} names the clip {cell!r}, which the data do not hold",
                offered,
                "correct the line, or name another --split",
                path=path,
            )
    return cells[0], cells[1]


def default_pairs(clips: Sequence[Clip]) -> tuple[Pair, ...]:
    """Each clip driven by the next one that shows somebody else, in the order of the index.

    Raises:
        OptionsError: the clips show one person only.
    """
    pairs: list[Pair] = []
    for place, source in enumerate(clips):
        others = [*clips[place + 1 :], *clips[:place]]
        driver = next((clip for clip in others if clip.identity != source.identity), None)
        if driver is not None:
            pairs.append((source.id, driver.id))
    if not pairs:
        raise OptionsError(
            f"the {len(clips)} clips to evaluate show no two persons",
            "clips of at least two identities",
            "give a list of pairs with --pairs, or evaluate another dataset",
        )
    return tuple(pairs)
