"""Faces of a frame: detector, mesh and blendshapes, followed from frame to frame by region."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch

from dpe_face_mesh.bundle import ANCHORS, DETECTOR_PX, MESH_PX, REGION_MARGIN, Network, load_networks
from dpe_face_mesh.options import DetectorOptions
from dpe_toolkit.api import Detections, FrameBatch, sample_rgb
from dpe_toolkit.api.face import BLENDSHAPE_NAMES, BLENDSHAPE_VERTICES, EYES, NUM_MESH_VERTICES

__all__ = ["MeshDetector", "mesh_in_image"]

FloatArray = npt.NDArray[np.float32]
_FAR_SHARE = 0.04
"""Movement between two frames, over the region's side, from which a mesh is drawn again and checked."""
_CHECK_EVERY = 5
"""Frames between checks of a face that hardly moves."""
_AGREE_SHARE, _USUAL_DROP = 0.06, 0.03
"""Detections lie 0.03 of the region below the mesh's centre, within 0.035 where the mesh fits (seven clips)."""


@dataclass(frozen=True, slots=True)
class _Region:
    """A rotated square that holds a face."""

    x: float
    y: float
    size: float
    angle: float

    def to_frame(self) -> FloatArray:
        """(2, 3) map from the pixels of the mesh network's input to frame pixels."""
        c, s = (fn(self.angle) * self.size / MESH_PX for fn in (math.cos, math.sin))
        half = MESH_PX / 2
        return np.array([[c, -s, self.x - half * (c - s)], [s, c, self.y - half * (s + c)]], np.float32)


@dataclass(frozen=True, slots=True)
class _Face:
    """A mesh in frame pixels and how sure the network is that it is one."""

    points: FloatArray
    score: float

    @property
    def box(self) -> FloatArray:
        """(4,) xyxy around the mesh."""
        return np.concatenate([self.points[:, :2].min(0), self.points[:, :2].max(0)])


class MeshDetector:
    """Detector of the bundled face model (BlazeFace, attention mesh, blendshapes), on the CPU.

    Source: MediaPipe Face Landmarker model card, Google, 2023. Following by region is the model's own
    scheme; the search in tiles is our choice: the detector sees 128 px, so that a face of a tenth of the
    frame's length is a dozen pixels wide and stays unseen.
    """

    def __init__(self, options: DetectorOptions) -> None:
        self._options = options
        self._detector, self._mesh, self._blendshapes = load_networks(options.num_threads)

    def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
        """The faces of each frame; see `dpe_toolkit.api.Detector`."""
        results: list[Detections] = []
        for row in range(len(frames)):
            previous = self._detect_frame(frames, row, previous)
            results.append(previous)
        return results

    def in_boxes(self, frames: FrameBatch, row: int, boxes_px: FloatArray, angles: FloatArray) -> Detections:
        """The meshes of the faces that somebody else found in one frame; a face that shows none is left out.

        Args:
            frames: the frames.
            row: which of them.
            boxes_px: (M, 4) xyxy in frame pixels.
            angles: (M,) roll of each face in the image, in radians, clockwise.
        """
        faces: list[_Face] = []
        for box, angle in zip(boxes_px, angles, strict=True):
            centre, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
            region = _Region(float(centre[0]), float(centre[1]), float(size.max()) * REGION_MARGIN, float(angle))
            self._keep(faces, self._found(frames, row, region))
        return self._detections(faces)

    def _detect_frame(self, frames: FrameBatch, row: int, previous: Detections | None) -> Detections:
        options = self._options
        faces: list[_Face] = []
        for points in [] if previous is None else previous.landmarks_px:
            self._keep(faces, self._follow(frames, row, _region_of(points)))
        due = previous is None or int(frames.index[row]) % options.search_every == 0
        lost = previous is not None and len(faces) < len(previous)
        if due or lost or not faces:
            for region in self._search(frames, row, tiles=options.small_faces and not faces):
                self._keep(faces, self._found(frames, row, region))
        faces.sort(key=lambda face: -float(np.prod(face.box[2:] - face.box[:2])))
        return self._detections(faces[: options.max_faces])

    def _follow(self, frames: FrameBatch, row: int, before: _Region) -> _Face | None:
        """The face that was in a region one frame ago.

        The mesh network draws a face with a good score where it slid off onto chin or hair. Where the face moved
        far, and every few frames, the detector is asked whether it agrees, and overrules; and a face that moved
        far is drawn again from where it is now.
        """
        face = self._face(frames, row, before)
        if face is None:
            return None
        now = _region_of(face.points)
        moved = math.hypot(now.x - before.x, now.y - before.y) > _FAR_SHARE * now.size
        if not moved and int(frames.index[row]) % _CHECK_EVERY:
            return face
        found = self._search_square(frames, row, (now.x, now.y, now.size * 1.6))
        if not found or _apart(found[0], now) < _AGREE_SHARE:
            return self._face(frames, row, now) if moved else face
        return self._found(frames, row, found[0]) or face

    def _found(self, frames: FrameBatch, row: int, region: _Region) -> _Face | None:
        """The face in a region that the detector gave: the mesh is drawn twice, from its own region the second time."""
        first = self._face(frames, row, region)
        return None if first is None else self._face(frames, row, _region_of(first.points))

    def _keep(self, faces: list[_Face], face: _Face | None) -> None:
        """Adds a face to ``faces`` unless it is one of them already."""
        if face is not None and all(_overlap(face.box, other.box) < 0.3 for other in faces):
            faces.append(face)

    def _face(self, frames: FrameBatch, row: int, region: _Region) -> _Face | None:
        """The mesh in one region, or None where it shows no face."""
        to_frame = region.to_frame()
        outputs = self._mesh(sample_rgb(frames, row, to_frame, (MESH_PX, MESH_PX))[None])
        score = _sigmoid(float(outputs[1].reshape(-1)[0]))
        if score < self._options.keep_score:
            return None
        points = _in_frame(outputs[0], to_frame, region)
        return _Face(points, score)

    def _search(self, frames: FrameBatch, row: int, *, tiles: bool) -> list[_Region]:
        """Faces of the frame; with ``tiles``, where the whole shows none, in overlapping parts of it."""
        width, height = frames.size_px
        found = self._search_square(frames, row, (width / 2, height / 2, float(max(width, height))))
        if found or not tiles:
            return found
        for share in (1.0, 0.6):
            side = min(width, height) * share
            for y in _centres(height, side):
                for x in _centres(width, side):
                    found += self._search_square(frames, row, (x, y, side))
            if found:
                break
        return found

    def _search_square(self, frames: FrameBatch, row: int, square: tuple[float, float, float]) -> list[_Region]:
        """Faces in the square (centre x, centre y, side) of the frame, best first."""
        x, y, side = square
        scale = side / DETECTOR_PX
        to_frame = np.array([[scale, 0, x - side / 2], [0, scale, y - side / 2]], np.float32)
        image = sample_rgb(frames, row, to_frame, (DETECTOR_PX, DETECTOR_PX))
        boxes, logits = self._detector((image * 2 - 1)[None])
        scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -80, 80)))
        regions: list[_Region] = []
        for index in np.argsort(-scores)[:20]:
            if scores[index] < self._options.detect_score:
                break
            answer = boxes[0, index] / DETECTOR_PX
            centre = (answer[:2] + ANCHORS[index]) * side + (x - side / 2, y - side / 2)
            eyes = answer[4:8].reshape(2, 2)
            angle = math.atan2(float(eyes[1, 1] - eyes[0, 1]), float(eyes[1, 0] - eyes[0, 0]))
            region = _Region(float(centre[0]), float(centre[1]), float(answer[2:4].max() * side * REGION_MARGIN), angle)
            if all(math.hypot(region.x - r.x, region.y - r.y) > 0.35 * max(region.size, r.size) for r in regions):
                regions.append(region)
        return regions

    def _detections(self, faces: list[_Face]) -> Detections:
        """The faces with the activities that the blendshape network reads in them."""
        if not faces:
            return Detections.none(NUM_MESH_VERTICES, len(BLENDSHAPE_NAMES))
        points = np.stack([face.points for face in faces])
        activities = [self._blendshapes(mesh[None, BLENDSHAPE_VERTICES, :2])[0].reshape(-1) for mesh in points]
        return Detections(
            np.stack([face.box for face in faces]),
            points,
            np.array([face.score for face in faces], np.float32),
            np.stack(activities),
        )


