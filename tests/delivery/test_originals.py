"""Whatever is asked for, no file that a timeline reads is written over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import opentimelineio as otio
import pytest
from skimage import data

import dpe_toolkit
from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.delivery.shot_files import ShotFiles
from dpe_toolkit.media import write_png
from dpe_toolkit.testing import ClipSpec, make_clip
from tests.cli.conftest import Dpe
from tests.cli.test_shot_files import stretch

REFUSED = "a file that the timeline reads"


@pytest.fixture
def held(dpe: Dpe, media: Path, tmp_path: Path) -> Path:
    """An edited clip, one that is left alone, and one of an image sequence, with a sound of its own below them."""
    (tmp_path / "face.mkv").write_bytes((media / "face.mkv").read_bytes())
    for name in ("other.mkv", "sound.mkv"):
        make_clip(tmp_path / name, ClipSpec(num_frames=4, numbered=False, tone_hz=440))
    for number in range(1, 4):
        write_png(tmp_path / f"plate.{number:03d}.png", data.astronaut()[:64, :64])

    def clip(name: str, file: str, length: int) -> otio.schema.Clip:
        return otio.schema.Clip(name, otio.schema.ExternalReference(file), stretch(0, length))

    timeline = otio.schema.Timeline("cut")
    images = otio.schema.ImageSequenceReference(
        str(tmp_path), "plate.", ".png", 1, 1, 25.0, 3, available_range=stretch(1, 3)
    )
    track = otio.schema.Track("V1")
    track.extend(
        [clip("face", "face.mkv", 4), clip("other", "other.mkv", 4), otio.schema.Clip("plate", images, stretch(1, 3))]
    )
    sound = otio.schema.Track("A1", kind="Audio")
    sound.append(clip("sound", "sound.mkv", 4))
    timeline.tracks.extend([track, sound])
    timeline.to_json_file(str(tmp_path / "plain.otio"))
    words = ("--clip", "face", "--driver", media / "face.mkv", "--consent", "given", "-o", tmp_path / "cut.otio")
    assert dpe("link", tmp_path / "plain.otio", *words).returncode == 0
    return tmp_path / "cut.otio"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


TRIED: dict[str, Callable[[Path], object]] = {
    "a source of another shot": lambda cut: dpe_toolkit.render(cut, cut.with_name("other.mkv"), shots=["face"]),
    "a sound": lambda cut: dpe_toolkit.render(cut, cut.with_name("sound.mkv")),
    "an image of a sequence, by a still": lambda cut: dpe_toolkit.still(cut, 0, cut.with_name("plate.002.png")),
    "an image of a sequence, by a sheet": lambda cut: dpe_toolkit.faces(cut, cut.with_name("plate.002.png")),
    "the sidecar": lambda cut: dpe_toolkit.plan(cut, output=cut.with_name("cut.dpe.json")),
    "an unedited source, by a shot's file": lambda cut: dpe_toolkit.render(
        cut, cut.with_name("new.otio"), per_shot=ShotFiles(cut.parent, template="other.mkv")
    ),
    "an image of a sequence, by a still of a plan": lambda cut: dpe_toolkit.still(
        dpe_toolkit.plan(cut), 0, cut.with_name("plate.001.png")
    ),
}


@pytest.mark.parametrize("tried", TRIED)
def test_nothing_that_is_read_is_written_over(held: Path, tried: str) -> None:
    before = contents(held.parent)
    with pytest.raises(OptionsError, match=REFUSED):
        TRIED[tried](held)
    assert contents(held.parent) == before


def test_the_plan_of_a_render_is_not_written_over_by_the_record_of_its_edits(held: Path) -> None:
    plan = held.with_name("out.mkv.edits.json")
    dpe_toolkit.plan(held, output=plan)
    with pytest.raises(OptionsError, match="the record of the edits is a file that the timeline reads"):
        dpe_toolkit.render(plan, held.with_name("out.mkv"))
    assert json.loads(plan.read_text())["timeline"] == "cut"


def test_the_film_of_a_portrait_is_not_written_over_the_driver(media: Path, tmp_path: Path) -> None:
    driver, portrait = tmp_path / "out.mkv.portrait.mkv", tmp_path / "portrait.png"
    driver.write_bytes((media / "face.mkv").read_bytes())
    write_png(portrait, data.astronaut())
    with pytest.raises(OptionsError, match="the film of the portrait is a file that is read"):
        dpe_toolkit.animate(portrait, driver, tmp_path / "out.mkv", components={"generator": "mesh"})
    assert driver.read_bytes() == (media / "face.mkv").read_bytes()
