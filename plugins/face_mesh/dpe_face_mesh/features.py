"""Feature maps for a perceptual loss, of the face mesh network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dpe_face_mesh.bundle import MESH_PX
from dpe_face_mesh.torch_port import Graph, PortedNetwork, bundled_graph
from dpe_toolkit.api import expect_shape

__all__ = ["MeshFeatures"]

_USUAL_SIZES = {128: 0.42, 64: 0.7, 32: 0.67, 16: 0.7, 8: 1.44}
"""Side of each map, and the root mean square of its values over 40 crops of ten clips."""


class MeshFeatures(nn.Module):
    """Five maps of the face mesh network, from its edges at 128 pixels to its face parts at 8.

    The network knows faces, lids and lips above all, and little of textures. At each side the last map before
    the next reduction is taken, and divided by its usual size, so that no level drowns the others.

    Source: our choice, in place of the perceptual loss's VGG-19 where its weights cannot be had.

    Args:
        device: where it runs.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        graph = bundled_graph("face_landmarks_detector")
        self.network = PortedNetwork(graph.ending_at(_last_maps(graph))).eval()
        self.to(device)

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Maps (N, C, h, w) of 128, 64, 32, 16 and 8 pixels, of whole images brought to 256.

        Args:
            pictures: (N, 3, S, S) RGB in [0, 1], crops about a face.

        Raises:
            ValueError: a shape that does not fit.
        """
        expect_shape("pictures", pictures, ("N", 3, "S", "S"))
        side = pictures.shape[3]
        if side != MESH_PX:
            size = (MESH_PX, MESH_PX)
            pictures = F.interpolate(pictures, size, mode="bilinear", align_corners=False, antialias=side > MESH_PX)
        return [value / usual for value, usual in zip(self.network(pictures), _USUAL_SIZES.values(), strict=True)]


def _last_maps(graph: Graph) -> tuple[int, ...]:
    """Tensors that activations end in, the last one of each side in use."""
    activations = [operation.output for operation in graph.operations if operation.name == "PRELU"]
    last = {graph.shapes[number][1]: number for number in activations}
    return tuple(last[side] for side in _USUAL_SIZES)
