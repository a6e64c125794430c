from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import VideoReader, probe
from tests.cli.conftest import NUM_FRAMES, Dpe

pytestmark = pytest.mark.smoke

RANGE = {"start_time": 0, "duration": NUM_FRAMES}


def edit(dpe: Dpe, media: Path, output: Path, *words: object) -> None:
    done = dpe("edit", media / "face.mkv", media / "face.mkv", "-o", output, "--consent", "none needed", *words)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


def planes_digest(path: Path) -> str:
    digest = hashlib.sha256()
    with VideoReader(path) as reader:
        for plane in reader.read(Span(0, reader.info.num_frames)).planes:
            digest.update(np.ascontiguousarray(plane).tobytes())
    return digest.hexdigest()


def test_an_edit_leaves_video_timeline_sidecar_and_record(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    edit(dpe, media, output, "--start", "4", "--regions", "mouth,jaw")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out.mkv",
        "out.mkv.dpe.json",
        "out.mkv.edits.json",
        "out.mkv.otio",
    ]
    assert probe(output).num_frames == NUM_FRAMES
    (shot,) = json.loads((tmp_path / "out.mkv.edits.json").read_text())["shots"]
    assert shot["consent"] == "none needed"
    assert shot["regions"]["brows"] == 0


def test_the_kept_timeline_plans_and_renders_like_the_edit(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    edit(dpe, media, tmp_path / "out.mkv", "--expression", "0.5", "--set", "feather.feather_px=6")
    plan = json.loads(dpe("plan", tmp_path / "out.mkv.otio", "--json").stdout)
    (take,) = plan["takes"]
    assert take["edit"]["expression"] == 0.5
    assert take["edit"]["components"]["compositor"]["options"]["feather_px"] == 6
    done = dpe("render", tmp_path / "out.mkv.otio", "-o", tmp_path / "again.mkv", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert planes_digest(tmp_path / "again.mkv") == planes_digest(tmp_path / "out.mkv")


def test_no_expression_gives_the_source_bit_for_bit(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    edit(dpe, media, tmp_path / "out.mkv", "--expression", "0")
    assert planes_digest(tmp_path / "out.mkv") == planes_digest(media / "face.mkv")


def test_a_part_is_rendered_as_frames_of_the_whole(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    edit(dpe, media, tmp_path / "part.mkv", "--frames", "2:6", "--shot", "face")
    assert probe(tmp_path / "part.mkv").num_frames == 4


def test_a_still_shows_source_and_result_side_by_side(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    edit(dpe, media, tmp_path / "out.mkv")
    pictures = {}
    for name, words in (("plain", ()), ("mesh", ("--mesh",))):
        done = dpe("still", tmp_path / "out.mkv.otio", "--frame", "3", "-o", tmp_path / f"{name}.png", *words)
        assert done.returncode == 0, done.stderr
        pictures[name] = cv2.imread(str(tmp_path / f"{name}.png"))
    assert pictures["plain"].shape == (240, 640, 3)
    assert np.any(pictures["plain"] != pictures["mesh"])


def test_linking_writes_a_timeline_whose_clip_is_driven(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    edit(dpe, media, tmp_path / "out.mkv", "--expression", "0")
    words = ("--clip", "face", "--driver", media / "face.mkv", "--start", "0.08s", "--consent", "given")
    done = dpe("link", tmp_path / "out.mkv.otio", *words, "--regions", "brows", "-o", tmp_path / "linked.otio")
    assert done.returncode == 0, done.stderr
    plan = json.loads(dpe("plan", tmp_path / "linked.otio", "--json").stdout)
    assert plan["takes"][0]["edit"]["driver_start_s"] == "2/25"
    assert [problem["severity"] for problem in plan["problems"]] == ["warning"]  # the driver is 2 frames short


def test_linking_a_part_splits_the_clip(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    reference = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": (media / "face.mkv").as_uri()}
    times = {name: {"OTIO_SCHEMA": "RationalTime.1", "value": value, "rate": 25} for name, value in RANGE.items()}
    clip = {
        "OTIO_SCHEMA": "Clip.1",
        "name": "face",
        "media_reference": reference,
        "source_range": {"OTIO_SCHEMA": "TimeRange.1", **times},
    }
    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [clip]}
    stack = {"OTIO_SCHEMA": "Stack.1", "children": [track]}
    path = tmp_path / "cut.otio"
    path.write_text(json.dumps({"OTIO_SCHEMA": "Timeline.1", "name": "cut", "tracks": stack}))
    words = ("--clip", "face", "--driver", media / "face.mkv", "--frames", "0.08s:6", "-o", tmp_path / "part.otio")
    done = dpe("link", path, *words)
    assert done.returncode == 0, done.stderr
    takes = json.loads(dpe("plan", tmp_path / "part.otio", "--json").stdout)["takes"]
    assert [(take["num_frames"], take["edit"] is not None) for take in takes] == [(2, False), (4, True), (4, False)]
    missed = dpe("link", path, "--clip", "fac", *words[2:])
    assert missed.returncode == 2
    assert "no clip 'fac' with a known range" in missed.stderr


def test_a_plan_says_where_each_value_came_from(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    edit(dpe, media, tmp_path / "out.mkv", "--mode", "relative")
    done = dpe("plan", tmp_path / "out.mkv.otio", "--explain", "--pose", "0.5")
    assert done.returncode == 0, done.stderr
    for name, origin in (("mode", "effect"), ("pose", "command line"), ("fade_frames", "default")):
        assert any(name in line and origin in line for line in done.stdout.splitlines()), name


def test_plugins_are_listed_and_shown_with_their_options(dpe: Dpe) -> None:
    listed = json.loads(dpe("plugins", "list", "--json").stdout)
    assert {"face_mesh", "feather_blend"} <= {plugin["name"] for plugin in listed}
    (shown,) = json.loads(dpe("plugins", "show", "feather", "--json").stdout)
    assert "feather_px" in shown["options"]["properties"]
    assert "feather.feather_px" in dpe("plugins", "show", "feather_blend").stdout


def test_the_doctor_finds_this_machine_well(dpe: Dpe) -> None:
    done = dpe("doctor", "--json")
    findings = {(finding["topic"], finding["name"]): finding["state"] for finding in json.loads(done.stdout)}
    assert done.returncode == 0
    assert findings["device", "cpu"] == "ok"
    assert findings["encode", "ffv1"] == "ok"
    assert findings["detector", "face_mesh"] == "ok"
    assert "generator" in dpe("doctor").stdout


def test_the_version_is_told(dpe: Dpe) -> None:
    assert dpe("--version").stdout == "dpe_toolkit 0.1.0\n"


def test_python_finds_the_program_where_the_shell_does_not() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dpe_toolkit", "--version"], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "dpe_toolkit 0.1.0\n", "")


def test_codecs_of_this_machine_are_listed_without_a_timeline(dpe: Dpe) -> None:
    done = dpe("render", "--codec", "list")
    assert done.returncode == 0, done.stderr
    assert {"h264", "h265", "prores4444", "ffv1", "exr"} <= {line.split()[0] for line in done.stdout.splitlines()}
    done = dpe("render", "cut.otio", "-o", "a.mp4", "--codec", "h266")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "no codec 'h266'" in done.stderr


def test_a_colour_space_without_a_config_is_refused(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    edit(dpe, media, tmp_path / "out.mkv", "--expression", "0", "--depth", "8")
    done = dpe("render", tmp_path / "out.mkv.otio", "-o", tmp_path / "out.mov", "--ocio-source", "x")
    assert done.returncode == 2
    assert "a colour space is named without a config" in done.stderr


def test_pictures_go_into_a_folder_and_a_loss_is_told_or_refused(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    edit(dpe, media, tmp_path / "out", "--expression", "0", "--codec", "png")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {f"out.{number:07d}.png" for number in range(NUM_FRAMES)} <= names
    again = ("render", tmp_path / "out.otio", "-o", tmp_path / "out", "--codec", "png")
    done = dpe(*again)
    assert done.returncode == 0, done.stderr
    assert "YCbCr becomes RGB, which rounds values" in done.stderr
    done = dpe(*again, "--strict-colour")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "YCbCr becomes RGB" in done.stderr
    (tmp_path / "out" / "notes.txt").write_text("mine")
    done = dpe(*again)
    assert (done.returncode, "'notes.txt'" in done.stderr) == (2, True)


def test_untouched_frames_are_copied_when_asked(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    edit(dpe, media, tmp_path / "out.mkv", "--expression", "0")
    done = dpe("render", tmp_path / "out.mkv.otio", "-o", tmp_path / "copy.mkv", "--pass-through")
    assert done.returncode == 0, done.stderr
    assert planes_digest(tmp_path / "copy.mkv") == planes_digest(media / "face.mkv")
    assert f"{NUM_FRAMES} of {NUM_FRAMES} frames copied" in done.stderr
