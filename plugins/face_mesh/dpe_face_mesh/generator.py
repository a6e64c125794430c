"""Generator ``mesh``: the source's own pixels, moved to where the edited mesh says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from dpe_face_mesh.boxes import box_of, same_sized
from dpe_face_mesh.bundle import load_network
from dpe_face_mesh.donors import DonorPlan, closing_share, pick_donors, share_out, shut_share
from dpe_face_mesh.inlay import ColourMatch, Lender, inlay, seam, skin_colour
from dpe_face_mesh.lips import seam_points, tuck_lips
from dpe_face_mesh.motion import mesh_points, poses_of, shapes_of
from dpe_face_mesh.options import GeneratorOptions
from dpe_face_mesh.patches import openings, patches
from dpe_face_mesh.poise import hold_pose, pose_samples
from dpe_face_mesh.softness import softness
from dpe_face_mesh.space import MESH_SPACE
from dpe_face_mesh.warp import backward_map, boxes, map_step, resample, visibility
from dpe_toolkit.api import (
    INNER_LIPS,
    MOUTH_CORNERS,
    Appearance,
    FaceBatch,
    Generated,
    GenerateRequest,
    MotionCode,
    ShotGenerator,
    ShotMaterial,
    canonical_shapes,
    fit_pose,
    rotation_matrix,
)

__all__ = ["MeshEncoder", "MeshGenerator"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
_STILL_PX = 1e-3


class MeshEncoder:
    """The mesh needs no code of looks: the windows are the looks."""

    def encode(self, faces: FaceBatch) -> Appearance:
        """The windows as they are."""
        return Appearance(MESH_SPACE, faces)


class MeshGenerator:
    """Warps the source's window at its native resolution by the movement of the mesh."""

    def __init__(self, options: GeneratorOptions) -> None:
        self._options = options

    @property
    def wants_driver_pixels(self) -> bool:
        """True where the driver may lend the inside of his mouth."""
        return self._options.mouth_from in ("auto", "driver")

    def begin_shot(self, material: ShotMaterial) -> ShotGenerator:
        """Chooses the frames that lend mouth and lids and the driver's colour, and holds the head's pose.

        All windows are fetched at once, since every fetch decodes through the clip.
        """
        codes = material.source.codes
        own, wanted = shapes_of(codes), shapes_of(material.target)
        turns = poses_of(codes)[:, 1:4]
        plans = [pick_donors(patch, own, wanted, turns, self._lendable(material, patch.name)) for patch in patches()]
        donor_rows = np.unique(np.concatenate([plan.rows for plan in plans])).astype(np.int64)
        colour_rows = self._colour_rows(material, plans[0])
        pose_rows = pose_samples(material) if self._options.hold_pose_deg > 0 else donor_rows[:0]
        source = _Album.fetch(material.fetch_source, np.concatenate([donor_rows, colour_rows, pose_rows]))
        # where the driver need not lend, none of his frames is decoded
        lent_rows = np.concatenate([colour_rows, pose_rows]) if len(colour_rows) else colour_rows
        driver = _Album.fetch(material.fetch_driver, _driver_rows(material, lent_rows))
        colour = None
        if source is not None and driver is not None:
            colour = _colour_match(source.take(colour_rows), driver.take(_driver_rows(material, colour_rows)))
        donors = source.take(donor_rows) if source is not None and len(donor_rows) else None
        points = None if donors is None else _window_points(codes.take(donor_rows), donors)
        loan = _Loan(plans, donor_rows, donors, points, colour, _edge_px(material))
        if source is None or not len(pose_rows):
            return _MeshShot(self._options, loan, None)
        windows = source.take(pose_rows)
        shown = None if driver is None else driver.take(_driver_rows(material, pose_rows))
        draw = partial(_draw, _MeshShot(self._options, loan, None), material, windows, shown)
        network = load_network("face_landmarks_detector")
        held = hold_pose(material, windows, draw, network, self._options.hold_pose_deg)
        return _MeshShot(self._options, loan, held)

    def _lendable(self, material: ShotMaterial, name: str) -> npt.NDArray[np.bool_]:
        present = material.source.present
        allowed = self._options.mouth_from in ("auto", "source") if name == "mouth" else self._options.eye_donors
        return present if allowed else np.zeros_like(present)

    def _colour_rows(self, material: ShotMaterial, plan: DonorPlan) -> IntArray:
        """A few rows in which the driver may have to lend, to compare skins; none where he need not."""
        if not self.wants_driver_pixels:
            return np.zeros(0, np.int64)
        needy = np.flatnonzero(plan.needed & material.source.present)
        needy = needy[material.driver.present[_driver_rows(material, needy)]]
        if not len(needy):
            return needy
        return np.asarray(needy[np.unique(np.linspace(0, len(needy) - 1, 3).astype(np.int64))], np.int64)