def mesh_in_image(pixels: torch.Tensor, points: FloatArray, network: Network) -> FloatArray:
    """(478, 3) mesh that the network sees in a window, in window pixels.

    Args:
        pixels: (3, h, w) RGB in [0, 1], on any device.
        points: (478, 3) where the face is about, in window pixels.
        network: the mesh network.
    """
    region = _region_of(points)
    to_frame = region.to_frame()
    matrix = to_frame.astype(np.float64)
    matrix[:, 2] += matrix[:, :2].sum(axis=1) * 0.5 - 0.5
    image = np.ascontiguousarray(pixels.clamp(0, 1).permute(1, 2, 0).cpu().numpy())
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(image, matrix, (MESH_PX, MESH_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return _in_frame(network(np.asarray(crop, np.float32)[None])[0], to_frame, region)


def _in_frame(raw: FloatArray, to_frame: FloatArray, region: _Region) -> FloatArray:
    """The network's (1434,) answer in the pixels that its region was cut from."""
    raw = raw.reshape(NUM_MESH_VERTICES, 3)
    points = np.empty_like(raw)
    points[:, :2] = raw[:, :2] @ to_frame[:, :2].T + to_frame[:, 2]
    points[:, 2] = raw[:, 2] * region.size / MESH_PX
    return points


def _region_of(points: FloatArray) -> _Region:
    """The region in which to look for a face whose mesh is known: upright by its eyes, with a margin."""
    left, right = (eye.corners[0] for eye in EYES)
    across = points[right, :2] - points[left, :2]
    angle = math.atan2(float(across[1]), float(across[0]))
    c, s = math.cos(angle), math.sin(angle)
    rotation = np.array([[c, s], [-s, c]], np.float32)
    upright = points[:, :2] @ rotation.T
    low, high = upright.min(0), upright.max(0)
    centre = rotation.T @ ((low + high) / 2)
    return _Region(float(centre[0]), float(centre[1]), float((high - low).max()) * REGION_MARGIN, angle)


def _apart(found: _Region, followed: _Region) -> float:
    """How far a detection is from where it lies about a mesh that fits, as a share of the region's size."""
    dx, dy = found.x - followed.x, found.y - followed.y
    c, s = math.cos(followed.angle), math.sin(followed.angle)
    return math.hypot(c * dx + s * dy, c * dy - s * dx - _USUAL_DROP * followed.size) / followed.size


def _centres(length: float, side: float) -> list[float]:
    """Centres of tiles of this side that cover the length with half overlap."""
    count = max(1, math.ceil((length - side) / (side * 0.6)) + 1)
    if count == 1:
        return [length / 2]
    return [side / 2 + (length - side) * i / (count - 1) for i in range(count)]


def _overlap(a: FloatArray, b: FloatArray) -> float:
    """Intersection over union of two xyxy boxes."""
    size = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    common = float(size.prod())
    return common / float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common + 1e-9)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(-80.0, min(80.0, value))))
