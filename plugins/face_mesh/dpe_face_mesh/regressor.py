"""Expression and pose of faces, read differentiably with the bundled networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dpe_face_mesh.expression import BLENDSHAPE_SPREADS, EXPRESSION_SIZE, SHAPE_SPREADS
from dpe_face_mesh.options import RegressorOptions
from dpe_face_mesh.torch_port import port_network
from dpe_face_mesh.torch_port.region import Region, region_of
from dpe_face_mesh.torch_port.search import find_regions
from dpe_toolkit.api import (
    BLENDSHAPE_NAMES,
    BLENDSHAPE_VERTICES,
    FACE_WIDTH_CM,
    NUM_MESH_VERTICES,
    FaceReading,
    canonical_face,
    expect_shape,
    fit_head_poses,
)

__all__ = ["MeshRegressor"]


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
        """The reading of each picture; see `dpe_toolkit.api.ExpressionRegressor`.

        ``expression`` holds the blendshapes of `BLENDSHAPE_SPREADS`, then x and y of the vertices of
        `SHAPE_SPREADS` as departures from the canonical face, each over its spread. ``place`` is the canonical
        origin, which lies inside the head and moves with no expression, and the width of the canonical face.

        Which part of the picture is looked at carries no gradient. Without ``near_px`` the bundled detector
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

    def _read(self, pictures: Tensor, near_px: Tensor | None) -> FaceReading:
        if near_px is None:
            with torch.no_grad():
                first, _ = self._draw(pictures, find_regions(pictures, self.detector))
            near_px = first
        points, score = self._draw(pictures, region_of(near_px.to(pictures)))
        return self._reading(points, score, pictures.shape[3])

    def _draw(self, pictures: Tensor, region: Region) -> tuple[Tensor, Tensor]:
        """(N, 478, 3) meshes in picture pixels and (N,) scores."""
        answer, score = self.mesh(region.cut(pictures))[:2]
        points = answer.reshape(len(pictures), NUM_MESH_VERTICES, 3)
        return region.to_picture(points), torch.sigmoid(score.reshape(-1))

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