@dataclass(frozen=True, slots=True)
class _Album:
    """Windows fetched once, to be taken by row."""

    rows: IntArray
    faces: FaceBatch

    @classmethod
    def fetch(cls, fetch: Callable[[IntArray], FaceBatch], rows: IntArray) -> _Album | None:
        """An album of these rows, or None for no rows."""
        unique = np.unique(rows).astype(np.int64)
        return cls(unique, fetch(unique)) if len(unique) else None

    def take(self, rows: IntArray) -> FaceBatch:
        """The windows of these rows, in this order."""
        return self.faces.take(np.searchsorted(self.rows, rows).astype(np.int64))


@dataclass(frozen=True, slots=True)
class _Loan:
    """What is lent to a shot."""

    plans: list[DonorPlan]
    donor_rows: IntArray
    donors: FaceBatch | None
    donor_points: torch.Tensor | None
    driver_colour: ColourMatch | None
    edge_px: int
    """Half the width of the edge of a mouth's matte."""


class _MeshShot:
    """`MeshGenerator` made ready for one shot.

    Args:
        options: the generator's.
        loan: donors and the driver's colour.
        held: codes to show in place of the request's, with the head's apparent pose held; T rows.
    """

    def __init__(self, options: GeneratorOptions, loan: _Loan, held: MotionCode | None) -> None:
        self._options = options
        self._loan = loan
        self._held = held

    def generate(self, request: GenerateRequest) -> Generated:
        """Warped windows with lent mouths and lids; windows whose codes do not change come back as they are."""
        faces = request.source.faces
        codes = request.target_codes if self._held is None else self._held.take(request.rows)
        source, target = _window_points(request.source_codes, faces), _window_points(codes, faces)
        pixels = faces.pixels.clone()
        if not len(faces):
            return Generated(pixels, target)
        window_px = (pixels.shape[3], pixels.shape[2])
        corners = boxes(source, target, window_px)
        # Frames are drawn together where their boxes are of one size, each in its own: as if it were alone.
        sizes = corners[:, 2:] - corners[:, :2]
        for size_px, rows in same_sized(sizes):
            places = corners[rows, :2]
            origin = F.pad(places.to(source.dtype), (0, 1))[:, None]
            part = torch.stack([box_of(faces.pixels[row], at, size_px) for row, at in zip(rows, places, strict=True)])
            some = request if len(rows) == len(faces) else _some(request, rows)
            edited = self._edit(some, part, source[rows] - origin, target[rows] - origin, step=map_step(window_px))
            for row, at, one in zip(rows, places, edited, strict=True):
                box_of(pixels[row], at, size_px).copy_(one)
        return Generated(pixels, target)

    def _edit(
        self, request: GenerateRequest, part: torch.Tensor, source: torch.Tensor, target: torch.Tensor, *, step: int
    ) -> torch.Tensor:
        """The part of the windows that the face can reach, edited."""
        mouth = self._loan.plans[0]
        closing = torch.from_numpy(closing_share(mouth, request.rows)).to(part.device)
        shut = torch.from_numpy(shut_share(mouth, request.rows)).to(part.device)
        turn = torch.from_numpy(rotation_matrix(poses_of(request.source_codes)[:, 1:4])).to(part.device)
        tucked = tuck_lips(source, closing)
        inside = tucked[:, INNER_LIPS].lerp(seam_points(source), shut[:, None, None])
        size_px = (part.shape[3], part.shape[2])
        move = backward_map(tucked, target, visibility(turn), inside, size_px, step=step)
        moved = move.abs().amax(dim=1, keepdim=True) > _STILL_PX
        pixels = torch.where(moved, resample(part, move, mode=self._options.interpolation), part)
        for plan in self._loan.plans:
            grow = shut if plan.patch.hard_edge else torch.zeros_like(shut)
            lenders = self._lenders(plan, request, 1 - grow)
            if bool(grow.any()):
                lenders.append(seam(part, source, grow))
            if lenders:
                pixels = inlay(pixels, target, plan.patch, lenders, grow=grow, edge_px=self._loan.edge_px)
        return pixels

    def _lenders(self, plan: DonorPlan, request: GenerateRequest, share: torch.Tensor) -> list[Lender]:
        """Who lends to one patch of these rows; nobody where its own pixels serve."""
        driver = request.driver_faces
        mouth = plan.patch.hard_edge
        use_driver = mouth and driver is not None and self._loan.driver_colour is not None
        other = _driver_openings(driver, plan) if use_driver and driver is not None else None
        weights = torch.from_numpy(share_out(plan, request.rows, other)).to(share.device) * share[:, None]
        lenders = []
        for number, row in enumerate(plan.rows, start=1):
            place = int(np.searchsorted(self._loan.donor_rows, row))
            donors, points = self._loan.donors, self._loan.donor_points
            if donors is not None and points is not None and bool(weights[:, number].any()):
                one = slice(place, place + 1)
                lenders.append(Lender(donors.pixels[one], points[one], weights[:, number]))
        if use_driver and driver is not None and bool(weights[:, -1].any()):
            colour = self._loan.driver_colour
            lenders.append(Lender(driver.pixels, driver.landmarks_px, weights[:, -1], colour))
        return lenders


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


