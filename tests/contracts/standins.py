"""Small files of the names that the pages take for granted. Each is made once and copied where a page wants it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from typer.testing import CliRunner, Result

from dpe_research.dataset import FaceDataset
from dpe_toolkit.cli import app
from dpe_toolkit.media import AudioMix, AudioPart, OutputSettings, VideoWriter
from dpe_toolkit.testing import LAYOUTS, REC709, acted_clip, batch_from_rgb, photograph_clip
from dpe_toolkit.testing.pictures import RgbPicture
from tests.contracts import weights
from tests.media.sound.test_sync import RATE_HZ, speech

NUM_FRAMES = 52
RATE = Fraction(25)


class Store:
    """Makes files by name, keeps them, and copies them to folders of pages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def give(self, name: str, folder: Path) -> None:
        """Puts a copy of file or folder ``name`` into ``folder``; in the store itself it is only made.

        ``other=name`` puts it there as ``other``.
        """
        put, _, name = name.rpartition("=")
        made = self.folder / name
        if not made.exists():
            MAKERS[name](self, made)
        if folder == self.folder:
            return
        if made.is_dir():
            shutil.copytree(made, folder / (put or name))
        else:
            shutil.copy2(made, folder / (put or name))

    def run(self, folder: Path, *words: str) -> Result:
        """The program, in this process and in a folder, with a cache and weights of the tests' own."""
        before = Path.cwd()
        environment = {
            "DPE_CACHE_DIR": str(self.folder / "cache"),
            "DPE_WEIGHTS": str(folder / "weights"),
            "COLUMNS": "120",
        }
        os.chdir(folder)
        try:
            return CliRunner().invoke(app, list(words), env=environment)
        finally:
            os.chdir(before)


def write_film(path: Path, pictures: RgbPicture) -> None:
    """A film with speech, the same in all."""
    _, height, width, _ = pictures.shape
    length_s = len(pictures) / RATE
    sound = path.with_suffix(".wav")
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.rint(speech(float(length_s), 1) * 32767).astype("<i2").tobytes())
    with VideoWriter(
        path,
        OutputSettings(preset="ultrafast"),
        width=width,
        height=height,
        rate=RATE,
        layout=LAYOUTS["yuv420p"],
        color=REC709,
        audio=[AudioMix((AudioPart(sound, 0, Fraction(0), length_s, Fraction(0)),), length_s)],
        metadata={},
        start_frame=0,
    ) as writer:
        writer.write(batch_from_rgb(pictures, rate=RATE))
    sound.unlink()


def _film(store: Store, path: Path) -> None:
    write_film(path, (photograph_clip if path.stem == "actor" else acted_clip)(NUM_FRAMES).pictures)


def _portrait(store: Store, path: Path) -> None:
    assert cv2.imwrite(str(path), photograph_clip(1).pictures[0][:, :, ::-1])


def _cut(store: Store, path: Path) -> None:
    """A timeline of two shots of the actor."""

    def frames(start: int, length: int) -> dict[str, object]:
        moments = {
            key: {"OTIO_SCHEMA": "RationalTime.1", "rate": 25.0, "value": value}
            for key, value in (("start_time", start), ("duration", length))
        }
        return {"OTIO_SCHEMA": "TimeRange.1", **moments}

    def clip(name: str, start: int, length: int) -> dict[str, object]:
        reference = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "actor.mp4"}
        reference |= {"available_range": frames(0, NUM_FRAMES)}
        held = {"media_reference": reference, "source_range": frames(start, length)}
        return {"OTIO_SCHEMA": "Clip.1", "name": name, **held}

    children = [clip("sh010", 0, SHOT_FRAMES), clip("sh030", SHOT_FRAMES, 8)]
    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": children}
    stack = {"OTIO_SCHEMA": "Stack.1", "children": [track]}
    path.write_text(json.dumps({"OTIO_SCHEMA": "Timeline.1", "name": "cut", "tracks": stack}), encoding="utf-8")


