"""The skin of the face as a picture: lips, brows, lids, cheeks, beard and blemishes."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from dpe_research.dataset.synth.atlas import SKIN_PX, skin_uv
from dpe_research.dataset.synth.face_mesh import face_mesh
from dpe_research.dataset.synth.identity import Color, Identity
from dpe_research.dataset.synth.noise import cloudy, strands
from dpe_toolkit.api.face import (
    BEARD_OUTLINE,
    BROWS,
    EYE_RINGS,
    FACE_OVAL,
    JAW_LINE,
    LIP_RINGS,
    MOUSTACHE_OUTLINE,
    NOSE_BRIDGE,
)

__all__ = ["linear", "paint_skin"]

FloatArray = npt.NDArray[np.float32]
_SHIFT = 4
_SIZE = (SKIN_PX[2], SKIN_PX[3])
_CM_PX = (20.0, 15.5)
"""Texture pixels of a centimetre in the middle of the face."""


def linear(color: Color) -> FloatArray:
    """(3,) linear light of an encoded colour; the set's own encoding is a plain square."""
    return np.square(np.array(color, np.float32))


def paint_skin(identity: Identity) -> FloatArray:
    """(512, 768, 4) linear RGB and gloss of an identity's skin in the layout of `skin_uv`."""
    random = np.random.default_rng([17, identity.seed])
    uv = skin_uv(face_mesh().canonical)
    skin = np.empty((_SIZE[1], _SIZE[0], 4), np.float32)
    skin[..., :3] = linear(identity.skin)
    skin[..., 3] = 0.16
    _tint(skin, identity, uv, random)
    _beard(skin, identity, uv, random)
    _hairline(skin, identity, uv, random)
    _lips(skin, identity, uv, random)
    _eyes(skin, identity, uv)
    _nostrils(skin, uv)
    _brows(skin, identity, uv, random)
    return skin