def _edge_px(material: ShotMaterial) -> int:
    """A sixtieth of the mouth's width, as the shot mostly shows it."""
    left, right = MOUTH_CORNERS
    rest = shapes_of(material.source.neutral)[0]
    width = float(np.linalg.norm(rest[right] - rest[left]) * np.exp(float(material.source.codes.pose[:, 0].median())))
    return max(1, round(width / 60))


def _driver_rows(material: ShotMaterial, rows: IntArray) -> IntArray:
    """The driver's rows nearest to what these rows of the source show."""
    nearest = np.round(material.driver_rows[rows]).astype(np.int64)
    return np.asarray(np.clip(nearest, 0, len(material.driver) - 1), np.int64)


def _colour_match(source: FaceBatch, driver: FaceBatch) -> ColourMatch:
    """From the driver's skin and sharpness to the source's, by what both show of their faces."""
    own = skin_colour(source.pixels, source.landmarks_px)
    theirs = skin_colour(driver.pixels, driver.landmarks_px)
    return ColourMatch((own / theirs.clamp_min(0.02)).clamp(0.4, 2.5), own, softness(source, driver))


def _draw(
    shot: _MeshShot, material: ShotMaterial, windows: FaceBatch, driver: FaceBatch | None, codes: MotionCode
) -> torch.Tensor:
    """What the shot makes of some source windows with these codes."""
    rows = np.asarray(windows.index - material.source.start, np.int64)
    own = material.source.codes.take(rows)
    return shot.generate(GenerateRequest(rows, Appearance(MESH_SPACE, windows), own, codes, driver)).pixels


def _window_points(codes: MotionCode, faces: FaceBatch) -> torch.Tensor:
    """(N, 478, 3) meshes of codes in the pixels of their windows."""
    points = mesh_points(codes)
    points[..., :2] -= faces.placement.to_frame[:, None, :, 2]
    return torch.from_numpy(points).to(faces.pixels.device)


def _driver_openings(driver: FaceBatch, plan: DonorPlan) -> FloatArray:
    """(N, 2) openings of the driver's own frames, in canonical units."""
    points = driver.landmarks_px.cpu().numpy().astype(np.float32)
    theirs = openings(canonical_shapes(points, fit_pose(points)), plan.patch)
    theirs[~driver.placement.valid] = 1e-3
    return theirs
