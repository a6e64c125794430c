"""The true pictures of a group, with everything that was read in them, once for all methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dpe_research.evaluation.cases import Case, Group
from dpe_research.evaluation.footage import Footage, FrameRef
from dpe_research.evaluation.reading import FaceReader
from dpe_toolkit.api import FaceReading

__all__ = ["References", "expression_reference", "load_references", "pose_reference"]


@dataclass(frozen=True, slots=True)
class References:
    """M true pictures."""

    rows: dict[FrameRef, int]
    pictures: Tensor
    """(M, 3, S, S) uint8."""
    near_px: Tensor
    """(M, V, 2) about where each face is, as the dataset says; V may be 0."""
    reading: FaceReading | None
    """M readings; None without a regressor."""
    embeddings: Tensor | None
    """(M, K); None without an embedder."""

    def pick(self, refs: Sequence[FrameRef]) -> list[int]:
        """The rows of these frames."""
        return [self.rows[ref] for ref in refs]

    def true(self, cases: Sequence[Case]) -> tuple[Tensor, Tensor, Tensor | None]:
        """Pictures of sources, drivers and, where all cases have one, truths."""
        truths = [case.truth for case in cases if case.truth is not None]
        sources, drivers = self.pick([case.source for case in cases]), self.pick([case.driver for case in cases])
        whole = self.pictures[self.pick(truths)] if len(truths) == len(cases) else None
        return self.pictures[sources], self.pictures[drivers], whole


def load_references(footage: Footage, group: Group, reader: FaceReader | None) -> References:
    """The true pictures that a group's cases name.

    Raises:
        DatasetError: a picture or the motion of a clip is damaged.
    """
    refs = group.frames
    pictures, near = [], []
    for clip in dict.fromkeys(ref.clip for ref in refs):
        rows = [ref.frame for ref in refs if ref.clip == clip]
        pictures.append(footage.frames(clip, rows))
        mesh = np.asarray(footage.motion(clip).mesh_px[rows], np.float32)
        near.append(torch.from_numpy(np.ascontiguousarray(mesh[:, :, :2])))
    shown, around = torch.cat(pictures), _alike(near)
    reading = embeddings = None
    if reader is not None:
        # A mesh of no vertices says nothing of where a face is.
        hint = around if around.shape[1] else None
        reading = reader.read(shown, hint)
        embeddings = reader.embed(shown, reading.points_px if reading.points_px.shape[1] else hint)
    return References({ref: row for row, ref in enumerate(refs)}, shown, around, reading, embeddings)


def _alike(parts: Sequence[Tensor]) -> Tensor:
    """The meshes as one tensor; no vertices where clips differ in their number."""
    if len({part.shape[1] for part in parts}) > 1:
        parts = [part[:, :0] for part in parts]
    return torch.cat(list(parts))


def expression_reference(case: Case) -> FrameRef:
    """The frame whose expression the result ought to have."""
    return case.truth or (case.source if case.edit == "pose" else case.driver)


def pose_reference(case: Case) -> FrameRef:
    """The frame whose pose the result ought to have."""
    return case.truth or (case.source if case.edit == "expression" else case.driver)
