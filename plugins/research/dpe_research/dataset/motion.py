"""What the face of a clip does, frame by frame, and where each frame's picture lies: ``motion/<clip>.npz``."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from dpe_toolkit.api import DatasetError, expect_shape

__all__ = ["ClipMotion", "FramePlaces", "motion_bytes", "read_motion", "read_places"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
_SHAPES: dict[str, tuple[str | int, ...]] = {
    "mesh_px": ("T", "V", 3),
    "pose_deg": ("T", 3),
    "place": ("T", 3),
    "blendshapes": ("T", "B"),
    "score": ("T",),
}
_EXTRA = "extra_"
_EXTRA_NAME = re.compile(r"^[a-z0-9][a-z0-9_]{0,60}$")
# The date that zip files begin with: the same arrays give the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ClipMotion:
    """One face through T frames. Signs and units are those of `dpe_toolkit.editing.measures.FaceReading`."""

    mesh_px: FloatArray
    """(T, V, 3) float32 vertices in pixels of the clip's pictures, z in the same scale, nearer is smaller."""
    pose_deg: FloatArray
    """(T, 3) float32 yaw, pitch, roll in degrees; positive turns to the picture's right, up, clockwise."""
    place: FloatArray
    """(T, 3) float32 centre x and y and size of the head, in shares of the picture's width."""
    blendshapes: FloatArray
    """(T, B) float32 activities in [0, 1]; B may be 0."""
    score: FloatArray
    """(T,) float32 in [0, 1], how sure the detector is; 0 where the face was not seen and its mesh is bridged."""
    extra: Mapping[str, npt.NDArray[np.generic]] = field(default_factory=dict)
    """Further truth by name, each numeric and (T, ...): what a synthetic clip was drawn from."""

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        for name, pattern in _SHAPES.items():
            sizes = expect_shape(name, getattr(self, name), pattern, sizes)
        for name, array in self.extra.items():
            if not _EXTRA_NAME.match(name):
                raise ValueError(f"extra arrays are named in lower case letters, digits and _, got {name!r}")
            if array.dtype.kind not in "biuf" or array.shape[:1] != (len(self),):
                raise ValueError(f"extra array {name!r} is {array.dtype} {array.shape}, not ({len(self)}, ...) numbers")

    def __len__(self) -> int:
        return len(self.score)


@dataclass(frozen=True, slots=True)
class FramePlaces:
    """Where the T pictures of a clip lie in its shard."""

    offsets: IntArray
    """(T,) position of each picture's first byte."""
    lengths: IntArray
    """(T,) bytes of each picture."""


def motion_bytes(motion: ClipMotion, places: FramePlaces) -> bytes:
    """The content of a motion file, uncompressed; the same arrays always give the same bytes."""
    arrays: dict[str, npt.NDArray[np.generic]] = {
        name: np.asarray(getattr(motion, name), np.float32) for name in _SHAPES
    }
    arrays |= {"offsets": places.offsets.astype(np.int64), "lengths": places.lengths.astype(np.int64)}
    arrays |= {_EXTRA + name: motion.extra[name] for name in sorted(motion.extra)}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _DATE), entry.getvalue())
    return content.getvalue()


def read_motion(path: Path, num_frames: int) -> ClipMotion:
    """The motion in a file.

    Args:
        path: the file.
        num_frames: T, as the index says.

    Raises:
        DatasetError: the file is missing, damaged or of another length.
    """
    try:
        with _opened(path) as arrays:
            fixed = {name: _floats(arrays, name) for name in _SHAPES}
            extra = {name.removeprefix(_EXTRA): arrays[name] for name in arrays.files if name.startswith(_EXTRA)}
        motion = ClipMotion(**fixed, extra=extra)
        if len(motion) != num_frames:
            raise ValueError(f"it has {len(motion)} frames, the index says {num_frames}")
    except _FAULTS as error:
        raise _damaged(path, error) from error
    return motion


def read_places(path: Path, num_frames: int) -> FramePlaces:
    """Where the pictures lie; the rest of the file is not read.

    Raises:
        DatasetError: as `read_motion`.
    """
    try:
        with _opened(path) as arrays:
            places = FramePlaces(_integers(arrays, "offsets"), _integers(arrays, "lengths"))
        if not places.offsets.shape == places.lengths.shape == (num_frames,):
            raise ValueError(f"it places {len(places.offsets)} pictures, the index says {num_frames}")
        if (places.offsets < 0).any() or (places.lengths < 1).any():
            raise ValueError("it places pictures before the start of the shard, or empty ones")
    except _FAULTS as error:
        raise _damaged(path, error) from error
    return places


_FAULTS = (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, zipfile.BadZipFile, NotImplementedError)


def _opened(path: Path) -> np.lib.npyio.NpzFile:
    # Stored as they are, so that no small file unpacks into a huge one.
    with zipfile.ZipFile(path) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("its arrays are compressed")
    return cast("np.lib.npyio.NpzFile", np.load(path, allow_pickle=False))


def _floats(arrays: np.lib.npyio.NpzFile, name: str) -> FloatArray:
    array = arrays[name]
    if array.dtype != np.float32 or not np.isfinite(array).all():
        raise ValueError(f"{name} is not finite float32")
    return cast("FloatArray", array)


def _integers(arrays: np.lib.npyio.NpzFile, name: str) -> IntArray:
    array = arrays[name]
    if array.dtype != np.int64:
        raise ValueError(f"{name} is {array.dtype}, not int64")
    return cast("IntArray", array)


def _damaged(path: Path, error: BaseException) -> DatasetError:
    reason = "it is missing" if isinstance(error, FileNotFoundError) else f"it cannot be read ({error})"
    return DatasetError(
        f"the motion file is damaged: {reason}",
        "the file that the dataset was built with",
        "run 'dpe dataset check' to see every fault; copy the dataset again or build it anew",
        path=path,
    )
