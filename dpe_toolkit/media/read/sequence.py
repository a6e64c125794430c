"""Numbered images as one clip: PNG, TIFF, DPX, JPEG and EXR, each frame a file of its own.

A sequence is named like a file, ``plate.[1001-1100].exr``, as editing programs do; with ``x2`` behind the last
number every other one is meant.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.media.opening import file_digest

__all__ = ["FLOAT_SUFFIXES", "ImageSequence", "sequence_digest", "sequence_of"]

_NAME = re.compile(r"(.*)\[(\d+)-(\d*)(?:x(\d+))?\](\.[A-Za-z0-9]+)")
FLOAT_SUFFIXES = (".exr",)
"""Images of linear light in floats, which are read as sequences of one even where they stand alone."""


@dataclass(frozen=True, slots=True)
class ImageSequence:
    """A run of numbered images."""

    path: Path
    """The folder and the name with its numbers in brackets; of a single image, the file."""
    prefix: str
    first: int
    last: int
    step: int
    padding: int
    """Digits of a number, with zeros in front; 0 where the file has none."""
    suffix: str

    @property
    def num_frames(self) -> int:
        """Frames, those included whose images are not there."""
        return (self.last - self.first) // self.step + 1

    def image(self, frame: int) -> Path:
        """The file of a frame, 0 being the first."""
        if not self.padding:
            return self.path
        return self.path.with_name(f"{self.prefix}{self.first + frame * self.step:0{self.padding}d}{self.suffix}")

    def missing(self) -> frozenset[int]:
        """Frames whose images are not there."""
        return frozenset(frame for frame in range(self.num_frames) if not self.image(frame).is_file())


def sequence_of(path: Path) -> ImageSequence | None:
    """The sequence that a path means, None where it means a file that `VideoReader` reads.

    Where the last number is left out the sequence goes on for as long as there are files.

    Raises:
        MediaError: the numbers make no sequence.
    """
    match = _NAME.fullmatch(path.name)
    if match is None:
        if path.suffix.lower() in FLOAT_SUFFIXES:
            return ImageSequence(path, path.stem, 0, 0, 1, 0, path.suffix)
        return None
    first, step = int(match[2]), int(match[4] or 1)
    found = ImageSequence(path, match[1], first, first, max(1, step), len(match[2]), match[5])
    last = int(match[3]) if match[3] else _last_there(found)
    if last < first or not step:
        raise MediaError(
            f"Images {first} to {last} in steps of {step} make no sequence",
            "a last number that is not below the first",
            "correct the name or the reference",
            path=path,
        )
    return replace(found, last=last)


def _last_there(sequence: ImageSequence) -> int:
    frame = 0
    while sequence.image(frame + 1).is_file():
        frame += 1
    return sequence.first + frame * sequence.step


def sequence_digest(sequence: ImageSequence) -> str:
    """``sha256:`` over the digests of all images."""
    digest = hashlib.sha256()
    for frame in range(sequence.num_frames):
        image = sequence.image(frame)
        digest.update((file_digest(image) if image.is_file() else "missing").encode())
    return f"sha256:{digest.hexdigest()}"
