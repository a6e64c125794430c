"""Expression as a synthetic set's own truth says it, from what a regressor reads.

A face network reads a turned head partly as another expression: between true pictures of 64 px that differ in pose
alone, the mesh regressor's expression moved by 0.70 of its spread. No ratio of movements can be read beyond that.
The people of a set who are there for training show what was drawn together with what is read of it, so a linear map
from the one to the other takes most of the confusion out. It is fitted on true pictures of those people alone, and
applied to every picture alike.

Source: our choice. Ridge regression; the ridge is chosen by leaving persons out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from dpe_research.evaluation.footage import Clip, Footage
from dpe_research.evaluation.reading import FaceReader, join_readings
from dpe_toolkit.api import ExpressionRegressor, FaceReading

__all__ = ["CalibratedRegressor", "Calibration", "calibrate", "fit_calibration"]

_RIDGES = (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)
_FOLDS = 4
_TURN_DEG = 15.0
_LEAST_PERSONS = 4
_LEAST_SPREAD = 0.02


@dataclass(frozen=True, slots=True)
class Calibration:
    """A linear map from readings to drawn activities."""

    weights: Tensor
    """(F, A) float64, of the features below; A activities that vary in the set."""
    explained: float
    """Share of the variance of the activities, within persons, that is explained in persons left out; 1 is all."""
    num_persons: int
    num_pictures: int

    def expression(self, reading: FaceReading) -> Tensor:
        """(N, A) activities of N readings; an offset of each person's own remains, as in any reading."""
        return (_features(reading) @ self.weights).to(reading.expression)


class CalibratedRegressor:
    """A regressor whose expression is the drawn activities that its reading stands for; the rest stays as it is."""

    def __init__(self, regressor: ExpressionRegressor, calibration: Calibration) -> None:
        self.regressor = regressor
        self.calibration = calibration

    @property
    def expression_size(self) -> int:
        """A."""
        return int(self.calibration.weights.shape[1])

    def read(self, pictures: Tensor, near_px: Tensor | None = None) -> FaceReading:
        """The reading of each picture; see `dpe_toolkit.editing.measures.ExpressionRegressor`."""
        reading = self.regressor.read(pictures, near_px)
        return replace(reading, expression=self.calibration.expression(reading))


def calibrate(footage: Footage, reader: FaceReader, *, frames_per_clip: int = 16, seed: int = 0) -> Calibration | None:
    """The calibration that a set's training part gives; None where it has too few persons or draws nothing.

    Args:
        footage: a synthetic set, whose clips hold the drawn activities as ``blendshapes``.
        reader: reads the true pictures as it will read results.
        frames_per_clip: pictures of each person, drawn at random.
        seed: of the draw.
    """
    clips: Sequence[Clip] = [clip for clip in footage.clips("train") if clip.grid is not None]
    if len(clips) < _LEAST_PERSONS:
        return None
    chance = np.random.default_rng(seed)
    readings, drawn, persons = [], [], []
    for clip in clips:
        rows = chance.permutation(clip.num_frames)[:frames_per_clip].tolist()
        motion = footage.motion(clip.id)
        mesh = np.ascontiguousarray(motion.mesh_px[rows], np.float32)
        near = torch.from_numpy(mesh) if mesh.shape[1] else None
        readings.append(reader.read(footage.frames(clip.id, rows), near))
        drawn.append(torch.from_numpy(np.asarray(motion.blendshapes[rows], np.float64)))
        persons += [clip.identity] * len(rows)
    return fit_calibration(join_readings(readings), torch.cat(drawn), persons)


def fit_calibration(reading: FaceReading, drawn: Tensor, persons: Sequence[str]) -> Calibration | None:
    """The map from M readings to what was drawn; None where nothing varies or the persons are too few.

    Args:
        reading: of true pictures.
        drawn: (M, B) activities.
        persons: (M,) who each picture shows; persons' own offsets are taken out.
    """
    names = {name: number for number, name in enumerate(dict.fromkeys(persons))}
    group = torch.tensor([names[name] for name in persons])
    if len(names) < _LEAST_PERSONS:
        return None
    wanted = _within(drawn.double(), group)
    wanted = wanted[:, wanted.std(dim=0) > _LEAST_SPREAD]
    if not wanted.shape[1]:
        return None
    features = _within(_features(reading), group)
    scales = features.std(dim=0).clamp_min(1e-9)
    features = features / scales
    explained = {ridge: _explained(features, wanted, group, ridge) for ridge in _RIDGES}
    best = max(_RIDGES, key=lambda ridge: explained[ridge])
    weights = _ridge(features, wanted, best) / scales[:, None]
    return Calibration(weights, explained[best], len(names), len(persons))


def _features(reading: FaceReading) -> Tensor:
    """(N, F) float64 on the CPU: the expression, the pose and its products, which turns confuse it with."""
    # not every device has double precision
    expression, pose = reading.expression.cpu().double(), reading.pose_deg.cpu().double() / _TURN_DEG
    products = [pose[:, one] * pose[:, other] for one in range(3) for other in range(one, 3)]
    return torch.cat([expression, pose, torch.stack(products, dim=1)], dim=1)


def _within(values: Tensor, group: Tensor) -> Tensor:
    """Values (M, K) less the mean of each person."""
    count = int(group.max()) + 1
    sums = values.new_zeros((count, values.shape[1])).index_add_(0, group, values)
    return values - (sums / torch.bincount(group, minlength=count)[:, None])[group]


def _ridge(features: Tensor, wanted: Tensor, ridge: float) -> Tensor:
    square = features.T @ features + ridge * torch.eye(features.shape[1], dtype=features.dtype)
    weights: Tensor = torch.linalg.solve(square, features.T @ wanted)
    return weights


def _explained(features: Tensor, wanted: Tensor, group: Tensor, ridge: float) -> float:
    left = 0.0
    for fold in range(_FOLDS):
        out = group % _FOLDS == fold
        guessed = features[out] @ _ridge(features[~out], wanted[~out], ridge)
        left += float((guessed - wanted[out]).square().sum())
    return 1.0 - left / float(wanted.square().sum())
