"""Pictures of clips in tar files, in the form that the ``webdataset`` library reads.

A sample is one frame: ``<clip>_<frame>.jpg`` (or ``.png``) followed by ``<clip>_<frame>.json``, frame in six digits.
A shard holds whole clips, one after the other. Headers carry no time and no owner: the same clips give the
same bytes. The place of each picture is kept in the clip's motion file, so that one frame is read without the rest.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Literal

import cv2
import numpy as np
import numpy.typing as npt

from dpe_research.dataset.motion import FramePlaces
from dpe_toolkit.api import expect_shape

__all__ = [
    "END_OF_SHARD",
    "JPEG_QUALITY",
    "ArchivedClip",
    "PictureFormat",
    "RgbPicture",
    "decode_picture",
    "encode_picture",
    "shard_name",
    "write_clip",
]

RgbPicture = npt.NDArray[np.uint8]
PictureFormat = Literal["jpg", "png"]
JPEG_QUALITY = 95
END_OF_SHARD = bytes(2 * tarfile.BLOCKSIZE)
"""What tar expects behind the last member."""


@dataclass(frozen=True, slots=True)
class ArchivedClip:
    """A clip that was written."""

    places: FramePlaces
    """Counted from where the clip begins."""
    num_bytes: int


def shard_name(number: int) -> str:
    """File name of a shard."""
    return f"shard-{number:06d}.tar"


def encode_picture(rgb: RgbPicture, form: PictureFormat) -> bytes:
    """An (S, S, 3) uint8 RGB picture as a file. JPEG keeps full colour resolution: the crop was made small already."""
    expect_shape("picture", rgb, ("S", "S", 3))
    if rgb.dtype != np.uint8:
        raise TypeError(f"pictures are uint8, got {rgb.dtype}")
    options = {
        "jpg": [
            *(cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY),
            *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
        ],
        "png": [cv2.IMWRITE_PNG_COMPRESSION, 4],
    }
    done, content = cv2.imencode(f".{form}", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options[form])
    assert done
    return content.tobytes()


def decode_picture(content: bytes) -> RgbPicture | None:
    """(H, W, 3) uint8 RGB of a picture file; None where it is none."""
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if picture is None else np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def write_clip(
    file: BinaryIO, pictures: Iterable[RgbPicture], *, clip: str, identity: str, form: PictureFormat
) -> ArchivedClip:
    """Writes the samples of one clip, without the end of a tar file behind them.

    Args:
        file: where to; nothing in it before the clip counts.
        pictures: (S, S, 3) uint8 RGB.
        clip: its id.
        identity: who it is.
        form: of the pictures.
    """
    offsets: list[int] = []
    lengths: list[int] = []
    position = 0
    for frame, picture in enumerate(pictures):
        key = f"{clip}_{frame:06d}"
        note = json.dumps({"clip": clip, "identity": identity, "frame": frame}, ensure_ascii=False).encode()
        content = encode_picture(picture, form)
        offsets.append(position + tarfile.BLOCKSIZE)
        lengths.append(len(content))
        for name, data in ((f"{key}.{form}", content), (f"{key}.json", note)):
            position += file.write(_member(name, data))
    return ArchivedClip(FramePlaces(np.array(offsets, np.int64), np.array(lengths, np.int64)), position)


def _member(name: str, data: bytes) -> bytes:
    header = tarfile.TarInfo(name)
    header.size = len(data)
    header.mode = 0o644
    padding = bytes(-len(data) % tarfile.BLOCKSIZE)
    return header.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict") + data + padding
