"""The texture of a whole head: skin, hair, eyes, clothes, teeth and mouth on one sheet."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from dpe_research.dataset.synth.atlas import (
    ATLAS_SIZE_PX,
    CLOTH_PX,
    EYE_PX,
    HAIR_PX,
    MOUTH_PX,
    SKIN_PX,
    TEETH_PX,
    Patch,
)
from dpe_research.dataset.synth.identity import Identity
from dpe_research.dataset.synth.inside import BALL_RADIUS, IRIS_RADIUS
from dpe_research.dataset.synth.noise import cloudy, strands
from dpe_research.dataset.synth.skin import linear, paint_skin

__all__ = ["paint_texture"]

FloatArray = npt.NDArray[np.float32]


@lru_cache(maxsize=8)
def paint_texture(identity: Identity, reduced: int = 0) -> FloatArray:
    """(512, 1024, 4) linear RGB and gloss; halved ``reduced`` times for small pictures. Not to be changed."""
    if reduced:
        finer = paint_texture(identity, reduced - 1)
        size = (finer.shape[1] // 2, finer.shape[0] // 2)
        return np.asarray(cv2.resize(finer, size, interpolation=cv2.INTER_AREA))
    sheet = np.zeros((ATLAS_SIZE_PX[1], ATLAS_SIZE_PX[0], 4), np.float32)
    random = np.random.default_rng([19, identity.seed])
    for patch, painted in (
        (SKIN_PX, paint_skin(identity)),
        (HAIR_PX, _hair(identity, random)),
        (EYE_PX, _eye(identity, random)),
        (CLOTH_PX, _cloth(identity, random)),
        (TEETH_PX, _teeth(random)),
        (MOUTH_PX, _mouth()),
    ):
        left, top, width, height = patch
        sheet[top : top + height, left : left + width] = painted
    return np.clip(sheet, 0, 1)


def _flat(patch: Patch, rgb: FloatArray, gloss: float) -> FloatArray:
    flat = np.empty((patch[3], patch[2], 4), np.float32)
    flat[..., :3], flat[..., 3] = rgb, gloss
    return flat


def _hair(identity: Identity, random: np.random.Generator) -> FloatArray:
    size = (HAIR_PX[2], HAIR_PX[3])
    hair = _flat(HAIR_PX, linear(identity.hair), 0.22)
    if identity.hair_style == "curly":
        light = 1 + 0.45 * cloudy(random, size, 12, 2)
    else:
        light = 1 + 0.28 * strands(random, size, 3, 90) + 0.16 * strands(random, size, 9, 60)
    hair[..., :3] *= np.clip(light, 0.3, 2.0)[..., None]
    return hair


def _eye(identity: Identity, random: np.random.Generator) -> FloatArray:
    """White, iris with rays and dark rim, pupil; angles from the gaze fall on circles."""
    side = EYE_PX[2]
    steps = (np.arange(side, dtype=np.float32) + 0.5) / side * 2 - 1
    x, y = np.meshgrid(steps * side / (side - 4), steps * side / (side - 4))
    radius = np.hypot(x, y) * np.float32(1.5)
    turn = np.arctan2(y, x)
    limbus = np.float32(np.arcsin(IRIS_RADIUS / BALL_RADIUS))
    eye = _flat(EYE_PX, np.array([0.74, 0.71, 0.68], np.float32), 0.5)
    redness = np.clip((radius - limbus) * 0.45, 0, 0.4)
    eye[..., 1:3] *= (1 - redness)[..., None]
    rays = cv2.remap(
        random.normal(size=(1, 48)).astype(np.float32),
        ((turn / np.float32(2 * np.pi) + np.float32(0.5)) * 47).astype(np.float32),
        np.zeros_like(turn),
        cv2.INTER_LINEAR,
    )
    iris = linear(identity.iris) * np.clip(1.15 + 0.25 * rays + 0.5 * (radius / limbus - 0.7), 0.3, 2)[..., None]
    inside = np.clip((limbus - radius) / 0.035 + 0.5, 0, 1)
    eye[..., :3] += inside[..., None] * (iris - eye[..., :3])
    rim = np.exp(-np.square((radius - limbus) / 0.04)) * 0.75
    pupil = np.clip((limbus * np.float32(0.42) - radius) / 0.03 + 0.5, 0, 1)
    eye[..., :3] *= (1 - np.maximum(rim, 0.97 * pupil))[..., None]
    return eye


def _cloth(identity: Identity, random: np.random.Generator) -> FloatArray:
    size = (CLOTH_PX[2], CLOTH_PX[3])
    cloth = _flat(CLOTH_PX, linear(identity.clothes), 0.03)
    folds = 1 + 0.16 * strands(random, size, 9, 60) + 0.05 * cloudy(random, size, 4)
    cloth[..., :3] *= np.clip(folds, 0.4, 1.6)[..., None]
    cloth[: size[1] // 4, :, :3] *= 0.8
    return cloth


def _teeth(random: np.random.Generator) -> FloatArray:
    teeth = _flat(TEETH_PX, np.array([0.74, 0.70, 0.60], np.float32), 0.4)
    width, height = TEETH_PX[2], TEETH_PX[3]
    columns = np.arange(width) / width * 14
    gap = np.exp(-np.square((columns - np.round(columns)) / 0.09)).astype(np.float32)
    teeth[..., :3] *= (1 - 0.45 * gap)[None, :, None]
    gum = np.clip((np.float32(0.4) - np.arange(height, dtype=np.float32) / height) / 0.06, 0, 1)[:, None, None]
    teeth[..., :3] += gum * (np.array([0.42, 0.13, 0.13], np.float32) - teeth[..., :3])
    teeth[..., :3] *= (1 + 0.03 * random.normal(size=(1, width, 1))).astype(np.float32)
    return teeth


def _mouth() -> FloatArray:
    """Throat in the left half, tongue in the right one."""
    mouth = _flat(MOUTH_PX, np.array([0.24, 0.06, 0.055], np.float32), 0.1)
    mouth[:, MOUTH_PX[2] // 2 :, :3] = np.array([0.46, 0.17, 0.16], np.float32)
    return mouth
