"""Facts of the bundled detector that its answers are read by."""

from __future__ import annotations

import numpy as np

__all__ = ["ANCHORS", "DETECTOR_PX"]

DETECTOR_PX = 128
"""Side of what the detector sees."""

ANCHORS = np.array(
    [
        ((x + 0.5) / cells, (y + 0.5) / cells)
        for cells, repeats in ((16, 2), (8, 6))
        for y in range(cells)
        for x in range(cells)
        for _ in range(repeats)
    ],
    np.float32,
)
"""(896, 2) cell centres in [0, 1] to which the detector's answers are relative."""
