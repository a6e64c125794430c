"""Writing a film or a sequence: picture, sound, tags and start timecode, under its name only when it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import av.error
from av.container import OutputContainer

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.core.timing import format_timecode
from dpe_toolkit.media.audio import AudioTrack, audio_tracks
from dpe_toolkit.media.encoding import PictureEncoder
from dpe_toolkit.media.folders import folder_written_whole, picture_pattern, sound_name
from dpe_toolkit.media.hdr import HdrInfo
from dpe_toolkit.media.mixing import AudioMix
from dpe_toolkit.media.opening import media_fault
from dpe_toolkit.media.passer import PassingEncoder
from dpe_toolkit.media.passing import PassedRun, PassSource
from dpe_toolkit.media.preparing import PictureSpec
from dpe_toolkit.media.replacing import written_whole
from dpe_toolkit.media.settings import SEQUENCES, OutputSettings, choose_codec

__all__ = ["VideoWriter"]

_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
# Sound goes this far ahead of the picture, which the encoder holds back while it looks ahead.
_AUDIO_LEAD_S = Fraction(1, 2)


class VideoWriter:
    """Writes frames in order into a temporary file beside ``path``, which takes its name at the end.

    Use it as a context manager: on an exception the temporary file is deleted and whatever stood under
    ``path`` before stays. A killed process leaves at most a hidden ``.part`` file.

    A sequence is a folder of numbered pictures, the first numbered ``start_frame``, with the sound beside them as
    WAV files.

    Args:
        path: output file; its suffix names the container. Of a sequence, the folder.
        settings: codec and quality.
        width: of every frame, in pixels.
        height: of every frame, in pixels.
        rate: frames a second.
        layout: planes of most frames; others are converted to the same pixel format.
        color: tags of the output.
        sample_aspect: width of a pixel over its height.
        hdr: HDR metadata, which H.265 holds and other codecs do not.
        audio: one stream each; empty = no sound.
        metadata: tags of the container, e.g. ``comment``.
        start_frame: frame number of the start timecode; 0 = none is written. Of a sequence, the first number.
        passed: a source of which runs will be copied; None encodes everything.
        drop_frame: write the timecode in drop-frame counting.
        when_whole: called when the file is written and closed, just before it takes its name; where it
            raises, the file is deleted.

    Raises:
        MediaError: a suffix, codec, pixel format or folder that cannot be written.
    """

    def __init__(
        self,
        path: Path,
        settings: OutputSettings,
        *,
        width: int,
        height: int,
        rate: Fraction,
        layout: PixelLayout,
        color: ColorInfo,
        sample_aspect: Fraction = Fraction(1),
        hdr: HdrInfo | None = None,
        audio: Sequence[AudioMix] = (),
        metadata: Mapping[str, str] | None = None,
        start_frame: int = 0,
        passed: PassSource | None = None,
        drop_frame: bool = False,
        when_whole: Callable[[], None] | None = None,
    ) -> None:
        self._path, self._settings = path, settings
        self._codec = choose_codec(path, settings)
        self._size, self._rate, self._layout, self._color = (width, height), rate, layout, color
        self._aspect, self._hdr = sample_aspect, hdr
        self._audio = tuple(audio)
        self._metadata = dict(metadata or {})
        self._timecode = format_timecode(start_frame, rate, drop_frame=drop_frame) if start_frame else ""
        self._start_frame, self._passed = start_frame, passed
        self._when_whole = when_whole
        self._container: OutputContainer | None = None
        self._tracks: list[AudioTrack] = []
        self._beside: list[OutputContainer] = []

    def __enter__(self) -> Self:
        self._whole = folder_written_whole(self._path) if self._codec in SEQUENCES else written_whole(self._path)
        part = self._whole.__enter__()
        try:
            with self._faults():
                self._open(part)
        except BaseException as error:
            self._discard()
            self._whole.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                with self._faults():
                    self._finish()
                if self._when_whole is not None:
                    self._when_whole()
            except BaseException as fault:
                self._discard()
                self._whole.__exit__(type(fault), fault, fault.__traceback__)
                raise
        else:
            self._discard()
        self._whole.__exit__(kind, error, trace)

    def write(self, frames: FrameBatch | PassedRun) -> None:
        """Appends a batch of frames, or a run that is copied, and the sound up to them.

        Raises:
            MediaError: frames of another size, a source that cannot be read, or a disk that is full.
        """
        if self._container is None:
            raise RuntimeError("a VideoWriter is written to inside its 'with' block")
        with self._faults():
            if isinstance(frames, FrameBatch):
                for row in range(len(frames)):
                    self._container.mux(self._picture.encode(frames, row))
                    self._sound_until(self._picture.written_s)
                return
            if not isinstance(self._picture, PassingEncoder):
                raise RuntimeError("a run is copied only into an output that was opened with a source to pass through")
            begun_s = self._picture.written_s
            for number, packet in enumerate(self._picture.copy(frames)):
                self._container.mux_one(packet)
                self._sound_until(begun_s + number / self._rate)

    def _sound_until(self, picture_s: Fraction) -> None:
        for track in self._tracks:
            for packet in track.advance(picture_s + _AUDIO_LEAD_S):
                track.container.mux_one(packet)

    def _open(self, part: Path) -> None:
        container = self._open_container(part)
        self._container = container
        container.metadata.update(self._metadata)
        spec = PictureSpec(
            path=self._path,
            codec=self._codec,
            settings=self._settings,
            size_px=self._size,
            rate=self._rate,
            layout=self._layout,
            color=self._color,
            sample_aspect=self._aspect,
            hdr=self._hdr,
        )
        self._picture = self._picture_encoder(container, spec)
        if self._timecode:
            self._picture.stream.metadata["timecode"] = self._timecode
        if self._codec in SEQUENCES:
            self._tracks = audio_tracks(lambda number: self._sound_file(part, number), ".wav", self._codec, self._audio)
        else:
            suffix = self._path.suffix.lower()
            self._tracks = audio_tracks(lambda _: container, suffix, self._codec, self._audio)
        for opened in (container, *self._beside):
            opened.start_encoding()

    def _picture_encoder(self, container: OutputContainer, spec: PictureSpec) -> PictureEncoder | PassingEncoder:
        if self._passed is None:
            return PictureEncoder(container, spec)
        return PassingEncoder(container, spec, self._passed)

    def _open_container(self, part: Path) -> OutputContainer:
        if self._codec in SEQUENCES:
            pattern = str(part.absolute()).replace("%", "%%") + "/" + picture_pattern(self._path.name, self._codec)
            numbers = {"start_number": str(self._start_frame)}
            return av.open(f"file:{pattern}", "w", format="image2", options=numbers)
        suffix = self._path.suffix.lower()
        options = {"movflags": "+faststart"} if _FORMATS[suffix] == "mp4" else {}
        return av.open(f"file:{part.absolute()}", "w", format=_FORMATS[suffix], container_options=options)

    def _sound_file(self, part: Path, number: int) -> OutputContainer:
        target = part.absolute() / sound_name(self._path.name, number)
        self._beside.append(av.open(f"file:{target}", "w", format="wav"))
        return self._beside[-1]

    def _finish(self) -> None:
        assert self._container is not None
        self._container.mux(self._picture.finish())
        for track in self._tracks:
            for packet in track.finish():
                track.container.mux_one(packet)
            track.close()
        container, self._container = self._container, None
        for opened in (container, *self._beside):
            opened.close()

    def _discard(self) -> None:
        """Closes everything; what the library says of a file given up is of no interest."""
        for track in self._tracks:
            track.close()
        container, self._container = self._container, None
        for opened in (container, *self._beside):
            with suppress(av.error.FFmpegError, OSError):
                if opened is not None:
                    opened.close()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except MediaError:
            raise
        except (av.error.FFmpegError, ValueError, OSError) as error:
            action = "check the disk's free space and the output's folder"
            raise media_fault(error, self._path, "The output cannot be written", action) from error
