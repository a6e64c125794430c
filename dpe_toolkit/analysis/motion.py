"""Motion codes of a tracked face."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from functools import partial

import numpy as np
import torch

from dpe_toolkit.analysis.detect import FrameSource
from dpe_toolkit.analysis.devices import Halving
from dpe_toolkit.analysis.pool import guard_plugin
from dpe_toolkit.analysis.prefetch import prefetch
from dpe_toolkit.analysis.windows import BLOCK, WindowPlan, cut_faces, place_faces, plan_windows, window_shape
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.handover import taken_codes, taken_motion
from dpe_toolkit.editing.protocols import MotionExtractor
from dpe_toolkit.face.codes import MotionCode, MotionTrack
from dpe_toolkit.face.tracks import FaceBatch, FaceTrack
from dpe_toolkit.plans.edit import ComponentChoice

__all__ = ["extract_motion"]

_BATCH_WITHOUT_PIXELS = 256


def extract_motion(
    track: FaceTrack,
    extractor: MotionExtractor,
    open_frames: Callable[[], AbstractContextManager[FrameSource]],
    *,
    choice: ComponentChoice,
    clip: str,
    rate: Fraction,
    neutral_row: int | None,
    device: torch.device,
) -> MotionTrack:
    """The settled motion of ``track``, on the CPU.

    Pixels are decoded (a second pass over the clip) only for an extractor that needs them: windows can
    be placed only when the whole track is known.

    Raises:
        PluginError: the extractor raised or returned something else than its protocol says.
    """
    span = Span(int(track.index[0]), int(track.index[-1]) + 1)
    parts: list[MotionCode] = []
    with guard_plugin(choice, clip, span):
        windows = plan_windows(track, window_shape(extractor))
        needy = extractor.needs_pixels
        batches = _with_pixels(track, windows, open_frames, device) if needy else _without(track, windows)
        halving = Halving(device)
        for faces in batches:
            parts += halving.pull(Span(0, len(faces)), partial(_extracted, extractor, faces, choice=choice, clip=clip))
        expression = torch.cat([part.expression for part in parts])
        pose = torch.cat([part.pose for part in parts])
        settled = extractor.settle(MotionCode(parts[0].space, expression, pose), track, rate, neutral_row)
        return taken_motion(settled, track)


def _extracted(
    extractor: MotionExtractor, faces: FaceBatch, rows: Span, *, choice: ComponentChoice, clip: str
) -> MotionCode:
    """The codes of some faces of a batch, on the CPU."""
    part = faces if len(rows) == len(faces) else faces.take(np.arange(rows.start, rows.stop))
    with guard_plugin(choice, clip, Span(int(part.index[0]), int(part.index[-1]) + 1)):
        return taken_codes("extract()", extractor.extract(part), len(part))


def _without(track: FaceTrack, windows: WindowPlan) -> Iterator[FaceBatch]:
    for part in Span(0, len(track)).split(_BATCH_WITHOUT_PIXELS):
        rows = np.arange(part.start, part.stop)
        yield place_faces(track, rows, windows.placement(rows))


def _with_pixels(
    track: FaceTrack,
    windows: WindowPlan,
    open_frames: Callable[[], AbstractContextManager[FrameSource]],
    device: torch.device,
) -> Iterator[FaceBatch]:
    span = Span(int(track.index[0]), int(track.index[-1]) + 1)
    done = 0
    with open_frames() as reader, prefetch(reader.iterate(span, BLOCK)) as batches:
        for frames in batches:
            rows = np.arange(done, done + len(frames))
            done += len(frames)
            yield cut_faces(frames, track, rows, windows, device)
