"""The terms of the training losses, each a function of tensors alone.

Pictures and readings are floating, of any floating dtype; every term is one number, a mean over the batch, so
that neither the batch size nor the way a batch is cut into equal parts changes its size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = [
    "code_loss",
    "discriminator_loss",
    "expression_loss",
    "feature_distance",
    "generator_loss",
    "gradient_penalty",
    "masked_reconstruction_loss",
    "pose_loss",
    "reconstruction_loss",
    "shrunk",
    "unstillness",
]

TURN_DEG = 10.0
"""What counts as one unit of pose: about the usual spread of each angle."""
SHIFT = 0.05
"""What counts as one unit of place, in picture widths: about the usual spread of each number."""
MIDDLE = (0.5, 0.5, 0.6)
"""Place and size of a head that motion codes count from, in picture widths: about where datasets have it."""
ACTIVITY = 0.2
"""What counts as one unit of an activity in a motion code: about the usual spread of those that faces show."""


def reconstruction_loss(result: Tensor, reference: Tensor) -> Tensor:
    """Mean absolute difference of two batches of pictures (N, 3, S, S).

    Source: DPE, section 3.3 (L_rec).
    """
    return F.l1_loss(result, reference)


def code_loss(code: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared difference of the first numbers of motion codes (N, K) and what they should say, (N, W).

    A code says in its first numbers what it is to carry, in units of `ACTIVITY`, or of `TURN_DEG` and `SHIFT`, and is
    free in the rest; both heads are linear, so any direction of the motion serves as well as any other. Squares, as
    most activities of a face are nothing and their median says so. Source: our addition; the paper starts from LIA's
    encoder, which knows motion already.
    """
    width = min(code.shape[1], wanted.shape[1])
    return (code[:, :width] - wanted[:, :width]).square().mean()


def unstillness(raw_flows: Sequence[Tensor]) -> Tensor:
    """Mean square of raw flows, offsets and mask alike, over the pixels of each level and over the levels, (N,).

    Nothing where each picture is taken from where it is, half warped and half invented. A flow that left the picture or
    a mask that closed gets no gradient from pictures that would bring it back; this one does. Source: our addition, for
    networks that start at random; the paper starts from LIA's flows.

    Args:
        raw_flows: (N, 3, s, s) of each level, before tanh and sigmoid, as `dpe_toolkit.networks.Rendering` has them.
    """
    return torch.stack([raw.float().square().mean(dim=(1, 2, 3)) for raw in raw_flows]).mean(dim=0)


def masked_reconstruction_loss(result: Tensor, reference: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference of two batches of pictures (N, 3, S, S) where each picture's mask (N, 1, S, S) is 1.

    Every picture counts alike, whatever its mask's size; one whose mask is empty counts as 0. Source: our addition.
    """
    mask = mask.to(result.dtype)
    differences = ((result - reference).abs() * mask).sum(dim=(1, 2, 3))
    return (differences / (result.shape[1] * mask.sum(dim=(1, 2, 3))).clamp_min(1.0)).mean()


def shrunk(pictures: Tensor, scale: int) -> Tensor:
    """Pictures (N, 3, S, S) at 1 / ``scale`` of their size; each pixel is a mean. ``scale`` divides S.

    # DPE differs: the released trainer resamples; a mean aliases as little, and gradients reach every pixel.
    """
    return pictures if scale == 1 else F.avg_pool2d(pictures, scale)


def feature_distance(result: Sequence[Tensor], reference: Sequence[Tensor]) -> Tensor:
    """Sum over feature maps of their mean absolute difference.

    Source: DPE, section 3.3 (L_per); the sum over maps and scales as in the released trainer.
    """
    assert len(result) == len(reference)
    return torch.stack([F.l1_loss(one, other) for one, other in zip(result, reference, strict=True)]).sum()


def expression_loss(expression: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference of two batches of expressions (N, K), in the regressor's units.

    Source: DPE, section 3.3 (L_exp).
    """
    return F.l1_loss(expression, wanted)


def pose_loss(pose_deg: Tensor, place: Tensor, wanted_deg: Tensor, wanted_place: Tensor) -> Tensor:
    """Mean absolute difference of two batches of head poses, angles by 10 degrees, places by 0.05.

    Source: our addition. The paper's terms alone are also met by an expression edit that turns the head as well
    and a pose edit that does nothing: S' and D' are then both D, S'' is D, D'' is S, and every expression is
    right. What keeps a training from going there is the architecture and chance. Reading the pose of S' and D',
    which is to be S's, rules it out.

    Args:
        pose_deg: (N, 3) yaw, pitch, roll in degrees.
        place: (N, 3) centre and size of the head in shares of the picture's width.
        wanted_deg: (N, 3).
        wanted_place: (N, 3).
    """
    turn = (pose_deg - wanted_deg + 180.0).remainder(360.0) - 180.0
    return 0.5 * (turn.abs().mean() / TURN_DEG + F.l1_loss(place, wanted_place) / SHIFT)


def generator_loss(fake_scores: Tensor) -> Tensor:
    """``mean(softplus(-D(fake)))``: the non-saturating loss of a generator, from scores (N, 1).

    Source: DPE, section 3.3 (L_adv); GAN (NeurIPS 2014), section 3.
    """
    return F.softplus(-_exact(fake_scores)).mean()


def discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """``mean(softplus(-D(real))) + mean(softplus(D(fake)))``, from scores (N, 1).

    Source: DPE, section 3.3 (L_adv); StyleGAN2's logistic loss.
    """
    return F.softplus(-_exact(real_scores)).mean() + F.softplus(_exact(fake_scores)).mean()


def gradient_penalty(real_scores: Tensor, real: Tensor) -> Tensor:
    """``mean(|dD/dx|^2) / 2`` over real pictures (N, 3, S, S) that require gradients; itself differentiable.

    Source: R1 of Mescheder et al. (ICML 2018), as StyleGAN2 uses it. Not in the paper.
    """
    (gradient,) = torch.autograd.grad(real_scores.sum(), real, create_graph=True)
    return gradient.square().flatten(1).sum(dim=1).mean() / 2


def _exact(scores: Tensor) -> Tensor:
    """Scores of half precision in single: a large score would lose what it differs by."""
    return scores.float() if scores.dtype in (torch.bfloat16, torch.float16) else scores
