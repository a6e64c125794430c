"""Small clips of noise, each the same whenever it is made."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from dpe_research.dataset import ClipDraft, ClipMotion, split_of

SIZE = 16


def draft(name: str, *, identity: str | None = None, grid: tuple[int, int] | None = None) -> ClipDraft:
    who = identity or name
    return ClipDraft(
        id=name,
        identity=who,
        split=split_of(who, 0.5),
        rate=Fraction(30000, 1001),
        source=f"{name}.mp4",
        source_start=7,
        box_px=(1.0, 2.0, 101.0, 102.0),
        grid=grid,
    )


def pictures(name: str, num_frames: int, size: int = SIZE) -> Iterator[np.ndarray]:
    random = np.random.default_rng(sum(map(ord, name)))
    for _ in range(num_frames):
        low = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        yield np.kron(low, np.ones((size // 4, size // 4, 1), np.uint8))


def motion(name: str, num_frames: int, **extra: np.ndarray) -> ClipMotion:
    random = np.random.default_rng(sum(map(ord, name)) + 1)
    parts = {
        key: random.random((num_frames, *shape)).astype(np.float32)
        for key, shape in {
            "mesh_px": (5, 3),
            "pose_deg": (3,),
            "place": (3,),
            "blendshapes": (2,),
            "score": (),
        }.items()
    }
    return ClipMotion(**parts, extra=extra)
