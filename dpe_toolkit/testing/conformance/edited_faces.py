"""What suites share whose components look at a source window and at the edit that was drawn for it."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from dpe_toolkit.editing.protocols import Generated
from dpe_toolkit.face.tracks import FaceBatch
from dpe_toolkit.testing.conformance.filming import Filmed, darkened, named_detector, seen_by
from dpe_toolkit.testing.conformance.suite import ComponentConformance, Rows

__all__ = ["EditedFacesConformance"]


class EditedFacesConformance(ComponentConformance):
    """Source windows and edited ones; without a detector among ``partners`` the face's known place is used."""

    @classmethod
    @cache
    def filmed(cls) -> Filmed:
        """The clip in windows."""
        return seen_by(named_detector(cls), cls.source_clip(), device=torch.device(cls.device))

    def edit(self, faces: FaceBatch) -> tuple[Generated, Tensor]:
        """An edit of these windows, and (N, 1, h, w) true where it changed a pixel."""
        return darkened(faces)

    def inputs(self, rows: Rows) -> tuple[object, ...]:
        """Source windows and edited ones."""
        faces = self.filmed().faces(rows)
        return faces, self.edit(faces)[0]
