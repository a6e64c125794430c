"""Which of several people is the one in a picture, by a component that tells who a face is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from dpe_toolkit.analysis.association import Tracklet
from dpe_toolkit.analysis.choosing import face_boxes
from dpe_toolkit.analysis.detect import DetectBatch, FrameSource, OpenReader
from dpe_toolkit.analysis.pool import guard_plugin
from dpe_toolkit.core.errors import AnalysisError
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.measures import IdentityEmbedder
from dpe_toolkit.face.tracks import Detections
from dpe_toolkit.geometry import upload_window
from dpe_toolkit.plans.edit import ComponentChoice

__all__ = ["most_alike"]

_PICTURE_PX = 224
_MARGIN = 1.6


def most_alike(
    people: Sequence[Tracklet],
    detections: Sequence[Detections],
    focus: Span,
    *,
    reference: Path,
    reader: Callable[[], FrameSource],
    open_reader: OpenReader,
    detect: DetectBatch,
    embedder: IdentityEmbedder,
    choice: ComponentChoice,
    clip: str,
    first_frame: int,
    device: torch.device,
) -> Tracklet | None:
    """The person who looks most like the largest face of a picture; None where nobody is seen in ``focus``.

    Everybody is judged by the frame of the focus in which his face is largest.

    Args:
        people: who is seen.
        detections: of each row.
        focus: rows in which he is chosen.
        reference: the picture, or a film whose first frame counts.
        reader: opens the clip.
        open_reader: opens the picture.
        detect: finds the face in the picture.
        embedder: tells who a face is.
        choice: the embedder's entry in the plan, for messages.
        clip: name for messages.
        first_frame: media frame of row 0.
        device: where the embedder runs.

    Raises:
        AnalysisError: the picture shows no face.
        PluginError: a component raised or broke its contract.
    """
    seen = [one for one in people if any(row in focus for row in one.rows)]
    if not seen:
        return None
    embed = partial(_embed, embedder, choice=choice, clip=clip, device=device)
    wanted = embed(*_largest(reference, open_reader, detect))
    likeness = []
    with reader() as source:
        for one in seen:
            places = [place for place, row in enumerate(one.rows) if row in focus]
            boxes = face_boxes(one, detections, focus)
            best = places[int(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).argmax())]
            row = one.rows[best]
            frame = source.read(Span(first_frame + row, first_frame + row + 1))
            own = embed(frame, detections[row], one.picks[best])
            likeness.append(float((own * wanted).sum()))
    return seen[int(np.argmax(likeness))]


def _largest(reference: Path, open_reader: OpenReader, detect: DetectBatch) -> tuple[FrameBatch, Detections, int]:
    """The picture, its faces, and which of them is the largest."""
    with open_reader(reference) as source:
        picture = source.read(Span(0, 1))
    (faces,) = detect(picture, None)
    if not len(faces):
        raise AnalysisError(
            "no face is found in the reference picture", "a face that can be seen", "choose another", path=reference
        )
    sizes = np.prod(faces.boxes_px[:, 2:] - faces.boxes_px[:, :2], axis=1)
    return picture, faces, int(sizes.argmax())


def _embed(
    embedder: IdentityEmbedder,
    frame: FrameBatch,
    faces: Detections,
    pick: int,
    *,
    choice: ComponentChoice,
    clip: str,
    device: torch.device,
) -> torch.Tensor:
    """(K,) who a face is."""
    left, top, right, bottom = (float(value) for value in faces.boxes_px[pick])
    side = max(2, round(max(right - left, bottom - top) * _MARGIN / 2) * 2)
    origin = np.array([[round(((left + right) - side) / 4) * 2, round(((top + bottom) - side) / 4) * 2]], np.int64)
    points = faces.landmarks_px[pick : pick + 1].copy()
    points[..., :2] -= origin[:, None].astype(np.float32)
    along = [torch.from_numpy(points * np.float32(_PICTURE_PX / side))]
    window, (near,) = upload_window(frame, origin, (side, side), device, along)
    picture = torch.nn.functional.interpolate(window, (_PICTURE_PX, _PICTURE_PX), mode="bilinear", antialias=True)
    with guard_plugin(choice, clip):
        found = embedder.embed(picture.clamp(0, 1), near if near.shape[1] else None)
        if found.ndim != 2 or len(found) != 1:
            raise ValueError(f"embed() gave {tuple(found.shape)} for one picture")
    return found[0]
