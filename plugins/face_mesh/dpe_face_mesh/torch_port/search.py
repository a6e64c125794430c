"""Finding the one face of a picture with the bundled detector, in torch and without gradients."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dpe_face_mesh.anchors import ANCHORS, DETECTOR_PX
from dpe_face_mesh.torch_port.network import PortedNetwork
from dpe_face_mesh.torch_port.region import REGION_MARGIN, Region

__all__ = ["find_regions"]

_LEAST_SCORE = 0.3


@torch.no_grad()
def find_regions(pictures: Tensor, detector: PortedNetwork) -> Region:
    """Where the surest face of each picture is; the whole picture, upright, where none is seen.

    Args:
        pictures: (N, 3, S, S) RGB in [0, 1].
        detector: the bundle's detector, which sees 128 pixels.
    """
    side = float(pictures.shape[3])
    size = (DETECTOR_PX, DETECTOR_PX)
    small = F.interpolate(pictures, size, mode="bilinear", align_corners=False, antialias=True)
    boxes, logits = detector(small * 2 - 1)
    best = logits[:, :, 0].argmax(dim=1)
    rows = torch.arange(len(pictures), device=pictures.device)
    found = (torch.sigmoid(logits[rows, best, 0]) >= _LEAST_SCORE)[:, None]
    answer = boxes[rows, best] / DETECTOR_PX
    centre = (answer[:, :2] + torch.from_numpy(ANCHORS).to(answer)[best]) * side
    size_px = answer[:, 2:4].amax(dim=1) * side * REGION_MARGIN
    across = answer[:, 6:8] - answer[:, 4:6]
    angle = torch.atan2(across[:, 1], across[:, 0])
    whole = torch.full_like(size_px, side)
    return Region(
        torch.where(found, centre, side / 2),
        torch.where(found[:, 0], size_px.clamp_min(1), whole),
        torch.where(found[:, 0], angle, 0.0),
    )
