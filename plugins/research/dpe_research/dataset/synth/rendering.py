"""Pictures of synthetic faces, and what is true of them.

The picture is a function of identity, pose and expression alone: the same on every call, and on every machine but
for the last step of a level where libraries round otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dpe_research.dataset.synth.atlas import ATLAS_SIZE_PX
from dpe_research.dataset.synth.backdrop import paint_backdrop
from dpe_research.dataset.synth.expression import Expression
from dpe_research.dataset.synth.head import Head, build_head
from dpe_research.dataset.synth.identity import Identity, Light
from dpe_research.dataset.synth.pose import Pose
from dpe_research.dataset.synth.posing import PosedHead, act, canonical_irises, put_into_picture
from dpe_research.dataset.synth.raster import Cover, cover_pixels, spread_values
from dpe_research.dataset.synth.texture import paint_texture
from dpe_toolkit.api import OptionsError
from dpe_toolkit.api.face import NUM_FACE_VERTICES

__all__ = ["SMALLEST_PX", "SyntheticFace", "render_face"]

FloatArray = npt.NDArray[np.float32]
SMALLEST_PX = 16
_GLOSS_SHARPNESS = 5
"""Highlights fall with the 2 ** 5 th power."""
_WRAP = 0.3
"""How far light reaches round: skin lets it through. Source: our choice."""


@dataclass(frozen=True, slots=True)
class SyntheticFace:
    """One picture and the exact truth of it."""

    picture: npt.NDArray[np.uint8]
    """(S, S, 3) RGB."""
    mesh_px: FloatArray
    """(478, 3) vertices in picture pixels (pixel i covers [i, i+1)), z in the same scale, the irises last."""
    shape: FloatArray
    """(478, 3) the same face without its pose, in canonical centimetres."""
    pose_deg: FloatArray
    """(3,) yaw, pitch, roll with the signs of `FaceReading.pose_deg`."""
    place: FloatArray
    """(3,) centre x, y and size in shares of the picture's width."""
    blendshapes: FloatArray
    """(52,) amounts in the order of `BLENDSHAPE_NAMES`."""
    matte: FloatArray
    """(S, S) share of each pixel that the person covers."""


def render_face(identity: Identity, pose: Pose, expression: Expression, size_px: int) -> SyntheticFace:
    """The picture of a person in a pose with an expression, and its truth.

    Args:
        identity: from `sample_identity` or put together by hand.
        pose: where the head is.
        expression: what the face does.
        size_px: S, the picture's side, from 16.

    Raises:
        OptionsError: ``size_px`` is below 16.
    """
    if size_px < SMALLEST_PX:
        raise OptionsError(f"size_px is {size_px}", f"{SMALLEST_PX} or more", "render larger pictures")
    head = build_head(identity)
    points = act(head, expression)
    irises = canonical_irises(head, expression)
    fine = 2 if size_px >= 128 else 3
    posed = put_into_picture(head, points, pose, size_px * fine)
    cover = cover_pixels(posed.points, posed.triangles, size_px * fine)
    light = _shaded(head, posed, cover, identity, size_px * fine)
    picture, matte = _laid_on(paint_backdrop(identity.backdrop, size_px), cover, light, fine)
    shape = np.concatenate([points[:NUM_FACE_VERTICES], irises])
    return SyntheticFace(
        picture=picture,
        mesh_px=pose.to_picture(shape, size_px).astype(np.float32),
        shape=shape.astype(np.float32),
        pose_deg=pose.angles_deg(),
        place=pose.place(),
        blendshapes=expression.as_array(),
        matte=matte,
    )


def _shaded(head: Head, posed: PosedHead, cover: Cover, identity: Identity, size_px: int) -> FloatArray:
    """(Q, 3) linear light of the covered pixels."""
    values = np.column_stack([head.uv, posed.normals, posed.open_to_light])
    u, v, nx, ny, nz, openness = spread_values(cover, posed.points, posed.triangles, values, size_px)
    texel = _looked_up(identity, u, v, size_px)
    away = nz > 0.25
    nx[away] *= -1
    ny[away] *= -1
    nz = -np.abs(nz)
    length = 1 / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-12))
    return _lit(texel, (nx * length, ny * length, nz * length), openness, identity.light)


def _looked_up(identity: Identity, u: FloatArray, v: FloatArray, size_px: int) -> FloatArray:
    """(Q, 4) texture at texture places, from a sheet about as fine as the picture."""
    reduced = 0 if size_px > 320 else 1
    sheet = paint_texture(identity, reduced)
    scale = np.float32(sheet.shape[1] / ATLAS_SIZE_PX[0])
    count = len(u)
    columns = 4096
    rows = -(-count // columns)
    places = np.zeros((2, rows * columns), np.float32)
    places[0, :count], places[1, :count] = u * scale - np.float32(0.5), v * scale - np.float32(0.5)
    found = cv2.remap(sheet, places[0].reshape(rows, -1), places[1].reshape(rows, -1), cv2.INTER_LINEAR)
    return np.asarray(found.reshape(-1, 4)[:count])


def _lit(
    texel: FloatArray, normal: tuple[FloatArray, FloatArray, FloatArray], openness: FloatArray, light: Light
) -> FloatArray:
    nx, ny, nz = normal
    x, y, z = (np.float32(value) for value in light.direction)
    facing = nx * x + ny * y + nz * z
    lambert = np.maximum((facing + np.float32(_WRAP)) / np.float32(1 + _WRAP), 0) * openness
    half = np.array([x, y, z - 1], np.float32)
    half /= np.sqrt((half * half).sum())
    gloss = np.maximum(nx * half[0] + ny * half[1] + nz * half[2], 0)
    for _ in range(_GLOSS_SHARPNESS):
        gloss = gloss * gloss
    gloss *= texel[:, 3] * openness
    above = (np.float32(0.5) - np.float32(0.5) * ny) * openness
    below = openness - above
    result = np.empty((len(texel), 3), np.float32)
    # light that comes through at the edge of the shadow is redder
    through = (1.0, 0.93, 0.9)
    soft = np.maximum(lambert - np.float32(0.25), 0) * np.float32(1 / 0.75)
    for c in range(3):
        diffuse = lambert * np.float32(through[c]) + soft * np.float32(1 - through[c])
        key, sky, ground = (np.float32(part[c]) for part in (light.key, light.sky, light.ground))
        result[:, c] = texel[:, c] * (diffuse * key + above * sky + below * ground) + gloss * key
    return result


def _laid_on(
    backdrop: FloatArray, cover: Cover, light: FloatArray, fine: int
) -> tuple[npt.NDArray[np.uint8], FloatArray]:
    """The encoded picture over the backdrop, and the matte; every pixel is the mean of fine x fine."""
    side = backdrop.shape[0]
    layer = np.zeros((side * fine * side * fine, 4), np.float32)
    layer[cover.pixels, :3] = np.minimum(light, 1)
    layer[cover.pixels, 3] = 1
    mean = cv2.resize(layer.reshape(side * fine, side * fine, 4), (side, side), interpolation=cv2.INTER_AREA)
    matte = mean[..., 3]
    mixed = mean[..., :3] + (1 - matte)[..., None] * backdrop
    return np.asarray(np.sqrt(np.clip(mixed, 0, 1)) * 255 + 0.5).astype(np.uint8), np.asarray(matte, np.float32)
