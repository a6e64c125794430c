"""An edited shot, made ready: analysed, mapped to its driver, retargeted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.analysis import (
    AnalysisStore,
    ClipAnalysis,
    ClipRequest,
    ComponentPool,
    OpenReader,
    ProgressSink,
    WindowPlan,
    analyse_clip,
    analyse_pair,
    hold_motion,
    hold_track,
    motion_extractor,
    plan_windows,
    slice_motion,
    slice_track,
    window_shape,
)
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.pipeline import retarget
from dpe_toolkit.editing.stages import ENCODER
from dpe_toolkit.face.codes import MixRequest, MotionCode, MotionTrack
from dpe_toolkit.face.regions import REGIONS
from dpe_toolkit.face.tracks import FaceTrack
from dpe_toolkit.plans.edit import EditPlan
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.take import Take
from dpe_toolkit.rendering.amounts import Missing, driver_usable, fade, keyed_rows, keyed_values, source_usable
from dpe_toolkit.rendering.mapping import DriverMap, driver_spans, map_driver

__all__ = ["PreparedShot", "prepare_shot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedShot:
    """Everything that the nodes of a take share, on the CPU.

    Rows are those of the whole take, however little is seen of it.
    """

    shot: Take
    source: MediaPlan
    edit: EditPlan
    track: FaceTrack
    """T rows."""
    motion: MotionTrack
    """T rows."""
    windows: WindowPlan
    driver_track: FaceTrack
    """D rows."""
    driver_motion: MotionTrack
    driver_windows: WindowPlan
    driver_rows: npt.NDArray[np.float64]
    """(T,) position in the driver's rows."""
    amounts: npt.NDArray[np.float64]
    """(T,) cross-fade in [0, 1]; where it is 0 the frame is passed through untouched."""
    request: MixRequest
    target: MotionCode
    """T rows."""
    missing: tuple[Missing, ...]

    def active(self, span: Span) -> npt.NDArray[np.int64]:
        """The rows of ``span`` that are edited at all."""
        return np.flatnonzero(self.amounts[span.start : span.stop] > 0) + span.start


def prepare_shot(
    whole: Take,
    pool: ComponentPool,
    *,
    store: AnalysisStore,
    progress: ProgressSink,
    open_reader: OpenReader,
) -> PreparedShot:
    """The take, whose edit changes something, with source and driver analysed and the motion retargeted.

    Raises:
        AnalysisError: no face where one is needed.
        RenderError: the driver is too short, where the shot calls that an error.
        PluginError: a component raised or broke its contract.
    """
    if whole.edit is None:
        raise ValueError(f"shot {whole.name!r} has nothing to edit")
    edit = whole.edit
    mapping = map_driver(whole, edit, whole.row_rate)
    requests = (_source_request(whole, whole.source, edit), _driver_request(whole, edit, mapping))
    analyse = partial(_analyse, store=store, open_reader=open_reader)
    source, driver = analyse_pair(*requests, pool, analyse=analyse, progress=progress)
    track, motion = _rows_of(whole, source)
    usable, gaps = source_usable(track, edit, whole.row_rate, whole)
    driven, driver_gaps = driver_usable(driver.track, mapping, edit.driver.rate)
    amounts = np.prod([fade(mask, edit.fade_frames) for mask in (usable, driven, mapping.covered)], axis=0)
    amounts *= fade(
        np.ones_like(usable), edit.fade_frames, starts_inside=edit.starts_inside, ends_inside=edit.ends_inside
    )
    amounts *= keyed_rows(edit, len(amounts))
    driver_rows, request = mapping.frames - float(driver.track.index[0]), _mix_request(edit, amounts)
    extractor = motion_extractor(pool, edit.components["motion"], whole.name)
    shown = _shown(driver.motion, driver_rows, mapping.closing)
    target = retarget(extractor, motion, driver.motion, shown, request)
    shape = window_shape(pool.get(ENCODER, edit.components["encoder"], whole.name))
    return PreparedShot(
        shot=whole,
        source=whole.source,
        edit=edit,
        track=track,
        motion=motion,
        windows=plan_windows(track, shape),
        driver_track=driver.track,
        driver_motion=driver.motion,
        driver_windows=plan_windows(driver.track, shape),
        driver_rows=driver_rows,
        amounts=amounts,
        request=request,
        target=target,
        missing=(*gaps, *driver_gaps),
    )


def _analyse(
    request: ClipRequest, pool: ComponentPool, progress: ProgressSink, *, store: AnalysisStore, open_reader: OpenReader
) -> ClipAnalysis:
    return analyse_clip(request, pool, store=store, progress=progress, open_reader=open_reader)


def _rows_of(whole: Take, source: ClipAnalysis) -> tuple[FaceTrack, MotionTrack]:
    """What was found in the source, row by row."""
    shown = whole.source_span.shift(-int(source.track.index[0]))
    track, motion = slice_track(source.track, shown), slice_motion(source.motion, shown)
    if whole.held_rate is None:
        return track, motion
    return hold_track(track, whole.num_frames), hold_motion(motion, whole.num_frames)


def _source_request(whole: Take, media: MediaPlan, edit: EditPlan) -> ClipRequest:
    span, neutral = whole.source_span, edit.source_neutral_frame
    if neutral is not None:
        span = Span(min(span.start, neutral), max(span.stop, neutral + 1))
    return ClipRequest(
        clip=whole.name,
        role="source",
        media=media,
        span=span,
        focus=whole.source_span,
        face=edit.source_face,
        identity=edit.components.get("identity"),
        landmark=edit.components.get("landmark"),
        neutral_frame=neutral,
        detector=edit.components["detector"],
        motion=edit.components["motion"],
    )


def _driver_request(whole: Take, edit: EditPlan, mapping: DriverMap) -> ClipRequest:
    span, used = driver_spans(mapping, edit)
    return ClipRequest(
        clip=whole.name,
        role="driver",
        media=edit.driver,
        span=span,
        focus=used,
        face=edit.driver_face,
        identity=edit.components.get("identity"),
        landmark=edit.components.get("landmark"),
        neutral_frame=edit.driver_neutral_frame,
        detector=edit.components["detector"],
        motion=edit.components["motion"],
    )


def _mix_request(edit: EditPlan, amounts: npt.NDArray[np.float64]) -> MixRequest:
    def single(values: npt.NDArray[np.float64]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float32))

    moving = [region for region in REGIONS if region in edit.keys]
    changing = {region: single(keyed_values(edit, region, len(amounts))) for region in moving}
    return MixRequest(
        single(amounts * keyed_values(edit, "expression", len(amounts))),
        single(amounts * keyed_values(edit, "pose", len(amounts))),
        edit.mode,
        {**dict.fromkeys(REGIONS, 1.0), **edit.regions},
        changing,
    )


def _shown(driver: MotionTrack, rows: npt.NDArray[np.float64], closing: npt.NDArray[np.float64]) -> MotionCode:
    """(T) the driver's codes at each row of the shot, eased into his first frame where a loop closes."""
    shown, first = driver.codes.at(rows), driver.codes.take(slice(0, 1))
    share = shown.pose.new_tensor(closing)[:, None]
    return MotionCode(shown.space, shown.expression.lerp(first.expression, share), shown.pose.lerp(first.pose, share))