def _mask(polygons: list[npt.NDArray[np.float64]], blur_px: float) -> FloatArray:
    """(h, w) 1 inside the polygons, with soft edges."""
    mask = np.zeros((_SIZE[1], _SIZE[0]), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [np.round(polygon * 2**_SHIFT).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)
    return _soft(mask, blur_px)


def _stroke(lines: list[npt.NDArray[np.float64]], width_px: int, blur_px: float) -> FloatArray:
    mask = np.zeros((_SIZE[1], _SIZE[0]), np.uint8)
    points = [np.round(line * 2**_SHIFT).astype(np.int32) for line in lines]
    cv2.polylines(mask, points, False, 255, width_px, cv2.LINE_AA, _SHIFT)
    return _soft(mask, blur_px)


def _soft(mask: npt.NDArray[np.uint8], blur_px: float) -> FloatArray:
    share = mask.astype(np.float32) * np.float32(1 / 255)
    return np.asarray(cv2.GaussianBlur(share, (0, 0), blur_px))


def _spot(centre: npt.NDArray[np.float64], reach_cm: tuple[float, float]) -> FloatArray:
    """(h, w) a round bell of the given reach."""
    x = (np.arange(_SIZE[0], dtype=np.float32) + 0.5 - np.float32(centre[0])) / np.float32(reach_cm[0] * _CM_PX[0])
    y = (np.arange(_SIZE[1], dtype=np.float32) + 0.5 - np.float32(centre[1])) / np.float32(reach_cm[1] * _CM_PX[1])
    return np.asarray(np.exp(-(y * y))[:, None] * np.exp(-(x * x)))


def _lay(skin: FloatArray, mask: FloatArray, color: FloatArray) -> None:
    skin[..., :3] += mask[..., None] * (color - skin[..., :3])


def _tint(skin: FloatArray, identity: Identity, uv: npt.NDArray[np.float64], random: np.random.Generator) -> None:
    """Blotches, red cheeks and nose, dark hollows of the eyes, freckles."""
    patches = cloudy(random, _SIZE, 110, 2) * 0.035 + cloudy(random, _SIZE, 5, 2) * 0.022
    skin[..., :3] *= (1 + patches)[..., None]
    red = sum(
        _spot(uv[vertex], reach) * share
        for vertex, reach, share in (
            (205, (2.0, 1.8), 1.0),
            (425, (2.0, 1.8), 1.0),
            (4, (1.5, 1.2), 0.9),
            (199, (1.5, 1.0), 0.4),
        )
    )
    skin[..., 1:3] *= (1 - 0.42 * identity.ruddiness * np.asarray(red, np.float32))[..., None]
    hollow = sum(_spot(uv[ring].mean(0) + (0, 6), (2.0, 1.1)) for ring in EYE_RINGS)
    skin[..., :3] *= 1 - np.asarray(hollow, np.float32)[..., None] * np.array([0.16, 0.22, 0.2], np.float32)
    if identity.freckles > 0:
        near = _spot(uv[4] - (0, 8), (5.5, 2.6))
        dots = np.clip(cloudy(random, _SIZE, 6) - 1.5, 0, 0.8) * near * np.float32(identity.freckles)
        skin[..., :3] *= 1 - dots[..., None] * np.array([0.35, 0.5, 0.6], np.float32)
    skin[..., 3] += 0.1 * _spot(uv[4], (1.0, 1.2)) + 0.08 * _spot(uv[151], (3.5, 1.6))


def _beard(skin: FloatArray, identity: Identity, uv: npt.NDArray[np.float64], random: np.random.Generator) -> None:
    """Chin, jaw and upper lip, in hairs of the beard's thickness."""
    if identity.beard <= 0:
        return
    below = uv[BEARD_OUTLINE]
    below[: len(JAW_LINE), 1] += 16
    mask = np.maximum(_mask([below], 6.0), _mask([uv[MOUSTACHE_OUTLINE]], 3.0))
    mask = np.maximum(mask, 0.9 * _mask([uv[[57, 186, 214, 212]], uv[[287, 410, 434, 432]]], 5.0))
    hairs = np.clip(0.75 + 0.3 * strands(random, _SIZE, 2.2, 9) + 0.12 * cloudy(random, _SIZE, 14), 0, 1)
    cover = mask * hairs * np.float32(0.25 + 0.65 * identity.beard)
    _lay(skin, cover, linear(identity.hair) * np.float32(0.8))
    skin[..., 3] *= 1 - 0.6 * mask


def _hairline(skin: FloatArray, identity: Identity, uv: npt.NDArray[np.float64], random: np.random.Generator) -> None:
    """Hair that grows at the border of the face, and what falls over the forehead."""
    if identity.hair_style == "bald":
        return
    fringe = np.clip(random.normal() * 14, -4, 24) if identity.hair_style != "cropped" else -2.0
    top = np.concatenate([uv[FACE_OVAL[-9:]], uv[FACE_OVAL[:10]]])
    inner = top + (uv[NOSE_BRIDGE] - top) * 0.02
    rise = np.interp(np.arange(19), [0, 4, 9, 14, 18], [0, 0.5, 1, 0.5, 0])
    inner[:, 1] += 3 + max(0.0, float(fringe)) * rise
    inner[:, 1] += random.normal(size=19) * (0.8 + 0.12 * abs(fringe))
    outside = np.array([[_SIZE[0] - 1.0, inner[-1, 1] + 6], [_SIZE[0] - 1.0, 0], [0, 0], [0, inner[0, 1] + 6]])
    hairs = np.clip(1.15 + 0.3 * strands(random, _SIZE, 3, 60), 0, 1)
    mask = _mask([np.concatenate([inner, outside])], 3.0) * hairs
    shade = np.clip(0.9 + 0.2 * strands(random, _SIZE, 4, 80), 0.5, 1.3)
    skin[..., :3] += mask[..., None] * (linear(identity.hair) * shade[..., None] - skin[..., :3])
    skin[..., 3] *= 1 - 0.7 * mask


def _lips(skin: FloatArray, identity: Identity, uv: npt.NDArray[np.float64], random: np.random.Generator) -> None:
    outer, seam = uv[LIP_RINGS[0]], uv[LIP_RINGS[3]]
    mask = _mask([outer], 2.2)
    lines = 1 + 0.05 * strands(random, _SIZE, 3, 12)
    upper = np.concatenate([uv[LIP_RINGS[0, :11]], uv[LIP_RINGS[3, 10::-1]]])
    color = linear(identity.lips) * lines[..., None] * (1 - 0.16 * _mask([upper], 1.5))[..., None]
    skin[..., :3] += mask[..., None] * 0.92 * (color - skin[..., :3])
    _lay(skin, _mask([seam], 0.8) * 0.75, linear(identity.lips) * np.float32(0.3))
    _lay(skin, 0.5 * _stroke([seam[:11], seam[10:]], 1, 0.8), linear(identity.lips) * np.float32(0.2))
    skin[..., 3] += 0.22 * mask


def _eyes(skin: FloatArray, identity: Identity, uv: npt.NDArray[np.float64]) -> None:
    """Lashes, lid creases and the pink between the lids."""
    pink = linear(identity.skin) * np.array([0.75, 0.5, 0.48], np.float32)
    lash = linear(identity.brows) * np.float32(0.35)
    for ring in EYE_RINGS:
        opening = uv[ring]
        _lay(skin, _mask([opening], 1.0) * 0.85, pink)
        crease = opening[0:9] + np.array([0, -9.0]) * np.sin(np.linspace(0.25, np.pi - 0.2, 9))[:, None]
        _lay(skin, 0.4 * _stroke([crease], 2, 1.5), linear(identity.skin) * np.float32(0.35))
        upper = opening[0:8] + np.array([0, -0.8])
        _lay(skin, np.minimum(1.0, 1.3 * _stroke([upper], 3, 0.8)), lash)
        _lay(skin, 0.45 * _stroke([opening[8:], opening[[15, 0]]], 1, 0.8), lash)


def _nostrils(skin: FloatArray, uv: npt.NDArray[np.float64]) -> None:
    dark = np.array([0.03, 0.012, 0.01], np.float32)
    for wing, column in ((98, 97), (327, 326)):
        centre = uv[wing] * 0.45 + uv[column] * 0.55 + (0, -3.5)
        _lay(skin, np.minimum(1.0, 1.1 * _spot(centre, (0.36, 0.2))), dark)


def _brows(skin: FloatArray, identity: Identity, uv: npt.NDArray[np.float64], random: np.random.Generator) -> None:
    thick = 0.5 + 0.32 * identity.brow_thickness
    polygons = []
    for brow in BROWS:
        upper, lower = uv[brow[:, 0]], uv[brow[:, 1]]
        middle = (upper + lower) / 2
        taper = np.array([0.25, 0.8, 1.0, 1.0, 0.85])[:, None] * thick
        polygons.append(np.concatenate([middle + (upper - middle) * taper, (middle + (lower - middle) * taper)[::-1]]))
    hairs = np.clip(0.95 + 0.2 * strands(random, _SIZE, 2.0, 7), 0, 1)
    cover = _mask(polygons, 2.2) * hairs * np.float32(min(1.0, 0.62 + 0.28 * identity.brow_thickness))
    _lay(skin, cover, linear(identity.brows))
    skin[..., 3] *= 1 - 0.6 * cover
