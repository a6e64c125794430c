"""The generators' loss over one cycle: which pictures each term compares, with which weights.

Source: DPE (CVPR 2023), section 3.3: ``L = L_rec + 20 L_per + 20 L_exp + L_adv``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from dpe_research.training.batch import PairBatch
from dpe_research.training.config import Compares, PairWeights, TrainingConfig
from dpe_research.training.cycle import Cycle
from dpe_research.training.losses import (
    ACTIVITY,
    MIDDLE,
    SHIFT,
    TURN_DEG,
    code_loss,
    expression_loss,
    feature_distance,
    generator_loss,
    masked_reconstruction_loss,
    pose_loss,
    reconstruction_loss,
    shrunk,
)
from dpe_toolkit.api import ExpressionRegressor, FaceReading, PerceptualFeatures

__all__ = ["LossNetworks", "Objective", "bounded"]


@dataclass(frozen=True, slots=True)
class LossNetworks:
    """What loss_networks pictures during training; never trained itself, and None where no term asks for it."""

    regressor: ExpressionRegressor | None = None
    features: PerceptualFeatures | None = None


def bounded(pictures: Tensor, limit: float) -> Tensor:
    """The same pictures (N, 3, S, S), through which a gradient passes shortened to ``limit`` for each picture.

    A face network answers to a pixel far more strongly than an L1 distance does, and the more so the less a picture
    looks like a face: on blurred 64 px faces a reading's gradient was a thousand times as long. Unbounded, it throws
    a network that starts at random back to the mean picture. Shortening keeps its direction and lets the distance
    of pictures have its say. Source: our choice.
    """
    # Torch types it in some versions only.
    shortened = cast("Callable[[Tensor, float], Tensor]", _Bounded.apply)
    return shortened(pictures, limit)


class _Bounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pictures: Tensor, limit: float) -> Tensor:  # torch's own signature
        ctx.limit = limit
        return pictures.view_as(pictures)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        length = gradient.flatten(1).norm(dim=1)
        return gradient * (ctx.limit / length.clamp_min(ctx.limit)).view(-1, 1, 1, 1), None


class Objective:
    """The terms of the generators' loss.

    LossNetworks see pictures in [0, 1]; what the network draws is not clamped before, or pixels beyond would get no
    gradient.

    Args:
        config: weights of the terms.
        loss_networks: what the terms need; those of weight 0 need nothing.
    """

    def __init__(self, config: TrainingConfig, loss_networks: LossNetworks) -> None:
        self.config = config
        self.loss_networks = loss_networks
        assert loss_networks.regressor is not None or not config.reads_faces
        assert loss_networks.features is not None or not config.compares_features

    @property
    def weights(self) -> Mapping[str, float]:
        """Weight of each term that is in use."""
        config = self.config
        weights = {
            "reconstruction": config.reconstruction.weight,
            "parts": config.parts.weight,
            "codes": config.codes.weight,
            "flow": config.flow.weight,
            "perceptual": config.perceptual.weight if config.compares_features else 0.0,
            "expression": config.expression.weight,
            "pose": config.pose.weight,
            "adversarial": config.adversarial.weight,
        }
        return {name: weight for name, weight in weights.items() if weight > 0}

    def terms(
        self,
        cycle: Cycle,
        batch: PairBatch,
        discriminator: Callable[[Tensor], Tensor] | None,
        *,
        compares: Compares = "everything",
    ) -> dict[str, Tensor]:
        """Value of each term in use, before its own weight; `total` weighs them.

        Args:
            cycle: the pictures made of the batch.
            batch: what they were made of.
            discriminator: scores (N, 1) of pictures; None where the adversarial term is not in use.
            compares: what the stage compares; a warm-up gives the term "warm_up" alone.
        """
        if compares != "everything":
            return {WARM_UP: self._warm_up(cycle, batch, compares)}
        weights = self.weights
        terms: dict[str, Tensor] = {}
        if "reconstruction" in weights:
            pairs = _pairs(cycle, batch, self.config.reconstruction)
            terms["reconstruction"] = _sum(weight * reconstruction_loss(a, b) for weight, a, b in pairs)
        if "parts" in weights:
            terms["parts"] = _parts_distance(cycle, batch, self.config.parts)
        if "codes" in weights:
            terms["codes"] = _codes_distance(cycle, batch)
        if "flow" in weights:
            assert cycle.flow is not None
            terms["flow"] = cycle.flow
        if "perceptual" in weights:
            terms["perceptual"] = self._perceptual(cycle, batch)
        if "expression" in weights or "pose" in weights:
            terms |= self._faces(cycle, batch, weights)
        if "adversarial" in weights:
            assert discriminator is not None
            finals = torch.cat((cycle.source_final, cycle.driver_final))
            # The two finals are two terms, as everywhere; both have as many pictures.
            terms["adversarial"] = 2.0 * generator_loss(discriminator(finals))
        return terms

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum."""
        weights = {WARM_UP: 1.0, **self.weights}
        return _sum(weights[name] * value for name, value in terms.items())

    def _warm_up(self, cycle: Cycle, batch: PairBatch, compares: Compares) -> Tensor:
        """What a warm-up compares: codes, or pictures, with parts and codes as they weigh in the whole.

        Of pictures: the self-reconstructions and, where driven, both mids with their drivers.
        """
        if compares == "codes":
            return _codes_distance(cycle, batch)
        config, finals = self.config, 0.0 if compares == "own" else 1.0
        weights = PairWeights(finals=finals, mid=0, own=1 if compares == "own" else config.reconstruction.own)
        distances = [weight * reconstruction_loss(a, b) for weight, a, b in _pairs(cycle, batch, weights)]
        if config.parts.weight > 0:
            weights = PairWeights(finals=finals * config.parts.finals, mid=0, own=config.parts.own)
            distances.append(config.parts.weight * _parts_distance(cycle, batch, weights))
        if config.codes.weight > 0:
            distances.append(config.codes.weight * _codes_distance(cycle, batch))
        if config.flow.weight > 0:
            assert cycle.flow is not None
            distances.append(config.flow.weight * cycle.flow)
        return _sum(distances)

    def _perceptual(self, cycle: Cycle, batch: PairBatch) -> Tensor:
        """Feature distance of every pair at every scale; one pass for what was made, one for what is given."""
        term = self.config.perceptual
        pairs = _pairs(cycle, batch, term)
        made = _distinct(picture for _, *pair in pairs for picture in pair if picture.requires_grad)
        given = _distinct(picture for _, *pair in pairs for picture in pair if not picture.requires_grad)
        distance: list[Tensor] = []
        for scale in term.scales:
            maps = self._features(made, scale)
            with torch.no_grad():
                maps |= self._features(given, scale)
            distance += [weight * feature_distance(maps[id(a)], maps[id(b)]) for weight, a, b in pairs]
        return term.layer_weight * _sum(distance)

    def _features(self, pictures: Sequence[Tensor], scale: int) -> dict[int, Sequence[Tensor]]:
        """Feature maps of each picture, by its id."""
        if not pictures:
            return {}
        assert self.loss_networks.features is not None
        maps = self.loss_networks.features.features(shrunk((torch.cat(tuple(pictures)) + 1.0) / 2.0, scale))
        cut = zip(*(torch.split(level, len(pictures[0])) for level in maps), strict=True)
        return {id(picture): levels for picture, levels in zip(pictures, cut, strict=True)}

    def _faces(self, cycle: Cycle, batch: PairBatch, weights: Mapping[str, float]) -> dict[str, Tensor]:
        """Expression and pose of S' and D', which both have S's pose, so are near S's mesh."""
        term = self.config.expression
        batch = batch.first(max(1, round(term.read_share * len(batch))))
        count = len(batch)
        pictures = [cycle.source_mid[:count], cycle.driver_mid[:count]]
        if term.gradient_limit > 0:
            # An L1 distance of weight 1 passes each value of each of N pictures 1 / (N * values) at the most.
            pairs = len(cycle.source_mid) * self.config.compute.accumulate
            limit = term.gradient_limit / (pairs * math.sqrt(pictures[0][0].numel()))
            pictures = [bounded(picture, limit) for picture in pictures]
        near = batch.source_near_px
        made = self._read(pictures, None if near is None else torch.cat((near, near)))
        terms: dict[str, Tensor] = {}
        with torch.no_grad():
            wanted = self._read((batch.driver,), batch.driver_near_px) if "expression" in weights else None
            posed = self._read((batch.source,), near) if "pose" in weights else None
        # Two pairs each, of as many pictures: their sum is twice the mean over both.
        if wanted is not None:
            terms["expression"] = 2.0 * expression_loss(made.expression, wanted.expression.repeat(2, 1))
        if posed is not None:
            deg, place = posed.pose_deg.repeat(2, 1), posed.place.repeat(2, 1)
            terms["pose"] = 2.0 * pose_loss(made.pose_deg, made.place, deg, place)
        return terms

    def _read(self, pictures: Sequence[Tensor], near_px: Tensor | None) -> FaceReading:
        assert self.loss_networks.regressor is not None
        joined = (torch.cat(tuple(pictures)) + 1.0) / 2.0
        # Half precision would round the coordinates of a mesh to whole pixels.
        with torch.autocast(joined.device.type, enabled=False):
            return self.loss_networks.regressor.read(joined.float(), near_px)


