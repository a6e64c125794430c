"""Results kept between renders, found again by the content of what they were made from.

One safetensors file a result, named by the digest of everything that it depends on. A file that cannot
be read, or is of another schema, counts as absent: the work is done again and the file replaced.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from dpe_toolkit.core.files import write_bytes
from dpe_toolkit.face.codes import CodePart, CodeSpace, MotionCode, MotionTrack
from dpe_toolkit.face.tracks import Detections, FaceTrack, FloatArray

__all__ = ["STORE_SCHEMA", "AnalysisStore", "result_key"]

STORE_SCHEMA = 3
"""Raised when files mean something else; part of every key."""

_log = logging.getLogger(__name__)
_Arrays = dict[str, npt.NDArray[np.generic]]
T = TypeVar("T")
S = TypeVar("S", bound=np.generic)


def result_key(kind: str, parts: Mapping[str, object]) -> str:
    """Digest of everything that a result depends on."""
    text = json.dumps({"schema": STORE_SCHEMA, "kind": kind, **parts}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class AnalysisStore:
    """A folder of results. It is made when the first one is kept.

    A folder that cannot be written costs time, not the render: it is logged and nothing is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load_detections(self, key: str, num_frames: int) -> list[Detections] | None:
        """The faces of each frame, None where they are not kept."""

        def build(arrays: _Arrays, notes: Mapping[str, str]) -> list[Detections]:
            ends = np.cumsum(_of(arrays, "counts", np.int64))
            if len(ends) != num_frames or (num_frames and int(ends[-1]) != len(arrays["scores"])):
                raise ValueError("counts do not fit")
            columns = [_floats(arrays, name) for name in _DETECTION_FIELDS]
            starts = ends - _of(arrays, "counts", np.int64)
            return [Detections(*(column[a:b] for column in columns)) for a, b in zip(starts, ends, strict=True)]

        return self._load(key, build)

    def save_detections(self, key: str, detections: Sequence[Detections]) -> None:
        """Keeps the faces of each frame."""
        arrays: _Arrays = {"counts": np.array([len(one) for one in detections], np.int64)}
        for name in _DETECTION_FIELDS:
            arrays[name] = np.concatenate([getattr(one, name) for one in detections]).astype(np.float32)
        self._save(key, arrays, {})

    def load_clip(self, key: str) -> tuple[FaceTrack, MotionTrack, int] | None:
        """Track, motion and number of people, None where they are not kept."""

        def build(arrays: _Arrays, notes: Mapping[str, str]) -> tuple[FaceTrack, MotionTrack, int]:
            track = FaceTrack(
                index=_of(arrays, "track.index", np.int64),
                boxes_px=_floats(arrays, "track.boxes_px"),
                landmarks_px=_floats(arrays, "track.landmarks_px"),
                scores=_floats(arrays, "track.scores"),
                present=_of(arrays, "track.present", np.bool_),
                blendshapes=_floats(arrays, "track.blendshapes"),
            )
            space = _space(json.loads(notes["space"]))
            motion = MotionTrack(
                _codes(arrays, space, "codes"),
                _codes(arrays, space, "neutral"),
                _of(arrays, "motion.present", np.bool_),
                _floats(arrays, "motion.blendshapes"),
                int(notes["start"]),
            )
            if not len(motion) == len(track) == len(motion.present) == len(motion.blendshapes):
                raise ValueError("lengths do not fit")
            return track, motion, int(notes["num_people"])

        return self._load(key, build)

    def save_clip(self, key: str, track: FaceTrack, motion: MotionTrack, num_people: int) -> None:
        """Keeps track and motion; the codes lie on the CPU."""
        arrays: _Arrays = {f"track.{name}": getattr(track, name) for name in _TRACK_FIELDS}
        for name, codes in (("codes", motion.codes), ("neutral", motion.neutral)):
            arrays[f"{name}.expression"] = codes.expression.numpy()
            arrays[f"{name}.pose"] = codes.pose.numpy()
        arrays["motion.present"] = motion.present
        arrays["motion.blendshapes"] = motion.blendshapes
        notes = {
            "space": json.dumps(asdict(motion.codes.space)),
            "start": str(motion.start),
            "num_people": str(num_people),
        }
        self._save(key, arrays, notes)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key[:40]}.safetensors"

    def _load(self, key: str, build: Callable[[_Arrays, Mapping[str, str]], T]) -> T | None:
        path = self._path(key)
        try:
            with safe_open(path, framework="np") as file:
                notes = file.metadata() or {}
                if notes.get("key") != key:
                    raise ValueError("it holds another result")
                return build({name: file.get_tensor(name) for name in file.keys()}, notes)  # noqa: SIM118 # no mapping
        except FileNotFoundError:
            return None
        except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
            _log.warning("stored analysis %s cannot be used (%s): the clip is analysed again", path, error)
            return None

    def _save(self, key: str, arrays: _Arrays, notes: Mapping[str, str]) -> None:
        path = self._path(key)
        content = save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, {**notes, "key": key})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_bytes(path, content, mode=0o600)  # Measurements of people's faces: for their user alone.
        except OSError as error:
            _log.warning("analysis cannot be kept in %s (%s): the next render does it again", self.folder, error)


_DETECTION_FIELDS = ("boxes_px", "landmarks_px", "scores", "blendshapes")
_TRACK_FIELDS = ("index", "boxes_px", "landmarks_px", "scores", "present", "blendshapes")


def _of(arrays: _Arrays, name: str, kind: type[S]) -> npt.NDArray[S]:
    array = arrays[name]
    if array.dtype != np.dtype(kind):
        raise ValueError(f"{name} is {array.dtype}")
    return cast("npt.NDArray[S]", array)


def _floats(arrays: _Arrays, name: str) -> FloatArray:
    array = _of(arrays, name, np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is not finite")
    return array


def _space(values: dict[str, Any]) -> CodeSpace:
    parts = tuple(CodePart(**{**part, "shape": tuple(part["shape"])}) for part in values.pop("parts"))
    return CodeSpace(**values, parts=parts)


def _codes(arrays: _Arrays, space: CodeSpace, name: str) -> MotionCode:
    expression, pose = (torch.from_numpy(_floats(arrays, f"{name}.{part}")) for part in ("expression", "pose"))
    return MotionCode(space, expression, pose)
