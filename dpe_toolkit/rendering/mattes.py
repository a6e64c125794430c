"""Where in the picture an edit may show: mattes of polygons and films, cut to native windows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from skimage.draw import polygon2mask

from dpe_toolkit.analysis import OpenReader
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.editing.handover import upload
from dpe_toolkit.editing.keyframes import Point, polygon_at
from dpe_toolkit.face.tracks import Placement
from dpe_toolkit.geometry import code_scale
from dpe_toolkit.plans.edit import MattePlan
from dpe_toolkit.rendering.footage import Footage

__all__ = ["Mattes", "feathered", "polygon_matte"]

Values = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Mattes:
    """The mattes of one shot."""

    plans: tuple[MattePlan, ...]
    films: tuple[Footage | None, ...]
    """The film of each, where it has one."""

    @classmethod
    def of(cls, plans: tuple[MattePlan, ...], open_reader: OpenReader, resources: ExitStack) -> Mattes:
        """Opens the films; ``resources`` closes them."""
        films: list[Footage | None] = []
        for plan in plans:
            film = None if plan.media is None else Footage(plan.media.path, open_reader, rereads=True)
            if film is not None:
                resources.callback(film.close)
            films.append(film)
        return cls(plans, tuple(films))

    def windows(
        self, rows: npt.NDArray[np.int64], placement: Placement, picture_px: tuple[int, int], device: torch.device
    ) -> torch.Tensor:
        """(N, 1, h, w) share of the edit that may show, the product of all mattes.

        Args:
            rows: (N,) rows of the shot.
            placement: windows of these rows.
            picture_px: (width, height) of the source in square pixels.
            device: where it is wanted.
        """
        width, height = placement.size_px
        shown = np.ones((len(rows), 1, height, width), np.float32)
        for plan, film in zip(self.plans, self.films, strict=True):
            for place, row in enumerate(rows.tolist()):
                origin = placement.origin_px[place]
                if film is None:
                    matte = _of_polygon(plan, row, (int(origin[0]), int(origin[1])), placement.size_px, picture_px)
                else:
                    whole = _of_film(plan, film, row, picture_px)
                    matte = _cut(whole, (int(origin[0]), int(origin[1])), placement.size_px)
                shown[place, 0] *= matte
        return upload(device, torch.from_numpy(shown))[0]


def polygon_matte(points: Sequence[Point], size_px: tuple[int, int], *, feather_px: float, invert: bool) -> Values:
    """(h, w) 0 where a pixel's centre lies outside of the polygon, rising to 1 over the feather inside it.

    Args:
        points: x and y in pixels; they may lie outside of the picture.
        size_px: (width, height).
        feather_px: 0 for a hard edge.
        invert: outside and inside change places.
    """
    width, height = size_px
    # skimage counts from the centres of pixels, rows first.
    corners = np.array([(y - 0.5, x - 0.5) for x, y in points], np.float64)
    inside = polygon2mask((height, width), corners)  # type: ignore[no-untyped-call] # not annotated there
    return feathered((~inside if invert else inside).astype(np.float32), feather_px)


def feathered(matte: Values, feather_px: float) -> Values:
    """The matte with a soft edge that lies inside of it: where it was 0 it stays 0."""
    if feather_px <= 0:
        return matte
    if (matte > 0).all():
        return matte
    distance = cv2.distanceTransform((matte > 0).astype(np.uint8), cv2.DIST_L2, 5)
    ramp = np.clip(distance / (feather_px + 1), 0, 1).astype(np.float32)
    return np.asarray(matte * ramp * ramp * (3 - 2 * ramp), np.float32)


def _of_polygon(
    plan: MattePlan, row: int, origin_px: tuple[int, int], size_px: tuple[int, int], picture_px: tuple[int, int]
) -> Values:
    """The part of the matte in one window. It is drawn with a margin, so that feathers from outside reach in."""
    margin = int(np.ceil(plan.feather_px)) + 2
    left, top = origin_px[0] - margin, origin_px[1] - margin
    points = [(x * picture_px[0] - left, y * picture_px[1] - top) for x, y in polygon_at(plan.polygons, row)]
    size = size_px[0] + 2 * margin, size_px[1] + 2 * margin
    drawn = polygon_matte(points, size, feather_px=plan.feather_px, invert=plan.invert)
    return drawn[margin:-margin, margin:-margin]


def _of_film(plan: MattePlan, film: Footage, row: int, picture_px: tuple[int, int]) -> Values:
    """(H, W) the matte of one row: the film's luma in the picture's size."""
    assert plan.media is not None
    frame = min(max(int((plan.start + row * plan.step) // 1), 0), plan.media.num_frames - 1)
    _, batch = next(film.pieces(np.array([frame])))
    luma = cv2.resize(_signal(batch), picture_px, interpolation=cv2.INTER_AREA)
    return feathered(np.asarray(1 - luma if plan.invert else luma, np.float32), plan.feather_px)


def _signal(batch: FrameBatch) -> Values:
    """(h, w) luma of the first frame in [0, 1]; of RGB pictures, green."""
    scale = code_scale(batch.layout, batch.color)
    signal = (batch.planes[0][0].astype(np.float32) - scale.luma_offset) / scale.luma_scale
    return np.asarray(np.clip(signal, 0, 1), np.float32)


def _cut(whole: Values, origin_px: tuple[int, int], size_px: tuple[int, int]) -> Values:
    """A window of the matte; beside the picture nothing may show."""
    x, y = origin_px
    width, height = size_px
    window = np.zeros((height, width), np.float32)
    top, left = max(0, y), max(0, x)
    bottom, right = min(whole.shape[0], y + height), min(whole.shape[1], x + width)
    if top < bottom and left < right:
        window[top - y : bottom - y, left - x : right - x] = whole[top:bottom, left:right]
    return window