WARM_UP = "warm_up"
_ACTIVITIES_COUNT = 4.0
"""Weight of activities beside poses in motion codes: most are nothing, and those that are not are harder to see."""


def _codes_distance(cycle: Cycle, batch: PairBatch) -> Tensor:
    """What the expression branch's codes say of the activities, and the pose branch's of yaw, pitch, roll and place."""
    assert cycle.codes is not None
    assert batch.source_motion is not None
    assert batch.driver_motion is not None
    distances = []
    for half, motion in enumerate((batch.source_motion, batch.driver_motion)):
        expression, pose = (code[half * len(batch) : (half + 1) * len(batch)] for code in cycle.codes)
        centred = motion.place - motion.place.new_tensor(MIDDLE)
        distances.append(_ACTIVITIES_COUNT * code_loss(expression, motion.activities / ACTIVITY))
        distances.append(code_loss(pose, torch.cat((motion.pose_deg / TURN_DEG, centred / SHIFT), dim=1)))
    return _sum(distances)


def _parts_distance(cycle: Cycle, batch: PairBatch, weights: PairWeights) -> Tensor:
    """Distance of the pairs that count, within the parts of the face that each pair shows."""
    assert batch.source_parts is not None
    assert batch.driver_parts is not None
    parts = {id(batch.source): batch.source_parts, id(batch.driver): batch.driver_parts}
    pairs = _pairs(cycle, batch, weights)
    # S' and D' are both in S's pose, near enough for S's parts.
    masks = [parts.get(id(reference), batch.source_parts) for _, _, reference in pairs]
    return _sum(
        [weight * masked_reconstruction_loss(a, b, mask) for (weight, a, b), mask in zip(pairs, masks, strict=True)]
    )


def _pairs(cycle: Cycle, batch: PairBatch, weights: PairWeights) -> list[tuple[float, Tensor, Tensor]]:
    """Weight, result and reference of the pairs that count.

    Neither picture of the mid pair is a truth: gradients reach both.
    """
    references = (batch.source, batch.source, batch.driver, batch.driver)
    pairs = [
        (weights.finals, cycle.source_final, batch.driver),
        (weights.finals, cycle.driver_final, batch.source),
        (weights.mid, cycle.source_mid, cycle.driver_mid),
        *((weights.own, own, reference) for own, reference in zip(cycle.own, references, strict=False)),
    ]
    return [pair for pair in pairs if pair[0] > 0]


def _distinct(pictures: Iterator[Tensor]) -> list[Tensor]:
    return list({id(picture): picture for picture in pictures}.values())


def _sum(values: Iterator[Tensor] | Sequence[Tensor]) -> Tensor:
    return torch.stack(tuple(values)).sum()
