"""Encoder and motion extractor ``onnx``: windows as they are, blendshapes as the detector read them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from dpe_onnx_generator.space import NUM_ACTIVITIES, SPACE
from dpe_toolkit.api import AnalysisError, Appearance, FaceBatch, FaceTrack, MixRequest, MotionCode, MotionTrack

__all__ = ["OnnxEncoder", "OnnxMotion"]


class OnnxEncoder:
    """The network is given crops, so the windows are the looks."""

    def encode(self, faces: FaceBatch) -> Appearance:
        """The windows as they are."""
        return Appearance(SPACE, faces)


class OnnxMotion:
    """Expression is what the detector's blendshapes say."""

    needs_pixels = False

    def extract(self, faces: FaceBatch) -> MotionCode:
        """The codes of N faces.

        Raises:
            AnalysisError: the detector gives no blendshapes.
        """
        if faces.blendshapes.shape[1] != NUM_ACTIVITIES:
            raise AnalysisError(
                f"the detector gives {faces.blendshapes.shape[1]} blendshapes",
                f"{NUM_ACTIVITIES}, as detector 'face_mesh' gives",
                "use --detector face_mesh with generator 'onnx'",
            )
        corner = torch.from_numpy(faces.placement.to_frame[:, :, 2]).to(faces.landmarks_px)
        return MotionCode(SPACE, faces.blendshapes.clone(), faces.landmarks_px[:, :, :2].mean(dim=1) + corner)

    def settle(self, codes: MotionCode, track: FaceTrack, rate: Fraction, neutral_row: int | None) -> MotionTrack:
        """Gaps bridged by lines; the neutral is the row named, else the calmest.

        Raises:
            AnalysisError: the face is seen nowhere.
        """
        seen = np.flatnonzero(track.present)
        if not len(seen):
            raise AnalysisError("the face is seen in no frame", "a face", "choose another clip")
        settled = codes.take(seen).at(np.interp(np.arange(len(track)), seen, np.arange(len(seen))))
        row = int(settled.expression.sum(dim=1).argmin()) if neutral_row is None else neutral_row
        neutral = settled.take(slice(row, row + 1))
        return MotionTrack(settled, neutral, track.present, track.blendshapes, int(track.index[0]))

    def mix(
        self, source: MotionTrack, driver: MotionTrack, driver_codes: MotionCode, request: MixRequest
    ) -> MotionCode:
        """The source's codes, moved by each amount towards the driver's; blendshapes stay in [0, 1]."""

        def moved(own: Tensor, theirs: Tensor, rest: Tensor, amount: Tensor) -> Tensor:
            wanted = own + theirs - rest if request.mode == "relative" else theirs
            return torch.where(amount[:, None] == 0, own, own + amount[:, None] * (wanted - own))

        own, rest = source.codes, driver.neutral
        expression = moved(own.expression, driver_codes.expression, rest.expression, request.expression)
        asked = request.expression[:, None] != 0
        return MotionCode(
            SPACE,
            torch.where(asked, expression.clamp(0, 1), own.expression),
            moved(own.pose, driver_codes.pose, rest.pose, request.pose),
        )
