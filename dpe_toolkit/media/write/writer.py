"""Writing a film or an image sequence: frames, sound, tags, start timecode; under its name only when it is whole."""

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
from dpe_toolkit.media.color import HdrInfo
from dpe_toolkit.media.copy.ranges import CopiedRange, CopySource
from dpe_toolkit.media.opening import media_fault
from dpe_toolkit.media.settings import SEQUENCES, OutputSettings
from dpe_toolkit.media.sound.mix import AudioMix
from dpe_toolkit.media.write.containers import SOUND_FILE, choose_codec, container_of
from dpe_toolkit.media.write.encoder import VideoEncoder, VideoSpec
from dpe_toolkit.media.write.output_files import folder_written_whole, image_pattern, sound_name, written_whole
from dpe_toolkit.media.write.smart_render import SmartRenderEncoder
from dpe_toolkit.media.write.sound_tracks import AudioTrack, audio_tracks

__all__ = ["VideoWriter"]

# Sound goes this far before the frames, which the encoder holds back for its look-ahead.
_AUDIO_LEAD_S = Fraction(1, 2)


class VideoWriter:
    """Writes frames in order into a temporary file beside ``path``, which takes its name at the end.

    Use it as a context manager: on an exception the temporary file is deleted and whatever stood under
    ``path`` before stays. A killed process leaves at most a hidden ``.part`` file.

    A sequence is a folder of numbered images, the first numbered ``start_frame``, with the sound beside them as
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
        copied: a source of which ranges will be copied; None encodes everything.
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
        copied: CopySource | None = None,
        drop_frame: bool = False,
        when_whole: Callable[[], None] | None = None,
    ) -> None:
        self._path, self._settings = path, settings
        self._codec = choose_codec(path, settings)
        self._kind = container_of(path, self._codec)
        self._size, self._rate, self._layout, self._color = (width, height), rate, layout, color
        self._aspect, self._hdr = sample_aspect, hdr
        self._audio = tuple(audio)
        self._metadata = dict(metadata or {})
        self._timecode = format_timecode(start_frame, rate, drop_frame=drop_frame) if start_frame else ""
        self._start_frame, self._copied = start_frame, copied
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

    def write(self, frames: FrameBatch | CopiedRange) -> None:
        """Appends a batch of frames, or a range that is copied, and the sound up to them.

        Raises:
            MediaError: frames of another size, a source that cannot be read, or a disk that is full.
        """
        if self._container is None:
            raise RuntimeError("a VideoWriter is written to inside its 'with' block")
        with self._faults():
            if isinstance(frames, FrameBatch):
                for row in range(len(frames)):
                    self._container.mux(self._video.encode(frames, row))
                    self._sound_until(self._video.written_s)
                return
            if not isinstance(self._video, SmartRenderEncoder):
                raise RuntimeError("a range is copied only into an output that was opened with the source to copy from")
            begun_s = self._video.written_s
            for number, packet in enumerate(self._video.copy(frames)):
                self._container.mux_one(packet)
                self._sound_until(begun_s + number / self._rate)

    def _sound_until(self, shown_s: Fraction) -> None:
        for track in self._tracks:
            for packet in track.advance(shown_s + _AUDIO_LEAD_S):
                track.container.mux_one(packet)

    def _open(self, part: Path) -> None:
        container = self._open_container(part)
        self._container = container
        container.metadata.update(self._metadata)
        spec = VideoSpec(
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
        self._video = self._video_encoder(container, spec)
        if self._timecode:
            self._video.stream.metadata["timecode"] = self._timecode
        if self._codec in SEQUENCES:
            self._tracks = audio_tracks(
                lambda number: self._sound_file(part, number), SOUND_FILE, self._codec, self._audio
            )
        else:
            self._tracks = audio_tracks(lambda _: container, self._kind, self._codec, self._audio)
        for opened in (container, *self._beside):
            opened.start_encoding()

    def _video_encoder(self, container: OutputContainer, spec: VideoSpec) -> VideoEncoder | SmartRenderEncoder:
        if self._copied is None:
            return VideoEncoder(container, spec)
        return SmartRenderEncoder(container, spec, self._copied)

    def _open_container(self, part: Path) -> OutputContainer:
        if self._codec in SEQUENCES:
            pattern = str(part.absolute()).replace("%", "%%") + "/" + image_pattern(self._path.name, self._codec)
            numbers = {"start_number": str(self._start_frame)}
            return av.open(f"file:{pattern}", "w", format=self._kind.muxer, options=numbers)
        options = dict(self._kind.options)
        return av.open(f"file:{part.absolute()}", "w", format=self._kind.muxer, container_options=options)

    def _sound_file(self, part: Path, number: int) -> OutputContainer:
        target = part.absolute() / sound_name(self._path.name, number)
        self._beside.append(av.open(f"file:{target}", "w", format=SOUND_FILE.muxer))
        return self._beside[-1]

    def _finish(self) -> None:
        assert self._container is not None
        self._container.mux(self._video.finish())
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
