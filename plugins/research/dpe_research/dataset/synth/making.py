"""Writing a synthetic set: one clip a person, every expression in every pose, in any number of processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from fractions import Fraction
from pathlib import Path

import numpy as np

from dpe_research.dataset.drafts import ClipDraft
from dpe_research.dataset.index import INDEX_NAME, DatasetIndex, read_index
from dpe_research.dataset.motion import ClipMotion
from dpe_research.dataset.synth.identity import sample_identity
from dpe_research.dataset.synth.rendering import SyntheticFace, render_face
from dpe_research.dataset.synth.sampling import sample_expressions, sample_poses
from dpe_research.dataset.synth.settings import SETTINGS_NAME, Person, SynthSettings, keep_settings
from dpe_research.dataset.writing import DatasetWriter
from dpe_toolkit.api import DatasetError

__all__ = ["make_synthetic", "render_person"]

_RATE = Fraction(25)
"""Frames of a grid follow no clock; a rate is part of the format."""


def make_synthetic(
    folder: Path,
    settings: SynthSettings,
    everybody: Sequence[Person],
    *,
    jobs: int = 1,
    advanced: Callable[[int], None] = lambda frames: None,
) -> DatasetIndex:
    """Renders everybody who is not yet in the set, and finishes it.

    A run that is stopped keeps the people it has done. What the folder holds in the end depends neither on ``jobs``
    nor on that.

    Args:
        folder: of the set; made where it is missing.
        settings: what the set shows.
        everybody: from `people`.
        jobs: processes; 1 works in this one.
        advanced: told how many more pictures are there, those of earlier runs included.

    Raises:
        DatasetError: the folder holds something else or a set begun with other settings; a process was killed.
    """
    _refuse_foreign(folder)
    writer = _writer(folder, settings)
    keep_settings(folder, settings)
    missing = [person for person in everybody if not writer.has(person.name)]
    frames = settings.poses * settings.expressions
    advanced((len(everybody) - len(missing)) * frames)
    for _ in (
        _apart(missing, folder, settings, jobs) if jobs > 1 and len(missing) > 1 else _here(missing, writer, settings)
    ):
        advanced(frames)
    return writer.finish()


def render_person(person: Person, settings: SynthSettings) -> Iterator[SyntheticFace]:
    """The person's pictures in the order of frames: all expressions in the first pose, then in the next."""
    identity = sample_identity(person.seed)
    expressions = sample_expressions(person.seed, settings.expressions, repertoire=settings.repertoire)
    poses = sample_poses(person.seed, settings.poses, reach=settings.reach, face_size=settings.face_size)
    for pose in poses:
        for expression in expressions:
            yield render_face(identity, pose, expression, settings.size_px)


def _add(person: Person, writer: DatasetWriter, settings: SynthSettings) -> None:
    faces = list(render_person(person, settings))
    motion = ClipMotion(
        mesh_px=np.stack([face.mesh_px for face in faces]),
        pose_deg=np.stack([face.pose_deg for face in faces]),
        place=np.stack([face.place for face in faces]),
        blendshapes=np.stack([face.blendshapes for face in faces]),
        score=np.ones(len(faces), np.float32),
        extra={"shape": np.stack([face.shape for face in faces])},
    )
    side = float(settings.size_px)
    draft = ClipDraft(
        id=person.name,
        identity=person.name,
        split=person.split,
        rate=_RATE,
        source=f"renderer {settings.renderer}, person {person.seed}",
        box_px=(0.0, 0.0, side, side),
        grid=(settings.poses, settings.expressions),
    )
    writer.add(draft, (face.picture for face in faces), motion)


def _here(missing: Sequence[Person], writer: DatasetWriter, settings: SynthSettings) -> Iterator[None]:
    for person in missing:
        _add(person, writer, settings)
        yield


def _apart(missing: Sequence[Person], folder: Path, settings: SynthSettings, jobs: int) -> Iterator[None]:
    # Spawned: a fork would share the locks of threads that libraries have started.
    context = multiprocessing.get_context("spawn")
    given = (folder, settings.model_dump_json())
    workers = min(jobs, len(missing))
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_process, initargs=given) as pool:
        try:
            for done in as_completed([pool.submit(_add_apart, person) for person in missing]):
                yield done.result()
        except BrokenProcessPool as error:
            raise DatasetError(
                "a process that renders was killed",
                "memory for all of them, about 300 MB each",
                "run the same command again with fewer --jobs; it goes on where it stopped",
                path=folder,
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_process: tuple[DatasetWriter, SynthSettings] | None = None
"""What a process of the pool works with."""


def _begin_process(folder: Path, settings_json: str) -> None:
    # The process that was interrupted ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = SynthSettings.model_validate_json(settings_json)
    global _process  # the one way in which a pool gives a process its own
    _process = (_writer(folder, settings), settings)


def _add_apart(person: Person) -> None:
    assert _process is not None
    writer, settings = _process
    _add(person, writer, settings)


def _writer(folder: Path, settings: SynthSettings) -> DatasetWriter:
    # Lossless: the pictures are truth, and at this size no file is large.
    return DatasetWriter(folder, "synthetic", settings.size_px, pictures="png")


def _refuse_foreign(folder: Path) -> None:
    """Refuses a dataset that was not made here, before anything is written."""
    if (folder / INDEX_NAME).is_file() and not (folder / SETTINGS_NAME).is_file():
        raise DatasetError(
            f"the folder holds a dataset of kind {read_index(folder).kind} that was not rendered",
            "a new or empty folder, or a synthetic set",
            "name another folder",
            path=folder,
        )
