"""The work on one stretch: find the people, choose the clips, cut them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

import numpy as np
import torch

from dpe_research.dataset.candidates import Candidate, Refusal, face_boxes, find_candidates
from dpe_research.dataset.cropping import blur_of, crop_frames, motion_in_box, read_pose
from dpe_research.dataset.cuts import WatchedReader, find_cuts, scenes_of
from dpe_research.dataset.drafts import ClipDraft
from dpe_research.dataset.index import DroppedClip
from dpe_research.dataset.settings import BuildSettings
from dpe_research.dataset.stretches import Stretch, StretchReport
from dpe_research.dataset.writing import DatasetWriter
from dpe_toolkit.api import ComponentContext, ExpressionRegressor, FaceTrack, MediaError, Span
from dpe_toolkit.api.components import ComponentMaker
from dpe_toolkit.api.face import head_pose
from dpe_toolkit.api.footage import FaceFinder, FrameSource, OpenReader, VideoReader, slice_track

__all__ = ["ClipCutter"]


class ClipCutter:
    """Turns stretches into clips of a dataset. One is made for each process.

    Args:
        maker: the registry.
        settings: what is asked for.
        writer: where clips go.
        open_reader: opens footage.
    """

    def __init__(
        self,
        maker: ComponentMaker,
        settings: BuildSettings,
        writer: DatasetWriter,
        open_reader: OpenReader = VideoReader,
    ) -> None:
        self._settings = settings
        self._writer = writer
        self._open_reader = open_reader
        device = torch.device("cpu")
        self._finder = FaceFinder(maker, settings.detector, "dataset", device)
        self._regressor: ExpressionRegressor | None = None
        if settings.regressor is not None:
            made = maker.create(settings.regressor, ComponentContext(device, settings.regressor.weights))
            self._regressor = cast("ExpressionRegressor", made)

    def work(self, stretch: Stretch, advanced: Callable[[int], None]) -> StretchReport:
        """What became of a stretch; its clips are in the writer.

        Args:
            stretch: the footage.
            advanced: told how many more frames were looked at; what it raises ends the work.

        Raises:
            PluginError: a component raised or broke its contract.
        """
        clips: list[str] = []
        dropped: list[DroppedClip] = []
        people = scenes = 0
        try:
            with WatchedReader(self._open_reader(stretch.path)) as reader:
                found = self._finder.detect(reader, stretch.span, progress=_Told(advanced))
                for scene in scenes_of(find_cuts(reader.thumbs), len(stretch.span)):
                    scenes += 1
                    span, seen = scene.shift(stretch.span.start), found[scene.start : scene.stop]
                    tracks = self._finder.follow(reader, span, seen, stretch.rate)
                    people += len(tracks)
                    for person, outcome in _choose(stretch, scene, tracks, self._settings):
                        left = self._keep(reader, stretch, person, outcome, clips)
                        if left is not None:
                            dropped.append(_dropped(stretch, left, person, len(dropped)))
        except MediaError as error:
            frame = stretch.span.start if error.frame is None else error.frame
            lost = Refusal(Span(0, len(stretch.span)), "unreadable", f"frame {frame}: {error.wrong}")
            dropped.append(_dropped(stretch, lost, 0, len(dropped)))
        return StretchReport(
            key=stretch.key,
            source=stretch.path.name,
            start=stretch.span.start,
            stop=stretch.span.stop,
            people=people,
            scenes=scenes,
            clips=tuple(clips),
            dropped=tuple(dropped),
        )

    def _keep(
        self, reader: FrameSource, stretch: Stretch, person: int, outcome: Candidate | Refusal, clips: list[str]
    ) -> Refusal | None:
        """Adds a candidate to the dataset and its id to ``clips``; gives what is dropped."""
        if isinstance(outcome, Refusal):
            return outcome
        settings, span = self._settings, outcome.rows.shift(stretch.span.start)
        clip = f"{stretch.name}-{span.start:06d}" + (f"-p{person + 1}" if person else "")
        if not self._writer.has(clip):
            pictures = crop_frames(reader, span, outcome.box_px, settings.size_px)
            motion = motion_in_box(outcome.track, outcome.box_px, settings.size_px)
            blur = blur_of(pictures, motion)
            if blur > settings.max_blur:
                return Refusal(outcome.rows, "blurred", f"blur {blur:.2f}; at most {settings.max_blur:g}")
            if self._regressor is not None and settings.regressor is not None:
                motion = read_pose(self._regressor, settings.regressor, clip, pictures, motion)
            draft = ClipDraft(
                id=clip,
                identity=_identity(stretch, person),
                split=stretch.split,
                rate=stretch.rate,
                source=stretch.path.name,
                source_start=span.start,
                box_px=outcome.box_px,
            )
            self._writer.add(draft, pictures, motion)
        clips.append(clip)
        return None


class _Told:
    """A progress sink that passes frames on."""

    def __init__(self, advanced: Callable[[int], None]) -> None:
        self.advanced = advanced

    def started(self, stage: str, name: str, num_frames: int) -> None:
        """Ignored."""

    def finished(self) -> None:
        """Ignored."""


def _choose(
    stretch: Stretch, scene: Span, tracks: Sequence[FaceTrack], settings: BuildSettings
) -> Iterator[tuple[int, Candidate | Refusal]]:
    """Candidates and refusals of everybody who is meant, with the person's number; rows are those of the stretch."""
    meant = list(range(len(tracks))) if stretch.box_px is None else _meant(tracks, stretch.box_px)
    empty = np.ones(len(scene), np.bool_)
    for person in meant:
        seen = np.flatnonzero(tracks[person].present)
        rows = Span(int(seen[0]), int(seen[-1]) + 1)
        empty[rows.start : rows.stop] = False
        track = slice_track(tracks[person], rows)
        others = [slice_track(other, rows) for other in tracks if other is not tracks[person]]
        pose, _ = head_pose(track.landmarks_px, 1.0)
        edges = (
            _edge(rows.start == 0, scene.start == 0),
            _edge(rows.stop == len(scene), scene.stop == len(stretch.span)),
        )
        number = person if stretch.box_px is None else 0
        for one in find_candidates(track, pose, others, stretch.frame_px, settings, edges=edges):
            moved = one.rows.shift(rows.start + scene.start)
            if isinstance(one, Candidate):
                yield number, Candidate(moved, one.track, one.box_px)
            else:
                yield number, Refusal(moved, one.reason, one.detail)
    where = "" if stretch.box_px is None else " where the list says"
    for rows in _runs(empty):
        yield 0, Refusal(rows.shift(scene.start), "no-face", f"nobody is seen{where} in {len(rows)} frames")


