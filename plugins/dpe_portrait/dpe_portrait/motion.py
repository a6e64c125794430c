"""Motion extractor ``dpe``: the two motion codes of each face, and how one performance is retargeted to another."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from dpe_portrait.encoder import WINDOW
from dpe_portrait.model import DpeModel
from dpe_portrait.options import MotionOptions
from dpe_toolkit.api import FaceBatch, FaceTrack, MixRequest, MotionCode, MotionTrack, WindowShape

__all__ = ["DpeMotion"]

_CALM_SHARE = 0.1
"""Share of the frames, the calmest, that make the estimated neutral."""


class DpeMotion:
    """The network's motion codes.

    Codes: ``expression`` and ``pose`` are what the expression and the pose branch add to the latent,
    each as long as the latent.

    Source: DPE (CVPR 2023), section 3.2: e, p = MLP(c).
    """

    needs_pixels = True

    def __init__(self, model: DpeModel, options: MotionOptions) -> None:
        self._model = model
        self._options = options

    @property
    def window_shape(self) -> WindowShape:
        """As the encoder's, so that both see the same crop."""
        return WINDOW

    @torch.no_grad()
    def extract(self, faces: FaceBatch) -> MotionCode:
        """(N, Ke) expression and (N, Kp) pose codes that the network's two branches give for N faces."""
        model = self._model
        latent = model.encode(faces)[1].latent
        latent = latent.expand(len(faces), -1)
        codes = (model.network.motion_code(latent, branch) for branch in (model.expression_branch, model.pose_branch))
        return MotionCode(model.space, *codes)

    def settle(self, codes: MotionCode, track: FaceTrack, rate: Fraction, neutral_row: int | None) -> MotionTrack:
        """Bridges gaps, smooths where asked, finds the neutral; see `dpe_toolkit.api.MotionExtractor`."""
        seen = np.flatnonzero(track.present)
        sigma = self._options.smoothing_s * float(rate)
        raw = (_bridged(part, seen) for part in (codes.expression, codes.pose))
        expression, pose = (_smoothed(part, sigma) for part in raw)
        settled = MotionCode(codes.space, expression, pose)
        if neutral_row is None:
            calm = _calm_rows(settled, track)
            parts = (part[calm].mean(dim=0, keepdim=True) for part in (expression, pose))
            neutral = MotionCode(codes.space, *parts)
        else:
            neutral = settled.take(slice(neutral_row, neutral_row + 1))
        return MotionTrack(settled, neutral, track.present, track.blendshapes, int(track.index[0]))

    def mix(
        self, source: MotionTrack, driver: MotionTrack, driver_codes: MotionCode, request: MixRequest
    ) -> MotionCode:
        """The source's codes moved to the driver's; see `dpe_toolkit.api.MotionExtractor`.

        Absolute: at 1 exactly the driver's code, the paper's edit. Relative: the source's own code with
        the driver's departure from his neutral added.
        """
        relative = request.mode == "relative"

        def moved(own: Tensor, theirs: Tensor, rest: Tensor, amount: Tensor) -> Tensor:
            share = amount[:, None].to(own)
            wanted = own + (theirs - rest) if relative else theirs
            return torch.where(share == 1.0, wanted, own + share * (wanted - own))

        own, neutral = source.codes, driver.neutral
        return MotionCode(
            own.space,
            moved(own.expression, driver_codes.expression, neutral.expression, request.expression),
            moved(own.pose, driver_codes.pose, neutral.pose, request.pose),
        )


def _bridged(values: Tensor, seen: npt.NDArray[np.int64]) -> Tensor:
    """The rows of (T, K) that were not seen replaced by lines between those that were."""
    rows = np.arange(len(values))
    if not len(seen) or len(seen) == len(rows):
        return values
    places = torch.from_numpy(np.interp(rows, seen, np.arange(len(seen)))).to(values)
    known = values[seen.tolist()]
    low = places.floor().long()
    return known[low].lerp(known[(low + 1).clamp_max(len(seen) - 1)], (places - low)[:, None])


def _smoothed(values: Tensor, sigma_rows: float) -> Tensor:
    """(T, K) through a Gaussian over rows, which shifts nothing in time; ends are repeated."""
    reach = min(int(np.ceil(3 * sigma_rows)), len(values) - 1)
    if reach < 1:
        return values
    steps = torch.arange(-reach, reach + 1, dtype=values.dtype, device=values.device)
    weights = torch.exp(-0.5 * (steps / sigma_rows) ** 2)
    padded = F.pad(values.T[:, None], (reach, reach), mode="replicate")
    return F.conv1d(padded, (weights / weights.sum()).view(1, 1, -1))[:, 0].T.contiguous()


def _calm_rows(codes: MotionCode, track: FaceTrack) -> list[int]:
    """The rows whose face is most at rest: least blendshape activity, else nearest to the clip's middle."""
    seen = np.flatnonzero(track.present)
    if not len(seen):
        return [0]
    if track.blendshapes.shape[1]:
        activity = track.blendshapes[seen].sum(axis=1)
    else:
        known = codes.expression[seen.tolist()]
        activity = (known - known.median(dim=0).values).norm(dim=1).cpu().numpy()
    count = max(1, round(_CALM_SHARE * len(seen)))
    return [int(row) for row in seen[np.argsort(activity, kind="stable")[:count]]]
