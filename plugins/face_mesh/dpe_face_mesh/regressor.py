"""Expression and pose of faces, read differentiably with the bundled networks."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from dpe_face_mesh.options import RegressorOptions
from dpe_face_mesh.torch_port import port_network
from dpe_face_mesh.torch_port.regions import Region, find_regions, region_of
from dpe_toolkit.api import FaceReading, expect_shape
from dpe_toolkit.api.face import (
    BLENDSHAPE_NAMES,
    BLENDSHAPE_VERTICES,
    FACE_WIDTH_CM,
    NUM_MESH_VERTICES,
    canonical_face,
    fit_head_poses,
)

__all__ = ["BLENDSHAPE_SPREADS", "MeshRegressor"]

_BOTH = {
    "browDown": 0.11,
    "browOuterUp": 0.095,
    "eyeBlink": 0.135,
    "eyeSquint": 0.09,
    "eyeWide": 0.05,
    "mouthDimple": 0.05,
    "mouthLowerDown": 0.12,
    "mouthPress": 0.06,
    "mouthSmile": 0.24,
    "mouthStretch": 0.05,
    "mouthUpperUp": 0.155,
}
_ONE = {
    "browInnerUp": 0.1,
    "jawOpen": 0.16,
    "mouthClose": 0.05,
    "mouthFunnel": 0.05,
    "mouthPucker": 0.165,
    "mouthRollLower": 0.105,
    "mouthRollUpper": 0.1,
    "mouthShrugLower": 0.05,
    "mouthShrugUpper": 0.05,
}

BLENDSHAPE_SPREADS = MappingProxyType(
    {name + side: spread for name, spread in _BOTH.items() for side in ("Left", "Right")} | _ONE
)
"""Blendshapes of the vector, in its order, with their usual spread: the deviation within a clip, root mean square
over nine clips of talking, laughing and grimacing people, at least 0.05.

Left out are `_neutral`, the directions of gaze, and those that hardly answer (deviations below 0.015: cheeks,
nose, jaw and mouth sideways, frown).
"""


@dataclass(frozen=True, slots=True)
class VertexGroup:
    """Vertices that move alike, and how far."""

    vertices: tuple[int, ...]
    """Of the 478-vertex mesh."""
    spread_x: float
    """Canonical units, measured as in `BLENDSHAPE_SPREADS`."""
    spread_y: float


SHAPE_SPREADS = (
    VertexGroup((61, 291), 0.33, 0.36),  # mouth corners
    VertexGroup((0, 13, 82, 312), 0.15, 0.3),  # middle of the upper lip
    VertexGroup((14, 17, 87, 317), 0.17, 0.69),  # middle of the lower lip
    VertexGroup((40, 270), 0.26, 0.3),  # sides of the upper lip
    VertexGroup((91, 321), 0.26, 0.49),  # sides of the lower lip
    VertexGroup((152,), 0.23, 0.46),  # chin
    VertexGroup((66, 105, 107, 296, 334, 336), 0.08, 0.14),  # brows
    VertexGroup((159, 386), 0.09, 0.2),  # upper lids
    VertexGroup((145, 374), 0.085, 0.105),  # lower lids
)
"""Vertices of the vector: x and y of each in canonical units over these spreads. Depth is left out, since the
network guesses it. What a person's build adds is a constant of that person."""

EXPRESSION_SIZE = len(BLENDSHAPE_SPREADS) + 2 * sum(len(group.vertices) for group in SHAPE_SPREADS)


class MeshRegressor(nn.Module):
    """Regressor of the bundled face model.

    Source: MediaPipe Face Landmarker model card, Google, 2023, for the networks; the vector is our choice.

    Args:
        options: how much each half of the expression counts.
        device: where it runs.
    """

    def __init__(self, options: RegressorOptions, device: torch.device) -> None:
        super().__init__()
        self.mesh = port_network("face_landmarks_detector")
        self.blendshapes = port_network("face_blendshapes")
        self.detector = port_network("face_detector")
        names = [BLENDSHAPE_NAMES.index(name) for name in BLENDSHAPE_SPREADS]
        vertices = [vertex for group in SHAPE_SPREADS for vertex in group.vertices]
        spreads = [(group.spread_x, group.spread_y) for group in SHAPE_SPREADS for _ in group.vertices]
        activity = options.blendshape_weight / torch.tensor(list(BLENDSHAPE_SPREADS.values()))
        movement = options.shape_weight / torch.tensor(spreads).flatten()
        self.register_buffer("_names", torch.tensor(names))
        self.register_buffer("_vertices", torch.tensor(vertices))
        self.register_buffer("_factors", torch.cat((activity, movement)))
        self.register_buffer("_model", torch.from_numpy(canonical_face().vertices[vertices, :2]))
        self.register_buffer("_inputs", torch.from_numpy(BLENDSHAPE_VERTICES))
        self.to(device)

    @property
    def expression_size(self) -> int:
        """K."""
        return EXPRESSION_SIZE

    def read(self, pictures: Tensor, near_px: Tensor | None = None) -> FaceReading:
        """The reading of each image; see `dpe_toolkit.api.ExpressionRegressor`.

        ``expression`` holds the blendshapes of `BLENDSHAPE_SPREADS`, then x and y of the vertices of
        `SHAPE_SPREADS` as departures from the canonical face, each over its spread. ``place`` is the canonical
        origin, which lies inside the head and moves with no expression, and the width of the canonical face.

        Which part of the image is looked at carries no gradient. Without ``near_px`` the bundled detector
        looks for the face, and the mesh is drawn twice, the second time in the region of the first. Everything is
        reckoned in float32, in mixed precision too.

        Raises:
            ValueError: a shape that does not fit.
        """
        num = expect_shape("pictures", pictures, ("N", 3, "S", "S"))["N"]
        if near_px is not None:
            expect_shape("near_px", near_px[..., :2], (num, NUM_MESH_VERTICES, 2))
        # Half precision would lose the tenths of a pixel that expressions are made of.
        with torch.autocast(pictures.device.type, enabled=False):
            return self._read(pictures.to(self.get_buffer("_factors").dtype), near_px)

    def _read(self, images: Tensor, near_px: Tensor | None) -> FaceReading:
        if near_px is None:
            with torch.no_grad():
                first, _ = self._draw(images, find_regions(images, self.detector))
            near_px = first
        points, score = self._draw(images, region_of(near_px.to(images)))
        return self._reading(points, score, images.shape[3])

    def _draw(self, images: Tensor, region: Region) -> tuple[Tensor, Tensor]:
        """(N, 478, 3) meshes in image pixels and (N,) scores."""
        answer, score = self.mesh(region.cut(images))[:2]
        points = answer.reshape(len(images), NUM_MESH_VERTICES, 3)
        return region.to_image(points), torch.sigmoid(score.reshape(-1))

    def _reading(self, points: Tensor, score: Tensor, side: int) -> FaceReading:
        pose = fit_head_poses(points)
        shape = pose.canonical_shapes(points)
        activities = self.blendshapes(points[:, self.get_buffer("_inputs"), :2])[0]
        moved = shape[:, self.get_buffer("_vertices"), :2] - self.get_buffer("_model")
        parts = (activities[:, self.get_buffer("_names")], moved.flatten(1))
        size = pose.scale * FACE_WIDTH_CM
        return FaceReading(
            expression=torch.cat(parts, dim=1) * self.get_buffer("_factors"),
            pose_deg=pose.angles_deg(),
            place=torch.cat((pose.translation[:, :2], size[:, None]), dim=1) / side,
            shape=shape,
            points_px=points,
            blendshapes=activities,
            score=score,
        )
