"""Encoder ``dpe``: what the generators need to know of a face."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from dpe_portrait.model import CROP_MARGIN, RAISED, DpeModel
from dpe_toolkit.api import Appearance, EncodedSource, FaceBatch, WindowShape

__all__ = ["WINDOW", "DpeAppearance", "DpeEncoder"]

WINDOW = WindowShape(margin=CROP_MARGIN + 2 * RAISED + 0.06, square=True)
"""Holds the crop, whose middle lies above the face's."""


@dataclass(frozen=True, slots=True)
class DpeAppearance(Appearance):
    """Native windows with what the network sees in them."""

    squares_px: Tensor
    """(N, 3) left, top and side of each crop in window pixels."""
    encoded: EncodedSource
    """Latents and feature pyramids of the N crops, or of the one that they all are."""

    def of_rows(self, rows: Tensor) -> EncodedSource:
        """What of these rows (n,) is shown; of one row where all crops are one."""
        encoded = self.encoded
        if len(encoded.latent) == 1:
            return encoded
        return EncodedSource(encoded.latent[rows], tuple(maps[rows] for maps in encoded.features))


class DpeEncoder:
    """Crops each window to the network's own square and encodes it.

    Source: DPE (CVPR 2023), section 3.2: c = E(X).
    """

    def __init__(self, model: DpeModel) -> None:
        self._model = model

    @property
    def window_shape(self) -> WindowShape:
        """Square, and wide enough for the crop."""
        return WINDOW

    def encode(self, faces: FaceBatch) -> DpeAppearance:
        """What the network encodes of N faces, beside their windows, which paste needs."""
        squares, encoded = self._model.encode(faces)
        return DpeAppearance(self._model.space, faces, squares, encoded)
