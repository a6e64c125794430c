"""The protocols: which frames drive which, what the truth is.

Source: DPE (CVPR 2023), section 4.1, for the first four: the first frame of a clip is the source, the frames of a
driver follow. The grid protocol is our choice: only a synthetic set has the true picture of every single edit.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice

from dpe_research.evaluation.cases import Case, EditKind, Group
from dpe_research.evaluation.footage import Clip, FrameRef
from dpe_research.evaluation.pairs import Pair
from dpe_toolkit.api import OptionsError

__all__ = ["DEFAULT_FRAMES", "grid_groups", "pair_groups", "self_groups"]

DEFAULT_FRAMES = 400
"""Driving frames of a clip at most."""


def self_groups(clips: Sequence[Clip], *, num_frames: int = DEFAULT_FRAMES) -> tuple[Group, ...]:
    """Self-reenactment: each clip's first frame driven by those that follow, which are also the truth.

    Raises:
        OptionsError: no clip has a second frame.
    """
    groups = []
    for clip in clips:
        source = FrameRef(clip.id, 0)
        rows = range(1, min(clip.num_frames, num_frames + 1))
        cases = tuple(
            Case(clip.id, f"{row:06d}", "both", source, FrameRef(clip.id, row), FrameRef(clip.id, row), row)
            for row in rows
        )
        groups += [Group(clip.id, cases)] if cases else []
    if not groups:
        raise OptionsError(
            f"none of the {len(clips)} clips has two frames",
            "clips of a source frame and driving frames",
            "evaluate another dataset or --split",
        )
    return tuple(groups)


def pair_groups(
    pairs: Sequence[Pair], clips: Sequence[Clip], edit: EditKind, *, num_frames: int = DEFAULT_FRAMES
) -> tuple[Group, ...]:
    """Image-video pairs: the first frame of the source driven by every frame of the driver; there is no truth."""
    lengths = {clip.id: clip.num_frames for clip in clips}
    groups = []
    for source, driver in pairs:
        name = f"{source}__{driver}"
        cases = tuple(
            Case(name, f"{row:06d}", edit, FrameRef(source, 0), FrameRef(driver, row), None, row)
            for row in range(min(lengths[driver], num_frames))
        )
        groups.append(Group(name, cases))
    return tuple(groups)


def grid_groups(clips: Sequence[Clip], *, pairs_per_clip: int = 16, seed: int = 0) -> tuple[Group, ...]:
    """The grid protocol: pairs of frames that differ in pose and in expression, three edits of each.

    The expression edit's truth is the source's pose with the driver's expression, the pose edit's the reverse, and
    that of one after the other is the driver's frame itself.

    Args:
        clips: those without a grid, or whose grid is one wide, are left out.
        pairs_per_clip: pairs drawn of each clip; all of them where there are fewer.
        seed: of the draw; the same seed and clips give the same pairs.

    Raises:
        OptionsError: no clip has a grid of two poses and two expressions.
    """
    groups = []
    for clip in clips:
        if clip.grid is None or min(clip.grid) < 2:
            continue
        drawn = islice(_drawn(clip.grid, random.Random(f"{seed}:{clip.id}")), pairs_per_clip)
        cases = [case for number, pair in enumerate(drawn) for case in _three(clip, number, *pair)]
        groups.append(Group(clip.id, tuple(cases)))
    if not groups:
        raise OptionsError(
            f"none of the {len(clips)} clips shows several poses in several expressions",
            "a synthetic dataset, whose clips have a grid",
            "make one with 'dpe dataset synth', or choose the protocol 'self'",
        )
    return tuple(groups)


def _drawn(grid: tuple[int, int], chance: random.Random) -> Iterator[tuple[int, int]]:
    """Frames (source, driver) of different pose and expression, none twice, in random order."""
    poses, expressions = grid
    count = poses * expressions
    possible = count * (poses - 1) * (expressions - 1)
    seen: set[tuple[int, int]] = set()
    while len(seen) < possible:
        source, driver = chance.randrange(count), chance.randrange(count)
        alike = source // expressions == driver // expressions or source % expressions == driver % expressions
        if alike or (source, driver) in seen:
            continue
        seen.add((source, driver))
        yield source, driver


def _three(clip: Clip, number: int, source: int, driver: int) -> Iterator[Case]:
    assert clip.grid is not None
    expressions = clip.grid[1]
    wanted: tuple[tuple[EditKind, int], ...] = (
        ("expression", source // expressions * expressions + driver % expressions),
        ("pose", driver // expressions * expressions + source % expressions),
        ("in-turn", driver),
    )
    first, second = FrameRef(clip.id, source), FrameRef(clip.id, driver)
    for edit, truth in wanted:
        stem = f"{source:06d}_{driver:06d}_{edit}"
        yield Case(clip.id, stem, edit, first, second, FrameRef(clip.id, truth), number)