def _edge(of_scene: bool, of_stretch: bool) -> str:
    """What bounds a track: the scene's end, or that the face comes or goes inside it."""
    return ("end" if of_stretch else "cut") if of_scene else "face-lost"


def _meant(tracks: Sequence[FaceTrack], box_px: tuple[float, float, float, float]) -> list[int]:
    """The one person who is most in the box; none where nobody is."""
    counts: list[int] = []
    for track in tracks:
        middle = face_boxes(track).reshape(-1, 2, 2).mean(axis=1)
        inside = ((middle >= box_px[:2]) & (middle <= box_px[2:])).all(axis=1) & track.present
        counts.append(int(inside.sum()))
    best = int(np.argmax(counts)) if counts else 0
    return [best] if counts and counts[best] else []


def _runs(mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[Span]:
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    return [Span(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def _identity(stretch: Stretch, person: int) -> str:
    """A second person of a video is somebody else, and stays in the split of the first."""
    return stretch.identity if not person else f"{stretch.identity}#{person + 1}"


def _dropped(stretch: Stretch, left: Refusal, person: int, number: int) -> DroppedClip:
    return DroppedClip(
        id=f"{stretch.key}-x{number}",
        identity=_identity(stretch, person),
        source=stretch.path.name,
        source_start=stretch.span.start + left.rows.start,
        num_frames=len(left.rows),
        reason=left.reason,
        detail=left.detail[:400],
    )
