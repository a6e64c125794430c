from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.media.pixels import empty_planes, layout_of

NUM_BITS = 10
CELL_PX = 16


@dataclass(frozen=True)
class Recipe:
    """How a synthetic clip is made."""

    name: str
    encoder: str = "libx264"
    options: dict[str, str] = field(default_factory=dict)
    pixel_format: str = "yuv420p"
    size_px: tuple[int, int] = (NUM_BITS * CELL_PX, 32)
    rate: Fraction = Fraction(25)
    muxer: str | None = None


def draw_number(number: int, plane: npt.NDArray[np.uint8 | np.uint16], peak: int) -> None:
    """Burns ``number`` into a luma plane as black and white cells."""
    plane[:] = peak // 2
    for bit in range(NUM_BITS):
        cell = slice(bit * CELL_PX, (bit + 1) * CELL_PX)
        plane[:CELL_PX, cell] = peak * 7 // 8 if number >> bit & 1 else peak // 8


def numbers_in(batch: FrameBatch) -> list[int]:
    """The numbers burnt into the frames of a batch."""
    cells = batch.planes[0][:, 4:12, :].reshape(len(batch), 8, -1, CELL_PX)[:, :, :NUM_BITS, 4:12]
    bits = cells.mean(axis=(1, 3)) > (1 << batch.layout.depth) / 2
    return [int(row @ (1 << np.arange(NUM_BITS))) for row in bits]


def encode_numbers(path: Path, recipe: Recipe, num_frames: int) -> Path:
    with av.open(str(path), "w", format=recipe.muxer) as container:
        stream = container.add_stream(recipe.encoder, rate=recipe.rate, options=dict(recipe.options))
        stream.width, stream.height = recipe.size_px
        stream.pix_fmt = recipe.pixel_format
        stream.codec_context.thread_count = 1
        for number in range(num_frames):
            frame = av.VideoFrame(*recipe.size_px, recipe.pixel_format)
            dtype = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
            for plane in frame.planes:
                np.frombuffer(memoryview(plane), dtype)[:] = 1 << (frame.format.components[0].bits - 1)
            luma = np.frombuffer(memoryview(frame.planes[0]), dtype).reshape(recipe.size_px[1], -1)
            draw_number(number, luma[:, : recipe.size_px[0]], (1 << frame.format.components[0].bits) - 1)
            frame.pts, frame.time_base = number, 1 / recipe.rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session")
def number_clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes (once a session) a clip whose frames carry their number."""
    folder = tmp_path_factory.mktemp("clips")

    def make(recipe: Recipe, num_frames: int = 75) -> Path:
        path = folder / f"{num_frames}_{recipe.name}"
        return path if path.exists() else encode_numbers(path, recipe, num_frames)

    return make


def make_batch(
    layout: PixelLayout | str,
    size_px: tuple[int, int],
    *,
    num_frames: int = 3,
    color: ColorInfo | None = None,
    seed: int = 0,
) -> FrameBatch:
    """Random code values over the whole range of the layout."""
    layout = layout_of(layout) if isinstance(layout, str) else layout
    generator = np.random.default_rng(seed)
    planes = empty_planes(layout, num_frames, *size_px)
    for plane in planes:
        plane[:] = generator.integers(0, 1 << layout.depth, plane.shape)
    index = np.arange(num_frames, dtype=np.int64)
    return FrameBatch(planes, layout, color or ColorInfo(), index, index.copy(), Fraction(1, 25), Fraction(25))


def tone(num_samples: int, channels: int = 1, *, seed: int = 0) -> npt.NDArray[np.int16]:
    """(channels, n) samples of noise: any shift by a sample shows."""
    return np.random.default_rng(seed).integers(-9000, 9000, (channels, num_samples)).astype(np.int16)


def write_sound_clip(path: Path, tracks: list[npt.NDArray[np.int16]], *, codec: str, rate: int = 48000) -> Path:
    """A clip at 25 fps as long as its first track, with ``tracks`` as its audio streams."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
        streams = [container.add_stream(codec, rate=rate) for _ in tracks]
        for stream, samples in zip(streams, tracks, strict=True):
            stream.codec_context.layout = "mono" if len(samples) == 1 else "stereo"
        for number in range(tracks[0].shape[1] * 25 // rate):
            frame = av.VideoFrame(32, 32, "yuv420p")
            for plane in frame.planes:
                np.frombuffer(memoryview(plane), np.uint8)[:] = number % 256
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        for stream, samples in zip(streams, tracks, strict=True):
            for start in range(0, samples.shape[1], 4096):
                block = np.ascontiguousarray(samples[:, start : start + 4096])
                sound = av.AudioFrame.from_ndarray(block, format="s16p", layout=stream.codec_context.layout.name)
                sound.sample_rate, sound.pts, sound.time_base = rate, start, Fraction(1, rate)
                container.mux(stream.encode(sound))
            container.mux(stream.encode(None))
    return path


def sound_packets(path: Path, number: int = 0) -> Iterator[bytes]:
    with av.open(str(path)) as container:
        yield from (bytes(p) for p in container.demux(container.streams.audio[number]) if p.size)


def resident_bytes() -> int:
    """Memory that the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
