"""People for the builder: bright squares in films that are in memory, and drawn faces in files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

from dpe_research.dataset.settings import BuildSettings
from dpe_research.dataset.stretches import Stretch
from dpe_toolkit.core.timing import Span
from tests.analysis.fakes import CHOICES, Shelf, Square, draw

SIZE_PX = (192, 128)
Scene = Callable[[int], Sequence[Square]]


def settings(**changes: object) -> BuildSettings:
    usual: dict[str, object] = {
        "size_px": 32,
        "min_frames": 10,
        "max_frames": 100,
        "min_face_px": 16,
        "max_blur": 1.0,
        "pictures": "png",
        "shard_bytes": 60_000,
        "detector": CHOICES["detector"],
    }
    return BuildSettings.model_validate({**usual, **changes})


def film(scene: Scene, num_frames: int, name: str = "film.mp4") -> tuple[Shelf, Stretch]:
    path = Path(name)
    shelf = Shelf({path: draw(scene, num_frames, SIZE_PX)})
    return shelf, stretch_of(path, Span(0, num_frames))


def stretch_of(path: Path, span: Span, **changes: object) -> Stretch:
    given: dict[str, object] = {
        "path": path,
        "span": span,
        "rate": Fraction(25),
        "frame_px": SIZE_PX,
        "name": path.stem,
        "identity": path.stem,
        "split": "train",
        **changes,
    }
    return Stretch(**given)  # type: ignore[arg-type] # as they are named above
