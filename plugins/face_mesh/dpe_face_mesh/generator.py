"""Encoder and generator ``mesh``: what a shot needs beyond its own frames is chosen and fetched before it begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from dpe_face_mesh.bundle import load_network
from dpe_face_mesh.codes import MESH_SPACE, poses_of, shapes_of
from dpe_face_mesh.colour_match import match_colours
from dpe_face_mesh.openings import face_openings
from dpe_face_mesh.options import GeneratorOptions
from dpe_face_mesh.pose_stabilisation import stabilisation_rows, stabilise_pose
from dpe_face_mesh.shot import MeshShot, ShotDonors, window_points
from dpe_face_mesh.texture_donors import DonorPlan, pick_donors
from dpe_toolkit.api import Appearance, FaceBatch, GenerateRequest, MotionCode, ShotGenerator, ShotMaterial
from dpe_toolkit.api.face import MOUTH_CORNERS

__all__ = ["MeshEncoder", "MeshGenerator"]

IntArray = npt.NDArray[np.int64]


class MeshEncoder:
    """The mesh needs no code of looks: the windows are the looks."""

    def encode(self, faces: FaceBatch) -> Appearance:
        """The windows as they are."""
        return Appearance(MESH_SPACE, faces)


class MeshGenerator:
    """Warps the source's window at its native resolution by the movement of the mesh.

    Args:
        options: how pixels are read, and which frames may be texture donors.
    """

    def __init__(self, options: GeneratorOptions) -> None:
        self._options = options

    @property
    def wants_driver_pixels(self) -> bool:
        """True where the driver may be a donor for the inside of the mouth."""
        return self._options.mouth_from in ("auto", "driver")

    def begin_shot(self, material: ShotMaterial) -> ShotGenerator:
        """Picks the texture donors of mouth and lids, matches the driver's colour, and stabilises the head's pose.

        All windows are fetched at once, since every fetch decodes through the clip.
        """
        codes = material.source.codes
        own, wanted = shapes_of(codes), shapes_of(material.target)
        rotations = poses_of(codes)[:, 1:4]
        plans = [
            pick_donors(opening, own, wanted, rotations, self._candidates(material, opening.name))
            for opening in face_openings()
        ]
        donor_rows = np.unique(np.concatenate([plan.rows for plan in plans])).astype(np.int64)
        colour_rows = self._colour_rows(material, plans[0])
        pose_rows = stabilisation_rows(material) if self._options.hold_pose_deg > 0 else donor_rows[:0]
        source = _FetchedWindows.fetch(material.fetch_source, np.concatenate([donor_rows, colour_rows, pose_rows]))
        # where the driver is no donor, none of his frames is decoded
        shown_rows = np.concatenate([colour_rows, pose_rows]) if len(colour_rows) else colour_rows
        driver = _FetchedWindows.fetch(material.fetch_driver, _driver_rows(material, shown_rows))
        colour = None
        if source is not None and driver is not None:
            colour = match_colours(source.take(colour_rows), driver.take(_driver_rows(material, colour_rows)))
        windows = source.take(donor_rows) if source is not None and len(donor_rows) else None
        points = None if windows is None else window_points(codes.take(donor_rows), windows)
        donors = ShotDonors(plans, donor_rows, windows, points, colour, _edge_px(material))
        shot = MeshShot(self._options, donors, None)
        if source is None or not len(pose_rows):
            return shot
        samples = source.take(pose_rows)
        performed = None if driver is None else driver.take(_driver_rows(material, pose_rows))
        draw = partial(_draw, shot, material, samples, performed)
        network = load_network("face_landmarks_detector")
        stable = stabilise_pose(material, samples, draw, network, self._options.hold_pose_deg)
        return MeshShot(self._options, donors, stable)

    def _candidates(self, material: ShotMaterial, opening: str) -> npt.NDArray[np.bool_]:
        """(T,) source rows that may be donors of an opening."""
        present = material.source.present
        allowed = self._options.mouth_from in ("auto", "source") if opening == "mouth" else self._options.eye_donors
        return present if allowed else np.zeros_like(present)

    def _colour_rows(self, material: ShotMaterial, mouth: DonorPlan) -> IntArray:
        """A few rows in which the driver may have to be a donor, to compare skins; none where he need not."""
        if not self.wants_driver_pixels:
            return np.zeros(0, np.int64)
        needy = np.flatnonzero(mouth.needed & material.source.present)
        needy = needy[material.driver.present[_driver_rows(material, needy)]]
        if not len(needy):
            return needy
        return np.asarray(needy[np.unique(np.linspace(0, len(needy) - 1, 3).astype(np.int64))], np.int64)


@dataclass(frozen=True, slots=True)
class _FetchedWindows:
    """Windows fetched once, to be taken by row."""

    rows: IntArray
    """(N,) rows of the clip, ascending."""
    faces: FaceBatch
    """Their windows."""

    @classmethod
    def fetch(cls, fetch: Callable[[IntArray], FaceBatch], rows: IntArray) -> _FetchedWindows | None:
        """The windows of these rows, each once, or None for no rows."""
        unique = np.unique(rows).astype(np.int64)
        return cls(unique, fetch(unique)) if len(unique) else None

    def take(self, rows: IntArray) -> FaceBatch:
        """The windows of these rows, in this order."""
        return self.faces.take(np.searchsorted(self.rows, rows).astype(np.int64))


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


def _draw(
    shot: MeshShot, material: ShotMaterial, windows: FaceBatch, driver: FaceBatch | None, codes: MotionCode
) -> torch.Tensor:
    """What the shot makes of some source windows with these codes."""
    rows = np.asarray(windows.index - material.source.start, np.int64)
    own = material.source.codes.take(rows)
    return shot.generate(GenerateRequest(rows, Appearance(MESH_SPACE, windows), own, codes, driver)).pixels