SHOT_FRAMES = 40
"""Long enough to be synced by its sound."""


def _linked_cut(store: Store, path: Path) -> None:
    granted = ("cut.otio", "actor.mp4", "smile.mp4")
    _made(store, path, granted, "link cut.otio --clip sh010 --driver smile.mp4 -o", path.name)


def _newer_cut(store: Store, path: Path) -> None:
    import opentimelineio as otio

    store.give("cut.otio", path.parent)
    otio.adapters.write_to_file(otio.adapters.read_from_file(str(path.parent / "cut.otio")), str(path))


def _videos(store: Store, path: Path) -> None:
    path.mkdir()
    for name, make in (("anna", photograph_clip), ("bert", acted_clip)):
        write_film(path / f"{name}.mp4", make(12).pictures)


def _list_of_videos(store: Store, path: Path) -> None:
    rows = [("video_id", "partition"), ("anna", "train"), ("bert", "test")]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _dataset(store: Store, path: Path) -> None:
    """Four pictures each of a few people; one who is held out is enough, but for pairs of people."""
    words = f"--identities 2 --test-identities {2 if path.name == 'vox' else 1} --poses 2 --expressions 2 --jobs 1"
    _made(store, path, (), f"dataset synth {words} -o", path.name)


def _pairs(store: Store, path: Path) -> None:
    store.give("vox", path.parent)
    one, other = (clip.id for clip in FaceDataset.open(path.parent / "vox").clips("test"))
    path.write_text(f"source,driver\n{one},{other}\n", encoding="utf-8")


def _results(store: Store, path: Path) -> None:
    """The clips themselves, as if another method had drawn them."""
    store.give("vox", path.parent)
    dataset = FaceDataset.open(path.parent / "vox")
    for clip in dataset.clips("test"):
        (path / clip.id).mkdir(parents=True)
        for row, picture in enumerate(dataset.frames(clip.id, range(clip.num_frames))):
            assert cv2.imwrite(str(path / clip.id / f"{row:06d}.png"), picture.numpy().transpose(1, 2, 0)[:, :, ::-1])


def _kept_weights(store: Store, path: Path) -> None:
    _made(store, path, ("dpe.pt",), "weights import", "dpe.pt")


def _plugin(store: Store, path: Path) -> None:
    _made(store, path, (), "plugins new soft_edge --kind compositor")


def _colour_config(store: Store, path: Path) -> None:
    from PyOpenColorIO import Config

    path.write_text(Config.CreateFromBuiltinConfig("studio-config-latest").serialize(), encoding="utf-8")


def _made(store: Store, path: Path, granted: tuple[str, ...], command: str, *words: str) -> None:
    """Lets the program itself make ``path``, in a folder that has what it wants."""
    for name in granted:
        store.give(name, path.parent)
    done = store.run(path.parent, *command.split(), *words)
    assert done.exit_code == 0, done.output
    assert path.exists()


MAKERS: dict[str, Callable[[Store, Path], None]] = {
    **dict.fromkeys(("actor.mp4", "performance.mp4", "smile.mp4", "shock.mp4", "speech.mp4"), _film),
    "portrait.jpg": _portrait,
    "cut.otio": _cut,
    "cut_dpe.otio": _linked_cut,
    "newer_cut.xml": _newer_cut,
    **dict.fromkeys(("footage", "videos"), _videos),
    "vox-metadata.csv": _list_of_videos,
    **dict.fromkeys(("faces", "vox", "grid"), _dataset),
    "pairs.csv": _pairs,
    **dict.fromkeys(("lia_out", "fomm_out"), _results),
    "weights": _kept_weights,
    "dpe-soft-edge": _plugin,
    "studio.ocio": _colour_config,
    **{name: (lambda store, path, make=make: make(path)) for name, make in weights.MAKERS.items()},
}
