"""Finding the faces of a clip, in one pass over its frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import torch

from dpe_toolkit.analysis.ahead import ahead
from dpe_toolkit.analysis.devices import Halving
from dpe_toolkit.analysis.pool import guard_plugin
from dpe_toolkit.analysis.progress import ProgressSink
from dpe_toolkit.core.errors import PluginError
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.protocols import Detector
from dpe_toolkit.face.tracks import Detections
from dpe_toolkit.plans.edit import ComponentChoice

__all__ = ["DetectBatch", "FrameSource", "OpenReader", "detect_clip", "fitting", "guarded_detection", "refuse_unfit"]

_BATCH = 8


class FrameSource(Protocol):
    """What is asked of a reader: `dpe_toolkit.media.VideoReader` is one."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def read(self, span: Span) -> FrameBatch:
        """These frames, whatever was read before."""
        ...

    def iterate(self, span: Span, size: int) -> Iterator[FrameBatch]:
        """These frames in order, ``size`` at a time."""
        ...


OpenReader = Callable[[Path], FrameSource]
"""Opens a media file for reading."""


DetectBatch = Callable[[FrameBatch, Detections | None], Sequence[Detections]]
"""Gives the faces of each frame of a batch, told those of the frame seen before it."""


def guarded_detection(detector: Detector, choice: ComponentChoice, clip: str, device: torch.device) -> DetectBatch:
    """The detector, with what it returns checked and what it raises told as `PluginError`.

    Where the memory of its device ends it is given fewer frames at once.
    """
    halving = Halving(device)

    def detect(frames: FrameBatch, previous: Detections | None) -> Sequence[Detections]:
        found: list[Detections] = []

        def some(rows: Span) -> list[Detections]:
            part = frames if len(rows) == len(frames) else frames.take(slice(rows.start, rows.stop))
            before = found[-1] if found else previous
            with guard_plugin(choice, clip, Span(int(part.index.min()), int(part.index.max()) + 1)):
                faces = detector.detect(part, before)
                _check(faces, len(part), before)
            return faces

        for faces in halving.pull(Span(0, len(frames)), some):
            found += faces
        return found

    return detect


def detect_clip(reader: FrameSource, span: Span, detect: DetectBatch, *, progress: ProgressSink) -> list[Detections]:
    """The faces of each frame of ``span``; frames are decoded ahead in a thread.

    Raises:
        PluginError: the detector raised or returned something else than its protocol says.
    """
    found: list[Detections] = []
    with ahead(reader.iterate(span, _BATCH)) as batches:
        for batch in batches:
            found.extend(detect(batch, found[-1] if found else None))
            progress.advanced(len(batch))
    return found


def _check(faces: Sequence[Detections], num_frames: int, previous: Detections | None) -> None:
    if len(faces) != num_frames:
        raise ValueError(f"detect() gave {len(faces)} results for {num_frames} frames")
    first = faces[0] if previous is None else previous
    sizes = (first.landmarks_px.shape[1], first.blendshapes.shape[1])
    for one in faces:
        if (one.landmarks_px.shape[1], one.blendshapes.shape[1]) != sizes:
            raise ValueError("detect() changed its number of landmarks or blendshapes between frames")
        for name in ("boxes_px", "landmarks_px", "scores", "blendshapes"):
            if not np.isfinite(getattr(one, name)).all():
                raise ValueError(f"detect() gave {name} that are not finite")


def refuse_unfit(faces: Sequence[Detections], giver: ComponentChoice, user: ComponentChoice, clip: str) -> None:
    """Stops where faces have another number of landmarks or blendshapes than who uses them says it needs.

    Planning compares what is stated; a detector that states nothing is found out here, in the first frames.

    Args:
        faces: what was found.
        giver: who found it, who is named.
        user: the motion extractor, whose needs say a number behind a slash: ``landmarks=mediapipe/478``.
        clip: name for messages.

    Raises:
        PluginError: a number differs.
    """
    for need in user.needs if faces else ():
        subject, _, form = need.partition("=")
        number = form.rpartition("/")[2]
        values = {"landmarks": faces[0].landmarks_px, "blendshapes": faces[0].blendshapes}.get(subject)
        if values is not None and number.isdecimal() and values.shape[1] != int(number):
            raise PluginError(
                f"{giver.kind} {giver.name!r} gives {values.shape[1]} {subject}, "
                f"and {user.kind} {user.name!r} needs {need}",
                f"{number} {subject} of each face",
                f"choose another {giver.kind}, or name a landmark component that gives them, behind a detector",
                clip=clip,
                plugin=f"{giver.plugin} {giver.version}".strip(),
            )


def fitting(detect: DetectBatch, giver: ComponentChoice, user: ComponentChoice, clip: str) -> DetectBatch:
    """The same, stopped by `refuse_unfit` at the first batch that does not fit."""

    def checked(frames: FrameBatch, previous: Detections | None) -> Sequence[Detections]:
        found = detect(frames, previous)
        refuse_unfit(found, giver, user, clip)
        return found

    return checked
