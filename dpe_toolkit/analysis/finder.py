"""The faces of footage, everybody at once: for tools that look at footage without a shot to edit."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import torch

from dpe_toolkit.analysis.backward import follow_backward
from dpe_toolkit.analysis.detect import FrameSource, detect_clip, guarded_detection
from dpe_toolkit.analysis.pool import ComponentMaker, ComponentPool
from dpe_toolkit.analysis.progress import NO_PROGRESS, ProgressSink
from dpe_toolkit.analysis.tracks import build_track, find_people
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.stages import DETECTOR
from dpe_toolkit.face.tracks import Detections, FaceTrack
from dpe_toolkit.plans.edit import ComponentChoice

__all__ = ["FaceFinder"]


class FaceFinder:
    """Finds faces with a detector, and follows each person through the frames, as a render does for its shots.

    Args:
        maker: makes the detector: the registry.
        choice: the detector.
        clip: what the work is about, for errors.
        device: where the detector runs; one that lacks what it needs leaves it to the CPU.

    Raises:
        PluginError: the detector cannot be made.
    """

    def __init__(self, maker: ComponentMaker, choice: ComponentChoice, clip: str, device: torch.device) -> None:
        detector = ComponentPool(maker, device).get(DETECTOR, choice, clip)
        self._detect = guarded_detection(detector, choice, clip, device)

    def detect(self, reader: FrameSource, span: Span, *, progress: ProgressSink = NO_PROGRESS) -> list[Detections]:
        """The faces of each frame of ``span``; frames are decoded ahead in a thread.

        Raises:
            MediaError: a frame cannot be read.
            PluginError: the detector raised or broke its contract.
        """
        return detect_clip(reader, span, self._detect, progress=progress)

    def follow(self, reader: FrameSource, span: Span, found: Sequence[Detections], rate: Fraction) -> list[FaceTrack]:
        """Everybody in ``span``, left to right, each through all of its frames.

        Who was found late is looked for in the frames before, which are read again for it. Between sightings a track
        is linear; ``present`` says where its face was seen.

        Args:
            reader: the footage.
            span: its frames: one scene, since nobody is followed over a cut.
            found: the faces of each of them, as `detect` gave them.
            rate: frames a second.

        Raises:
            MediaError: a frame cannot be read.
            PluginError: the detector raised or broke its contract.
        """
        filled = follow_backward(reader, span, found, rate, self._detect)
        tracks = [build_track(person, filled, span) for person in find_people(filled, rate)]
        return sorted(tracks, key=lambda track: float(np.median(track.boxes_px[track.present][:, ::2].mean(axis=1))))
