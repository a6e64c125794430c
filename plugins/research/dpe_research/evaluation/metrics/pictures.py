"""Metrics that compare pixels: PSNR and SSIM."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dpe_toolkit.api import expect_shape

__all__ = ["Psnr", "Ssim"]

_SSIM_SIGMA_PX = 1.5
_SSIM_WINDOW_PX = 11


class Psnr:
    """Peak signal to noise ratio in dB, over all pixels and channels of a picture; infinite without any error."""

    @property
    def higher_is_better(self) -> bool:
        """True."""
        return True

    def compare(self, results: Tensor, references: Tensor) -> Tensor:
        """(N,) float64 dB of pictures (N, 3, S, S) in [0, 1]."""
        _expect_alike(results, references)
        error = (results.cpu().double() - references.cpu().double()).square().mean(dim=(1, 2, 3))
        return -10 * torch.log10(error)


class Ssim:
    """Structural similarity in [-1, 1], as Wang et al. weigh it: Gaussian window of sigma 1.5 px, mean of channels.

    Source: Wang et al., Image Quality Assessment (2004); computed by scikit-image.
    """

    @property
    def higher_is_better(self) -> bool:
        """True."""
        return True

    def compare(self, results: Tensor, references: Tensor) -> Tensor:
        """(N,) float64 of pictures (N, 3, S, S) in [0, 1], S at least 11."""
        from skimage.metrics import structural_similarity

        _expect_alike(results, references)
        if min(results.shape[2:]) < _SSIM_WINDOW_PX:
            raise ValueError(f"SSIM needs pictures of at least {_SSIM_WINDOW_PX} px, got {tuple(results.shape)}")
        pairs = zip(results.cpu().numpy(), references.cpu().numpy(), strict=True)
        values = [
            structural_similarity(  # type: ignore[no-untyped-call] # scikit-image has no types
                np.asarray(result, np.float64),
                np.asarray(reference, np.float64),
                channel_axis=0,
                data_range=1.0,
                gaussian_weights=True,
                sigma=_SSIM_SIGMA_PX,
                use_sample_covariance=False,
            )
            for result, reference in pairs
        ]
        return torch.tensor(values, dtype=torch.float64)


def _expect_alike(results: Tensor, references: Tensor) -> None:
    sizes = expect_shape("results", results, ("N", 3, "H", "W"))
    expect_shape("references", references, ("N", 3, "H", "W"), sizes)
