"""The analysis of one clip: which face, where, and how it moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from dpe_toolkit.analysis.association import Tracklet
from dpe_toolkit.analysis.backward import follow_backward
from dpe_toolkit.analysis.choosing import SeenFace, choose_face, describe_person, left_to_right
from dpe_toolkit.analysis.detect import (
    DetectBatch,
    FrameSource,
    OpenReader,
    detect_clip,
    fitting,
    guarded_detection,
    refuse_unfit,
)
from dpe_toolkit.analysis.likeness import most_alike
from dpe_toolkit.analysis.motion import extract_motion
from dpe_toolkit.analysis.pool import ComponentPool, describe_span
from dpe_toolkit.analysis.progress import NO_PROGRESS, ProgressSink
from dpe_toolkit.analysis.store import AnalysisStore, result_key
from dpe_toolkit.analysis.tracks import build_track, find_people
from dpe_toolkit.checkpoint import content_digest
from dpe_toolkit.core.errors import AnalysisError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.stages import DETECTOR, IDENTITY, LANDMARK, MOTION
from dpe_toolkit.face.choice import FaceChoice
from dpe_toolkit.face.codes import MotionTrack
from dpe_toolkit.face.tracks import Detections, FaceTrack
from dpe_toolkit.media import VideoReader, file_digest
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plans.media import MediaPlan

__all__ = ["ClipAnalysis", "ClipRequest", "analyse_clip", "seen_faces"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRequest:
    """What is to be known of one clip."""

    clip: str
    """Name for messages."""
    role: Literal["source", "driver"]
    media: MediaPlan
    span: Span
    """Media frames to look at."""
    detector: ComponentChoice
    motion: ComponentChoice
    landmark: ComponentChoice | None = None
    """What gives the detector's faces their landmarks, where the detector does not."""
    face: FaceChoice = field(default_factory=FaceChoice)
    focus: Span | None = None
    """Media frames, inside ``span``, in which the face is chosen; None for all."""
    identity: ComponentChoice | None = None
    """What tells who a face is, where ``face`` is chosen by a picture."""
    neutral_frame: int | None = None
    """Media frame, inside ``span``, that shows the person at rest; None to estimate it."""


@dataclass(frozen=True, slots=True)
class ClipAnalysis:
    """One person through one clip."""

    track: FaceTrack
    """As detected, gaps bridged; not smoothed: smoothing is the motion extractor's."""
    motion: MotionTrack
    num_people: int
    """How many people the clip shows."""


def analyse_clip(
    request: ClipRequest,
    pool: ComponentPool,
    *,
    store: AnalysisStore | None = None,
    progress: ProgressSink = NO_PROGRESS,
    open_reader: OpenReader = VideoReader,
) -> ClipAnalysis:
    """Track and motion of the face that ``request`` means.

    Detections and motion are kept apart: another smoothing, face or neutral detects nothing again. A
    clip whose result is kept is not opened and no component is made for it.

    Raises:
        AnalysisError: no face is seen in the clip, or not the one asked for.
        MediaError: the clip cannot be read.
        PluginError: a component raised or broke its contract.
    """
    keys = _keys(request)
    progress.started(request.role, request.clip, len(request.span))
    kept = store.load_clip(keys[1]) if store else None
    if kept is None:
        with torch.no_grad():
            kept = _analyse(request, pool, keys, store=store, progress=progress, open_reader=open_reader)
    else:
        progress.advanced(len(request.span))
    progress.finished()
    return ClipAnalysis(*kept)


def _analyse(
    request: ClipRequest,
    pool: ComponentPool,
    keys: tuple[str, str],
    *,
    store: AnalysisStore | None,
    progress: ProgressSink,
    open_reader: OpenReader,
) -> tuple[FaceTrack, MotionTrack, int]:
    detections = _found(request, pool, keys[0], store=store, progress=progress, open_reader=open_reader)
    people = find_people(detections, request.media.rate)
    focus = request.focus or request.span
    person = _choose(request, pool, people, detections, focus=focus.shift(-request.span.start), open_reader=open_reader)
    if person is None:
        raise _no_face(request, len(people))
    track = build_track(person, detections, request.span)
    neutral = request.neutral_frame
    motion = extract_motion(
        track,
        pool.get(MOTION, request.motion, request.clip),
        lambda: open_reader(request.media.path),
        choice=request.motion,
        clip=request.clip,
        rate=request.media.rate,
        neutral_row=None if neutral is None else neutral - request.span.start,
        device=pool.device,
    )
    if store:
        store.save_clip(keys[1], track, motion, len(people))
    return track, motion, len(people)


