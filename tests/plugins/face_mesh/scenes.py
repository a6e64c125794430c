"""Faces for the tests of face_mesh: a canonical shape that can be moved, and two short real clips."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache

import cv2
import numpy as np
import numpy.typing as npt
import torch
from skimage import data

from dpe_face_mesh.codes import MESH_SPACE
from dpe_face_mesh.detector import MeshDetector
from dpe_face_mesh.generator import MeshEncoder, MeshGenerator
from dpe_face_mesh.motion import MeshMotion
from dpe_face_mesh.options import DetectorOptions, GeneratorOptions, MotionOptions
from dpe_toolkit.analysis.windows import WindowPlan, cut_faces, plan_windows
from dpe_toolkit.api import (
    FaceBatch,
    FaceTrack,
    FrameBatch,
    Generated,
    GenerateRequest,
    MixRequest,
    MotionCode,
    MotionTrack,
    Placement,
    ShotGenerator,
    ShotMaterial,
    Span,
    full_rgb,
)
from dpe_toolkit.api.face import EYES, INNER_LIP_PAIRS, NUM_MESH_VERTICES, Eye, canonical_face, place_shapes
from dpe_toolkit.media import VideoReader
from dpe_toolkit.testing.demo import SIZE_PX, find_carphone, push_in
from dpe_toolkit.testing.pictures import RgbPicture, batch_from_rgb

FloatArray = npt.NDArray[np.float32]
RATE = Fraction(25)
NUM_FRAMES = 10


def rest_shape() -> FloatArray:
    """(478, 3) the canonical face, with irises in its eyes."""
    shape = np.zeros((NUM_MESH_VERTICES, 3), np.float32)
    shape[:468] = canonical_face().vertices
    around = np.array([[0, 0, 0], [0.5, 0, 0], [0, -0.5, 0], [-0.5, 0, 0], [0, 0.5, 0]], np.float32)
    for eye in EYES:
        shape[eye.iris] = shape[eye.ring].mean(axis=0) + around
    return shape


def with_mouth(shape: FloatArray, gap: float) -> FloatArray:
    """The shape with every pair of inner lip vertices ``gap`` apart."""
    upper, lower = INNER_LIP_PAIRS.T
    moved = shape.copy()
    moved[..., lower, :] = moved[..., upper, :] + np.array([0, gap, 0], np.float32)
    return moved


def with_lids(shape: FloatArray, share: float, eye: Eye) -> FloatArray:
    """The shape with the upper lid at ``share`` of its distance to the lower."""
    upper, lower = eye.lid_pairs.T
    moved = shape.copy()
    moved[..., upper, :] = moved[..., lower, :] + share * (moved[..., upper, :] - moved[..., lower, :])
    return moved


def lid_gap(shapes: FloatArray, eye: Eye) -> FloatArray:
    upper, lower = eye.lid_pairs.T
    return np.asarray(np.linalg.norm(shapes[..., lower, :] - shapes[..., upper, :], axis=-1).mean(axis=-1))


def pose_of(size: float, centre: tuple[float, float], turn: tuple[float, float, float] = (0, 0, 0)) -> FloatArray:
    """(1, 7) a head of ``size`` pixels a canonical unit."""
    return np.array([[np.log(size), *turn, *centre, 0]], np.float32)


def mesh(size: float, centre: tuple[float, float], turn: tuple[float, float, float] = (0, 0, 0)) -> torch.Tensor:
    """(1, 478, 3) the canonical face in the pixels of a window."""
    return torch.from_numpy(place_shapes(rest_shape()[None], pose_of(size, centre, turn)))


def code(shapes: FloatArray, pose: FloatArray | None = None) -> MotionCode:
    """Codes of (T, 478, 3) shapes, all in one pose unless (T, 7) are given."""
    poses = np.repeat(pose_of(10, (100, 100)), len(shapes), axis=0) if pose is None else pose
    return MotionCode(MESH_SPACE, torch.from_numpy(shapes.reshape(len(shapes), -1).copy()), torch.from_numpy(poses))


def motion_track(shapes: FloatArray, neutral: FloatArray | None = None, pose: FloatArray | None = None) -> MotionTrack:
    rest = rest_shape() if neutral is None else neutral
    blendshapes = np.zeros((len(shapes), 52), np.float32)
    return MotionTrack(code(shapes, pose), code(rest[None]), np.ones(len(shapes), bool), blendshapes, 0)


def request_of(num: int, expression: float | FloatArray = 1.0, pose: float = 0.0, **more: object) -> MixRequest:
    amount = torch.from_numpy(np.broadcast_to(np.asarray(expression, np.float32), (num,)).copy())
    return MixRequest(amount, torch.full((num,), pose), **more)  # type: ignore[arg-type] # fields by name


@lru_cache(maxsize=1)
def detector() -> MeshDetector:
    return MeshDetector(DetectorOptions(num_threads=1))


@lru_cache(maxsize=1)
def astronaut() -> RgbPicture:
    return np.ascontiguousarray(data.astronaut())


@dataclass(frozen=True)
class Clip:
    """A few frames with one face."""

    frames: FrameBatch
    track: FaceTrack
    motion: MotionTrack

    @classmethod
    def of(cls, frames: FrameBatch) -> Clip:
        found = detector().detect(frames, None)
        values = {
            name: np.stack([getattr(one, name)[0] for one in found])
            for name in ("boxes_px", "landmarks_px", "scores", "blendshapes")
        }
        track = FaceTrack(index=frames.index, present=np.ones(len(found), bool), **values)
        extractor = MeshMotion(MotionOptions(relax_neutral=False))
        corners = np.tile(np.eye(2, 3, dtype=np.float32), (len(found), 1, 1))
        whole = FaceBatch(
            torch.zeros(len(found), 3, 0, 0),
            Placement(corners, frames.size_px, track.present),
            torch.from_numpy(track.landmarks_px),
            torch.from_numpy(track.blendshapes),
            track.index,
        )
        return cls(frames, track, extractor.settle(extractor.extract(whole), track, frames.rate, None))

    @cached_property
    def windows(self) -> WindowPlan:
        return plan_windows(self.track)

    def faces(self, rows: npt.NDArray[np.int64]) -> FaceBatch:
        return cut_faces(self.frames.take(rows), self.track, rows, self.windows)


@lru_cache(maxsize=1)
def source_clip() -> Clip:
    """The photograph, filmed with a push-in."""
    views = np.stack([push_in(astronaut(), 4 * frame) for frame in range(NUM_FRAMES)])
    return Clip.of(batch_from_rgb(views, rate=RATE))


@lru_cache(maxsize=1)
def driver_clip() -> Clip:
    """A man who talks."""
    with VideoReader(find_carphone()) as reader:
        # The enlargement below makes its pixels square.
        frames = replace(reader.read(Span(0, NUM_FRAMES)), pixel_aspect=Fraction(1))
    pictures = [cv2.resize(full_rgb(frames, row), SIZE_PX, interpolation=cv2.INTER_CUBIC) for row in range(NUM_FRAMES)]
    return Clip.of(batch_from_rgb(np.stack(pictures).astype(np.uint8), rate=RATE))


@dataclass(frozen=True)
class Edit:
    """The source with target codes, made ready."""

    material: ShotMaterial
    shot: ShotGenerator

    @classmethod
    def of(
        cls,
        target: MotionCode,
        request: MixRequest,
        options: GeneratorOptions,
        *,
        source: Clip | None = None,
        source_motion: MotionTrack | None = None,
    ) -> Edit:
        own, driver = source or source_clip(), driver_clip()
        material = ShotMaterial(
            source_motion or own.motion,
            driver.motion,
            np.arange(len(target), dtype=np.float64),
            target,
            request,
            own.faces,
            driver.faces,
        )
        return cls(material, MeshGenerator(options).begin_shot(material))

    def generate(self, rows: list[int]) -> tuple[FaceBatch, Generated]:
        """Source windows of these rows and what they became."""
        places = np.array(rows, np.int64)
        faces = self.material.fetch_source(places)
        request = GenerateRequest(
            places,
            MeshEncoder().encode(faces),
            self.material.source.codes.take(places),
            self.material.target.take(places),
            self.material.fetch_driver(places),
        )
        return faces, self.shot.generate(request)


def mixed(request: MixRequest, source: MotionTrack | None = None) -> MotionCode:
    """The source's codes with the driver's expression."""
    own, driver = source or source_clip().motion, driver_clip().motion
    return MeshMotion(MotionOptions()).mix(own, driver, driver.codes, request)
