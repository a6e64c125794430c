from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from dpe_toolkit.cli.group import GuardedGroup
from dpe_toolkit.core.errors import MediaError, PlanError
from dpe_toolkit.media import write_png
from tests.cli.conftest import Dpe


def expect_one_message(done: subprocess.CompletedProcess[str], *, code: int, text: str, num_messages: int = 1) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert text in " ".join(done.stderr.split()), done.stderr
    assert done.stderr.count("error:") == num_messages


def edit(
    dpe: Dpe, media: Path, output: Path, *words: object, driver: str = "face.mkv"
) -> subprocess.CompletedProcess[str]:
    return dpe("edit", media / "face.mkv", media / driver, "-o", output, "--consent", "none needed", *words)


def test_a_broken_timeline_is_named(dpe_process: Dpe, tmp_path: Path) -> None:
    path = tmp_path / "broken.otio"
    path.write_text('{"OTIO_SCHEMA": "Timeline.1", ')
    expect_one_message(dpe_process("render", path, "-o", tmp_path / "out.mp4"), code=2, text="broken.otio")


def test_a_missing_timeline_is_named(dpe: Dpe, tmp_path: Path) -> None:
    expect_one_message(dpe("plan", tmp_path / "none.otio"), code=2, text="none.otio")


def test_missing_media_are_named_before_anything_is_rendered(dpe: Dpe, tmp_path: Path) -> None:
    reference = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "gone.mp4"}
    clip = {"OTIO_SCHEMA": "Clip.1", "name": "sh010", "media_reference": reference}
    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [clip]}
    stack = {"OTIO_SCHEMA": "Stack.1", "children": [track]}
    path = tmp_path / "cut.otio"
    path.write_text(json.dumps({"OTIO_SCHEMA": "Timeline.1", "name": "cut", "tracks": stack}))
    done = dpe("render", path, "-o", tmp_path / "out.mp4")
    expect_one_message(done, code=2, text="gone.mp4")
    assert "sh010" in done.stderr
    assert not (tmp_path / "out.mp4").exists()


def test_a_missing_driver_is_named(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    done = edit(dpe, media, tmp_path / "out.mp4", driver="gone.mp4")
    expect_one_message(done, code=2, text="gone.mp4")
    assert not list(tmp_path.iterdir())


def test_a_driver_without_a_face_is_named_and_nothing_is_left(dpe_process: Dpe, media: Path, tmp_path: Path) -> None:
    done = edit(dpe_process, media, tmp_path / "out.mp4", driver="room.mkv")
    expect_one_message(done, code=1, text="room.mkv")
    assert "face" in done.stderr
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("out.mp4") and path.suffix == ".mp4"]


