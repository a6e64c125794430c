"""Opening media files safely: local files only, and only formats that hold one film or image; and their digests."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import av
import av.error
from av.container import InputContainer
from av.video.stream import VideoStream

from dpe_toolkit.core.errors import MediaError

__all__ = ["exact_ratio", "file_digest", "media_fault", "open_media", "video_stream"]

# Playlists (HLS, DASH, concat) are left out on purpose: they name other files and addresses to fetch.
_DEMUXERS = (
    "mov,mp4,matroska,webm,avi,mxf,mpegts,mpeg,mpegvideo,h264,hevc,av1,obu,ivf,flv,ogg,asf,nut,m4v,dv,gif,apng,"
    "wav,w64,aiff,mp3,aac,flac,caf,ac3,eac3,image2,png_pipe,jpeg_pipe,tiff_pipe,bmp_pipe,webp_pipe,dpx_pipe,"
    "ppm_pipe,pgm_pipe,jpegxl_pipe,exr_pipe"
)
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": _DEMUXERS, "pattern_type": "none"}
# Before PyAV 19 a tag that is not UTF-8 kept the file from being opened, unless one asked for this. PyAV 19 knows
# no such question and gives the bytes as lone surrogates, which no text file or terminal takes: see `_legible`.
_TAGS: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


class _Ratio(Protocol):
    """A rational number of whatever type the library has for it."""

    @property
    def numerator(self) -> int: ...

    @property
    def denominator(self) -> int: ...


def media_fault(error: BaseException, path: Path, wrong: str, action: str, *, frame: int | None = None) -> MediaError:
    """A `MediaError` about ``path`` that tells what the media library said; raise it ``from`` the cause."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return MediaError(f"{wrong} ({said})", "", action, path=path, frame=frame)


def open_media(path: Path) -> InputContainer:
    """An open container, its tags readable text; the caller closes it.

    The name is passed as a ``file:`` address, so that no part of it is taken for a protocol.

    Raises:
        MediaError: no such file, no media in it, or a format that refers to other files.
    """
    if not path.is_file():
        seen = "it is a folder" if path.is_dir() else "there is no such file"
        raise MediaError(seen[0].upper() + seen[1:], "a video or image file", "correct the path", path=path)
    try:
        container: InputContainer = av.open(f"file:{path.absolute()}", "r", container_options=_OPTIONS, **_TAGS)
    except PermissionError as error:
        raise media_fault(error, path, "The file may not be read", "change its permissions") from error
    except (av.error.FFmpegError, ValueError, OSError) as error:
        action = "check that it is a complete video or image file; playlists are not opened"
        raise media_fault(error, path, "The file holds no media that can be opened", action) from error
    for tags in (container.metadata, *(stream.metadata for stream in container.streams)):
        legible = {_legible(key): _legible(value) for key, value in tags.items()}
        tags.clear()
        tags.update(legible)
    return container


def _legible(text: str) -> str:
    """A tag with a replacement character for what is not UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The stream that shows the film: the largest one that is no cover picture of a sound file.

    Raises:
        MediaError: the file has no picture.
    """
    cover = av.stream.Disposition.attached_pic
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & cover and stream.codec_context is not None
    ]
    if not streams:
        raise MediaError("The file has no picture", "a file with a video stream", "choose another file", path=path)
    return max(streams, key=lambda stream: stream.codec_context.width * stream.codec_context.height)


def exact_ratio(ratio: _Ratio | None) -> Fraction | None:
    """A time base, rate or aspect of the library's as a fraction; None where the file does not say it.

    PyAV 19 gives a type of its own, whose zero and infinity say nothing and whose products are rounded to 32 bits.
    """
    if ratio is None or not ratio.numerator or not ratio.denominator:
        return None
    return Fraction(ratio.numerator, ratio.denominator)


def file_digest(path: Path) -> str:
    """``sha256:`` and the hex digest of the file's bytes.

    Computed once a process for each path, size and modification time.

    Raises:
        MediaError: the file cannot be read.
    """
    try:
        found = path.stat()
        return _digest(path, found.st_size, found.st_mtime_ns)
    except OSError as error:
        reason = error.strerror or str(error)
        raise MediaError(
            f"The file cannot be read ({reason})", "a readable file", "correct the path or its permissions", path=path
        ) from error


@lru_cache(maxsize=256)
def _digest(path: Path, size: int, modified_ns: int) -> str:
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
