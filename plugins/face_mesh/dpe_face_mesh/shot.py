"""Generator ``mesh`` in a shot: the source's own pixels moved to where the edited mesh says, openings filled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from dpe_face_mesh.codes import mesh_points, poses_of
from dpe_face_mesh.colour_match import ColourMatch
from dpe_face_mesh.inlay import TextureDonor, inlay, lip_seam
from dpe_face_mesh.openings import opening_sizes, seam_points, tuck_lips
from dpe_face_mesh.options import GeneratorOptions
from dpe_face_mesh.raster import box_in, rows_by_size
from dpe_face_mesh.texture_donors import DonorPlan, closing_share, donor_weights, shut_share
from dpe_face_mesh.warp import backward_map, boxes, map_step, resample, visibility
from dpe_toolkit.api import FaceBatch, Generated, GenerateRequest, MotionCode
from dpe_toolkit.api.face import INNER_LIPS, canonical_shapes, fit_pose, rotation_matrix

__all__ = ["MeshShot", "ShotDonors", "window_points"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
_STILL_PX = 1e-3
"""Movement up to which a pixel is written back as it is."""


@dataclass(frozen=True, slots=True)
class ShotDonors:
    """The texture donors of one shot."""

    plans: list[DonorPlan]
    """Of the mouth, then of the eyes."""
    rows: IntArray
    """(K,) source rows that are donors of any opening, ascending."""
    windows: FaceBatch | None
    """Their K windows; None where K is 0."""
    points: torch.Tensor | None
    """(K, 478, 3) their meshes in window pixels."""
    driver_colour: ColourMatch | None
    """How the driver's colours are brought to the source's; None where he is no donor."""
    edge_px: int
    """Half the width of the edge of a mouth's matte."""


class MeshShot:
    """`MeshGenerator` made ready for one shot.

    Args:
        options: the generator's.
        donors: texture donors and the driver's colour.
        stable: T codes to show in place of the request's, in which the head's apparent pose is the source's; None
            to show the request's.
    """

    def __init__(self, options: GeneratorOptions, donors: ShotDonors, stable: MotionCode | None) -> None:
        self._options = options
        self._donors = donors
        self._stable = stable

    def generate(self, request: GenerateRequest) -> Generated:
        """Warped windows with donors' mouths and lids; windows whose codes do not change come back as they are."""
        faces = request.source.faces
        codes = request.target_codes if self._stable is None else self._stable.take(request.rows)
        source, target = window_points(request.source_codes, faces), window_points(codes, faces)
        pixels = faces.pixels.clone()
        if not len(faces):
            return Generated(pixels, target)
        window_px = (pixels.shape[3], pixels.shape[2])
        corners = boxes(source, target, window_px)
        # Frames are drawn together where their boxes are of one size, each in its own: as if it were alone.
        sizes = corners[:, 2:] - corners[:, :2]
        for size_px, rows in rows_by_size(sizes):
            places = corners[rows, :2]
            origin = F.pad(places.to(source.dtype), (0, 1))[:, None]
            part = torch.stack([box_in(faces.pixels[row], at, size_px) for row, at in zip(rows, places, strict=True)])
            some = request if len(rows) == len(faces) else _some(request, rows)
            edited = self._edit(some, part, source[rows] - origin, target[rows] - origin, step=map_step(window_px))
            for row, at, one in zip(rows, places, edited, strict=True):
                box_in(pixels[row], at, size_px).copy_(one)
        return Generated(pixels, target)

    def _edit(
        self, request: GenerateRequest, part: torch.Tensor, source: torch.Tensor, target: torch.Tensor, *, step: int
    ) -> torch.Tensor:
        """The part of the windows that the face can reach, edited."""
        mouth = self._donors.plans[0]
        closing = torch.from_numpy(closing_share(mouth, request.rows)).to(part.device)
        shut = torch.from_numpy(shut_share(mouth, request.rows)).to(part.device)
        rotation = torch.from_numpy(rotation_matrix(poses_of(request.source_codes)[:, 1:4])).to(part.device)
        tucked = tuck_lips(source, closing)
        inside = tucked[:, INNER_LIPS].lerp(seam_points(source), shut[:, None, None])
        size_px = (part.shape[3], part.shape[2])
        move = backward_map(tucked, target, visibility(rotation), inside, size_px, step=step)
        moved = move.abs().amax(dim=1, keepdim=True) > _STILL_PX
        pixels = torch.where(moved, resample(part, move, mode=self._options.interpolation), part)
        for plan in self._donors.plans:
            grow = shut if plan.opening.hard_edge else torch.zeros_like(shut)
            donors = self._texture_donors(plan, request, 1 - grow)
            if bool(grow.any()):
                donors.append(lip_seam(part, source, grow))
            if donors:
                pixels = inlay(pixels, target, plan.opening, donors, grow=grow, edge_px=self._donors.edge_px)
        return pixels

    def _texture_donors(self, plan: DonorPlan, request: GenerateRequest, share: torch.Tensor) -> list[TextureDonor]:
        """The donors of one opening in these rows; none where its own pixels serve."""
        shot, driver = self._donors, request.driver_faces
        use_driver = plan.opening.hard_edge and driver is not None and shot.driver_colour is not None
        other = _driver_openings(driver, plan) if use_driver and driver is not None else None
        weights = torch.from_numpy(donor_weights(plan, request.rows, other)).to(share.device) * share[:, None]
        donors = []
        for number, row in enumerate(plan.rows, start=1):
            place = int(np.searchsorted(shot.rows, row))
            if shot.windows is not None and shot.points is not None and bool(weights[:, number].any()):
                one = slice(place, place + 1)
                donors.append(TextureDonor(shot.windows.pixels[one], shot.points[one], weights[:, number]))
        if use_driver and driver is not None and bool(weights[:, -1].any()):
            donors.append(TextureDonor(driver.pixels, driver.landmarks_px, weights[:, -1], shot.driver_colour))
        return donors


def window_points(codes: MotionCode, faces: FaceBatch) -> torch.Tensor:
    """(N, 478, 3) float32 meshes of codes in the pixels of their windows, on the windows' device."""
    points = mesh_points(codes)
    points[..., :2] -= faces.placement.to_frame[:, None, :, 2]
    return torch.from_numpy(points).to(faces.pixels.device)


def _some(request: GenerateRequest, rows: torch.Tensor) -> GenerateRequest:
    """The request for some of its rows; the windows' pixels stay behind, since boxes are cut out of them before."""
    places = rows.cpu().numpy()
    driver = request.driver_faces
    return GenerateRequest(
        request.rows[places],
        request.source,
        request.source_codes.take(places),
        request.target_codes.take(places),
        None if driver is None else driver.take(places),
    )


def _driver_openings(driver: FaceBatch, plan: DonorPlan) -> FloatArray:
    """(N, 2) sizes of the opening in the driver's own frames, in canonical units."""
    points = driver.landmarks_px.cpu().numpy().astype(np.float32)
    theirs = opening_sizes(canonical_shapes(points, fit_pose(points)), plan.opening)
    theirs[~driver.placement.valid] = 1e-3
    return theirs