def test_an_unknown_component_is_answered_with_the_known_ones(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    done = edit(dpe, media, tmp_path / "out.mp4", "--compositor", "fether")
    expect_one_message(done, code=2, text="Did you mean 'feather'?")


def test_an_edit_that_fails_leaves_the_timeline_of_an_earlier_one(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    earlier = {output.with_name("out.mp4.otio"): "an earlier cut", output.with_name("out.mp4.dpe.json"): "{}"}
    for path, text in earlier.items():
        path.write_text(text)
    expect_one_message(edit(dpe, media, output, "--compositor", "fether"), code=2, text="Did you mean 'feather'?")
    assert {path: path.read_text() for path in earlier} == earlier
    assert sorted(tmp_path.glob("out.mp4*")) == sorted(earlier)


def test_an_unknown_option_is_answered_with_the_known_ones(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    done = edit(dpe, media, tmp_path / "out.mp4", "--set", "feather.feathr_px=3")
    expect_one_message(done, code=2, text="Did you mean 'feather_px'?")


def test_an_unknown_region_is_answered_with_the_known_ones(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    done = edit(dpe, media, tmp_path / "out.mp4", "--regions", "mouht")
    expect_one_message(done, code=2, text="Did you mean 'mouth'?")


def test_a_missing_output_folder_is_named(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    done = edit(dpe, media, tmp_path / "none" / "out.mp4")
    expect_one_message(done, code=2, text="does not exist")


def test_an_output_folder_that_is_a_file_is_named(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = edit(dpe, media, tmp_path / "file" / "out.mp4")
    expect_one_message(done, code=2, text="is a file")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_an_output_folder_without_permission_is_named(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    done = edit(dpe, media, folder / "out.mp4")
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr


def test_an_unknown_output_suffix_is_refused(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    done = edit(dpe, media, tmp_path / "out.avi")
    expect_one_message(done, code=2, text="'.avi'")
    assert not list(tmp_path.iterdir())


def test_a_codec_that_the_suffix_cannot_hold_is_refused(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    done = edit(dpe, media, tmp_path / "out.mp4", "--codec", "prores")
    expect_one_message(done, code=2, text="prores does not go into a .mp4 file")
    assert not list(tmp_path.iterdir())


def test_text_in_place_of_a_video_is_refused(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("no video")
    expect_one_message(edit(dpe, media, tmp_path / "out.mp4", driver=str(text)), code=2, text="notes.mp4")
    assert list(tmp_path.iterdir()) == [text]


def test_an_output_that_is_the_driver_is_refused(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    driver = tmp_path / "take.mkv"
    shutil.copy(media / "face.mkv", driver)
    before = driver.read_bytes()
    expect_one_message(edit(dpe, media, driver, driver=str(driver)), code=2, text="a file that is read")
    assert driver.read_bytes() == before
    assert list(tmp_path.iterdir()) == [driver]


def test_an_output_that_is_a_folder_is_refused(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").mkdir()
    expect_one_message(edit(dpe, media, tmp_path / "out.mp4"), code=2, text="is a folder")


def test_a_still_in_place_of_a_source_is_answered_with_the_command_for_it(
    dpe: Dpe, media: Path, tmp_path: Path
) -> None:
    portrait = tmp_path / "portrait.png"
    write_png(portrait, np.zeros((48, 64, 3), np.uint8))
    done = dpe("edit", portrait, media / "face.mkv", "-o", tmp_path / "out.mp4")
    expect_one_message(done, code=2, text="dpe animate")
    assert list(tmp_path.iterdir()) == [portrait]


def test_a_missing_portrait_is_named(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    done = dpe("animate", tmp_path / "gone.png", media / "face.mkv", "-o", tmp_path / "out.mp4")
    expect_one_message(done, code=2, text="gone.png")
    assert not list(tmp_path.iterdir())


def test_a_media_root_that_does_not_exist_is_named(dpe: Dpe, tmp_path: Path) -> None:
    done = dpe("plan", tmp_path / "cut.otio", "--media-root", tmp_path / "none")
    expect_one_message(done, code=2, text="Correct --media-root")


def test_a_still_into_a_missing_folder_is_refused_before_any_work(dpe: Dpe, tmp_path: Path) -> None:
    done = dpe("still", tmp_path / "cut.otio", "--frame", "1", "-o", tmp_path / "none" / "still.png")
    expect_one_message(done, code=2, text="does not exist")


def test_a_time_that_is_none_is_refused(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    done = edit(dpe, media, tmp_path / "out.mp4", "--start", "soon")
    expect_one_message(done, code=2, text="'soon' is no time")


def test_wrong_usage_exits_with_two(dpe: Dpe) -> None:
    done = dpe("render", "cut.otio")
    assert done.returncode == 2
    assert "--output" in done.stderr


def test_a_still_needs_the_name_of_a_picture(dpe: Dpe, tmp_path: Path) -> None:
    done = dpe("still", "cut.otio", "--frame", "1", "-o", tmp_path / "still.mp4")
    expect_one_message(done, code=2, text="'still.mp4' is no image")


def failing(error: BaseException) -> typer.Typer:
    app = typer.Typer(cls=GuardedGroup, pretty_exceptions_enable=False)

    @app.callback()
    def start(*, debug: bool = False) -> None:
        pass

    @app.command()
    def fail() -> None:
        raise error

    return app


def test_an_error_nobody_foresaw_says_how_to_learn_more() -> None:
    result = CliRunner().invoke(failing(TypeError("odd")), ["fail"])
    assert (result.exit_code, "Traceback" in result.output) == (1, False)
    assert "unexpected error: TypeError: odd" in result.output
    assert "--debug" in result.output


def test_debug_shows_the_traceback_wherever_it_stands() -> None:
    result = CliRunner().invoke(failing(TypeError("odd")), ["fail", "--debug"])
    assert result.exit_code == 1
    assert "Traceback" in result.output


def test_every_problem_of_a_plan_has_a_line_of_its_own() -> None:
    error = PlanError("the plan has 2 errors", problems=["clip 'a': gone.", "clip 'b': odd."])
    result = CliRunner().invoke(failing(error), ["fail"])
    assert result.exit_code == 2
    assert result.output.splitlines() == [
        "error: clip 'a': gone.",
        "error: clip 'b': odd.",
        "error: the plan has 2 errors.",
    ]


def test_square_brackets_in_names_are_printed_as_they_are() -> None:
    result = CliRunner().invoke(failing(MediaError("no picture", clip="[red]sh[/] [1]")), ["fail"])
    assert "clip '[red]sh[/] [1]': no picture." in result.output


def test_an_interrupt_ends_without_a_traceback() -> None:
    result = CliRunner().invoke(failing(KeyboardInterrupt()), ["fail"])
    assert result.exit_code == 1
    assert "interrupted: stopped" in result.output
    assert "no file under the output's name was begun or changed" in result.output


@pytest.mark.parametrize(
    ("words", "name", "message"),
    [
        (("--crf", "20"), "out.mov", "--crf 20 changes nothing of prores. Expected: a codec that takes it: h264"),
        (("--crf", "0"), "out.mkv", "--crf 0 changes nothing of ffv1"),
        (("--preset", "slow", "--codec", "png"), "out", "--preset slow changes nothing of png. Expected: a codec that"),
    ],
)
def test_quality_that_a_codec_does_not_take_is_refused(
    dpe: Dpe, media: Path, tmp_path: Path, words: tuple[str, ...], name: str, message: str
) -> None:
    expect_one_message(edit(dpe, media, tmp_path / name, *words), code=2, text=message)
    assert not list(tmp_path.iterdir())


def test_a_refused_edit_leaves_nothing_behind(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    done = edit(dpe, media, tmp_path / "out.mp4", "--generator", "none such")
    assert done.returncode == 2
    assert "wrote" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_edit_that_stopped_keeps_its_timeline(
    dpe: Dpe, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*words: object, **more: object) -> None:
        raise MediaError("the disk is full", "room", "make room")

    monkeypatch.setattr("dpe_toolkit.rendering.render_plan", stop)
    assert edit(dpe, media, tmp_path / "out.mp4").returncode == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4.dpe.json", "out.mp4.otio"]