def _choose(
    request: ClipRequest,
    pool: ComponentPool,
    people: list[Tracklet],
    detections: list[Detections],
    *,
    focus: Span,
    open_reader: OpenReader,
) -> Tracklet | None:
    if request.face.by == "reference" and request.identity is not None:
        return most_alike(
            people,
            detections,
            focus,
            reference=Path(request.face.reference),
            reader=lambda: open_reader(request.media.path),
            open_reader=open_reader,
            detect=_detection(request, pool),
            embedder=pool.get(IDENTITY, request.identity, request.clip),
            choice=request.identity,
            clip=request.clip,
            first_frame=request.span.start,
            device=pool.device,
        )
    size = request.media.width, request.media.height
    return choose_face(people, detections, request.face, focus, picture_px=size, first_frame=request.span.start)


def seen_faces(
    request: ClipRequest,
    pool: ComponentPool,
    *,
    store: AnalysisStore | None = None,
    progress: ProgressSink = NO_PROGRESS,
    open_reader: OpenReader = VideoReader,
) -> list[SeenFace]:
    """Everybody who is seen in the focus of a request, from left to right. What is found is kept as by `analyse_clip`.

    Raises:
        MediaError: the clip cannot be read.
        PluginError: the detector raised or broke its contract.
    """
    progress.started(request.role, request.clip, len(request.span))
    with torch.no_grad():
        detections = _found(request, pool, _keys(request)[0], store=store, progress=progress, open_reader=open_reader)
    progress.finished()
    focus = (request.focus or request.span).shift(-request.span.start)
    people = [one for one in find_people(detections, request.media.rate) if any(row in focus for row in one.rows)]
    size = request.media.width, request.media.height
    return [
        describe_person(one, detections, focus, picture_px=size, first_frame=request.span.start)
        for one in (left_to_right(people, detections, focus) if people else [])
    ]


def _found(
    request: ClipRequest,
    pool: ComponentPool,
    key: str,
    *,
    store: AnalysisStore | None,
    progress: ProgressSink,
    open_reader: OpenReader,
) -> list[Detections]:
    detections = store.load_detections(key, len(request.span)) if store else None
    if detections is None:
        detections = _detect(request, pool, progress, open_reader)
        if store:
            store.save_detections(key, detections)
    else:
        refuse_unfit(detections, request.landmark or request.detector, request.motion, request.clip)
        progress.advanced(len(request.span))
    return detections


def _detect(
    request: ClipRequest, pool: ComponentPool, progress: ProgressSink, open_reader: OpenReader
) -> list[Detections]:
    detect = _detection(request, pool)
    reader: FrameSource = open_reader(request.media.path)
    with reader:
        found = detect_clip(reader, request.span, detect, progress=progress)
        return follow_backward(reader, request.span, found, request.media.rate, detect)


def _detection(request: ClipRequest, pool: ComponentPool) -> DetectBatch:
    clip, landmark = request.clip, request.landmark
    detector = pool.get(DETECTOR, request.detector, clip)
    meshes = None if landmark is None else (pool.get(LANDMARK, landmark, clip), landmark)
    detect = guarded_detection(detector, request.detector, clip, pool.device, landmark=meshes)
    return fitting(detect, landmark or request.detector, request.motion, clip)


def _keys(request: ClipRequest) -> tuple[str, str]:
    found: dict[str, object] = {
        "media": request.media.digest,
        "span": [request.span.start, request.span.stop],
        "detector": _identity(request.detector),
    }
    if request.landmark is not None:
        found["landmark"] = _identity(request.landmark)
    settled = {
        **found,
        "motion": _identity(request.motion),
        "face": request.face.model_dump(exclude={"reference"}),
        "identity": None if request.identity is None else _identity(request.identity),
        "focus": None if request.focus is None else [request.focus.start, request.focus.stop],
        "neutral": request.neutral_frame,
        "rate": str(request.media.rate),
    }
    return result_key("detections", found), result_key("clip", settled)


def _identity(choice: ComponentChoice) -> dict[str, object]:
    named = choice.model_dump(mode="json", include={"name", "plugin", "version", "fingerprint", "options"})
    if choice.weights is None:
        return {**named, "weights": None}
    digest = content_digest if choice.weights.is_dir() else file_digest
    return {**named, "weights": digest(choice.weights)}


def _no_face(request: ClipRequest, num_people: int) -> AnalysisError:
    where = describe_span(request.span)
    if not num_people:
        marked = f", and on which landmark {request.landmark.name!r} finds its points" if request.landmark else ""
        return AnalysisError(
            f"no face was found in the {request.role}'s {where}",
            f"a face that can be seen for a few frames, large enough for the detector{marked}",
            "choose another clip or range, or another detector",
            clip=request.clip,
            path=request.media.path,
        )
    return AnalysisError(
        f"face {request.face.index} is asked for, but the {request.role}'s {where} show {num_people}",
        f"an index from 0 to {num_people - 1}, left to right",
        "correct the choice of face",
        clip=request.clip,
        path=request.media.path,
    )
