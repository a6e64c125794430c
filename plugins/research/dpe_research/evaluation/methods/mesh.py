"""The row of the default method: detector, motion extractor and generator by name, one still at a time.

A render gives these components whole clips: they then know a person's rest, smooth over time, and borrow mouths and
lids from other frames. Here each edit is one picture driven by one picture, as a network gets it, so that no pixels
of a true picture can be borrowed. The numbers are therefore those of a one-shot edit and below what a shot gets.

In a render a head is turned by the driver's turn away from his mean pose. One still has no other pose to turn from, so
a pose edit takes the driver's pose code as it is: its place and size too, which the true pictures have.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dpe_research.evaluation.cases import Case, EditKind
from dpe_research.evaluation.footage import FrameRef
from dpe_research.evaluation.methods.base import Edited
from dpe_research.evaluation.methods.stills import AnalysedStill, analyse_still, still_frames
from dpe_toolkit.api import FaceBatch, FrameBatch, MixRequest, MotionCode, ShotMaterial
from dpe_toolkit.api.components import (
    ComponentPool,
    Registry,
    ShotPipeline,
    motion_extractor,
    retarget,
    shot_components,
    write_window,
)
from dpe_toolkit.api.footage import full_rgb

__all__ = ["MeshMethod"]

_NAMES = {"detector": "face_mesh", "encoder": "mesh", "motion": "mesh", "generator": "mesh", "compositor": "feather"}
_WORKING_PX = 256
"""The detector sees little in a smaller picture."""
_KEPT = 512
_SHARES: dict[EditKind, tuple[float, float]] = {"expression": (1, 0), "pose": (0, 1), "both": (1, 1)}


class MeshMethod:
    """The components that a render uses where nobody names others.

    Args:
        registry: makes them.
        device: where they run.
        names: kind to name, for others than the default ones.

    Raises:
        PlanError: one of them is not installed.
    """

    has_amounts = True

    def __init__(
        self, registry: Registry, device: torch.device, names: dict[str, str] | None = None, name: str = "mesh default"
    ) -> None:
        self.name = name
        chosen = {**_NAMES, **(names or {})}
        self.note = f"Generator '{chosen['generator']}' without training, one still driven by one still."
        self._choices = {kind: registry.choose(kind, given) for kind, given in chosen.items()}
        self._pool = ComponentPool(registry, device)
        self._known: OrderedDict[FrameRef, AnalysedStill | None] = OrderedDict()

    def edit(self, cases: Sequence[Case], true: Sequence[Tensor | None], *, amount: float = 1.0) -> Edited:
        """The results of N cases; those are missing in whose source or driver no face is found."""
        sources, drivers = true[0], true[1]
        assert sources is not None
        assert drivers is not None
        pictures, present = torch.zeros_like(sources), np.zeros(len(cases), np.bool_)
        for row, case in enumerate(cases):
            source, driver = self._still(case.source, sources[row]), self._still(case.driver, drivers[row])
            drawn = None if source is None or driver is None else self._result(source, driver, case, amount)
            if drawn is not None:
                pictures[row] = _picture(drawn, sources.shape[-1])
                present[row] = True
        missing = len(cases) - int(present.sum())
        return Edited(pictures, present, f"{missing} without a face that detector 'face_mesh' finds" if missing else "")

    def _result(self, source: AnalysedStill, driver: AnalysedStill, case: Case, amount: float) -> FrameBatch | None:
        if case.edit != "in-turn":
            return self._draw(source, driver, _SHARES[case.edit], amount, case.group)
        first = self._draw(source, driver, _SHARES["expression"], amount, case.group)
        again = analyse_still(first, self._choices, self._pool, case.group)
        return None if again is None else self._draw(again, driver, _SHARES["pose"], amount, case.group)

    def _still(self, ref: FrameRef, picture: Tensor) -> AnalysedStill | None:
        if ref not in self._known:
            frames = still_frames(picture, _WORKING_PX)
            self._known[ref] = analyse_still(frames, self._choices, self._pool, ref.clip)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return self._known[ref]

    @torch.no_grad()
    def _draw(
        self, source: AnalysedStill, driver: AnalysedStill, shares: tuple[float, float], amount: float, clip: str
    ) -> FrameBatch:
        choices, pool = self._choices, self._pool
        own, theirs = source.motion, driver.motion
        request = MixRequest(torch.tensor([shares[0] * amount]), torch.tensor([shares[1] * amount]))
        target = retarget(motion_extractor(pool, choices["motion"], clip), own, theirs, theirs.codes, request)
        if shares[1]:
            pose = own.codes.pose.lerp(theirs.codes.pose, shares[1] * amount)
            target = MotionCode(target.space, target.expression, pose)
        faces, shown = source.faces(pool.device), driver.faces(pool.device)
        material = ShotMaterial(own, theirs, np.zeros(1), target, request, _always(faces), _always(shown))
        pipeline = ShotPipeline(shot_components(pool, choices, clip), material, pool.device)
        placed = pipeline.edit(np.zeros(1, np.int64), faces, shown).composited
        return write_window(source.frames, faces.placement.origin_px, faces.pixels, placed.pixels, placed.matte)


def _always(value: FaceBatch) -> Callable[[npt.NDArray[np.int64]], FaceBatch]:
    """A fetch of the only row there is, however often it is asked for."""

    def fetch(rows: npt.NDArray[np.int64]) -> FaceBatch:
        if len(rows) != 1:
            raise ValueError(f"a still has one row, {len(rows)} were asked for")
        return value

    return fetch


def _picture(frames: FrameBatch, size_px: int) -> Tensor:
    rgb = full_rgb(frames, 0)
    if rgb.shape[0] != size_px:
        rgb = np.asarray(cv2.resize(rgb, (size_px, size_px), interpolation=cv2.INTER_AREA), np.uint8)
    return torch.from_numpy(rgb).permute(2, 0, 1)
