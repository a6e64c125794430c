"""What tests and demonstrations need: synthetic clips of a drawn face, and pictures as decoded frames."""

from __future__ import annotations

from dpe_toolkit.testing.burnin import (
    NUM_LANES,
    BurnIn,
    NumberedClip,
    make_numbered_clip,
    numbered_frames,
    numbered_picture,
    read_burn_ins,
)
from dpe_toolkit.testing.clips import ClipSpec, make_clip
from dpe_toolkit.testing.faces import DrawnFace, draw_face, performance
from dpe_toolkit.testing.pictures import (
    LAYOUTS,
    REC709,
    batch_from_rgb,
    burn_frame_number,
    read_frame_number,
)

__all__ = [
    "LAYOUTS",
    "NUM_LANES",
    "REC709",
    "BurnIn",
    "ClipSpec",
    "DrawnFace",
    "NumberedClip",
    "batch_from_rgb",
    "burn_frame_number",
    "draw_face",
    "make_clip",
    "make_numbered_clip",
    "numbered_frames",
    "numbered_picture",
    "performance",
    "read_burn_ins",
    "read_frame_number",
]
