"""Finding the faces of a clip, in one pass over its frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import torch

from dpe_toolkit.analysis.devices import Halving
from dpe_toolkit.analysis.pool import guard_plugin
from dpe_toolkit.analysis.prefetch import prefetch
from dpe_toolkit.analysis.progress import ProgressSink
from dpe_toolkit.core.errors import PluginError
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.handover import taken_detections
from dpe_toolkit.editing.protocols import Detector, Landmarker
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


@dataclass(frozen=True, slots=True)
class _Found:
    """The faces of one frame."""

    faces: Detections
    """As they are kept."""
    detected: Detections | None
    """As the detector gave them, which it is shown at the next frame; None where that is not known any more."""


@dataclass(frozen=True, slots=True)
class _Finder:
    """A detector and, where there is one, what gives its faces their landmarks."""

    detector: Detector
    choice: ComponentChoice
    landmark: tuple[Landmarker, ComponentChoice] | None
    clip: str

    def find(self, frames: FrameBatch, before: _Found | None) -> list[_Found]:
        own = None if before is None else before.detected
        span = Span(int(frames.index.min()), int(frames.index.max()) + 1)
        with guard_plugin(self.choice, self.clip, span):
            detected = taken_detections("detect()", self.detector.detect(frames, own), len(frames), own)
        if self.landmark is None:
            return [_Found(one, one) for one in detected]
        landmarker, choice = self.landmark
        with guard_plugin(choice, self.clip, span):
            given = landmarker.landmarks(frames, detected)
            meshes = taken_detections("landmarks()", given, len(frames), None if before is None else before.faces)
        return [_Found(*pair) for pair in zip(meshes, detected, strict=True)]


def guarded_detection(
    detector: Detector,
    choice: ComponentChoice,
    clip: str,
    device: torch.device,
    *,
    landmark: tuple[Landmarker, ComponentChoice] | None = None,
) -> DetectBatch:
    """The detector, with what it returns checked and what it raises told as `PluginError`.

    Where the memory of its device ends it is given fewer frames at once.

    Args:
        detector: finds faces.
        choice: the detector's entry in the plan.
        clip: name for messages.
        device: where they run.
        landmark: what gives the faces their landmarks, and its entry. The detector is then shown its own faces of the
            frame before, where they are at hand: those that are kept have landmarks which are not its own.
    """
    finder = _Finder(detector, choice, landmark, clip)
    halving = Halving(device)
    latest: list[_Found] = []

    def known(previous: Detections) -> _Found:
        if landmark is None:
            return _Found(previous, previous)
        return next((one for one in latest if one.faces is previous), _Found(previous, None))

    def detect(frames: FrameBatch, previous: Detections | None) -> Sequence[Detections]:
        found: list[_Found] = []
        first = None if previous is None else known(previous)

        def some(rows: Span) -> list[_Found]:
            part = frames if len(rows) == len(frames) else frames.take(slice(rows.start, rows.stop))
            return finder.find(part, found[-1] if found else first)

        for faces in halving.pull(Span(0, len(frames)), some):
            found += faces
        latest[:] = found[-1:]
        return [one.faces for one in found]

    return detect


def detect_clip(reader: FrameSource, span: Span, detect: DetectBatch, *, progress: ProgressSink) -> list[Detections]:
    """The faces of each frame of ``span``; frames are prefetched by a thread.

    Raises:
        PluginError: the detector raised or returned something else than its protocol says.
    """
    found: list[Detections] = []
    with prefetch(reader.iterate(span, _BATCH)) as batches:
        for batch in batches:
            found.extend(detect(batch, found[-1] if found else None))
            progress.advanced(len(batch))
    return found


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
                plugin=giver.provider,
            )


def fitting(detect: DetectBatch, giver: ComponentChoice, user: ComponentChoice, clip: str) -> DetectBatch:
    """The same, stopped by `refuse_unfit` at the first batch that does not fit."""

    def checked(frames: FrameBatch, previous: Detections | None) -> Sequence[Detections]:
        found = detect(frames, previous)
        refuse_unfit(found, giver, user, clip)
        return found

    return checked
