"""The first plugin's page, followed word by word in an empty folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpe_toolkit.media import probe

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "first-plugin.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', flags=re.MULTILINE | re.DOTALL)


def steps(page: str = PAGE) -> Iterator[tuple[str, str]]:
    """What the page has one do: the name of a file, or empty for commands, and the text."""
    for language, title, text in _BLOCK.findall(page):
        assert title or language == "bash", f"a block of {language} that nobody would know what to do with"
        yield title, text


def shell(folder: Path, checkout: Path) -> dict[str, str]:
    """The environment of a person in whose environment ``dpe`` works, with no network and nothing to resolve."""
    home = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    site = next((home / "lib").glob("python*")) / "site-packages"
    (site / "parent.pth").write_text("\n".join(path for path in sys.path if path), encoding="utf-8")
    for name, code in (
        ("dpe", "from dpe_toolkit.cli import main; main()"),
        ("pip", "from pip._internal.cli.main import main; import sys; sys.exit(main())"),
    ):
        script = home / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{home}/bin/python" -c "{code}" "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return {
        "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "DPE_TOOLKIT": str(checkout),
        "DPE_CACHE_DIR": str(folder / "cache"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it so: 0 means no isolation
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "120",
    }


@pytest.fixture
def checkout(tmp_path: Path, demo_media: Path) -> Path:
    """A checkout in which ``make demo`` was run, as far as the page needs it."""
    folder = tmp_path / "checkout"
    (folder / "demo_output").mkdir(parents=True)
    (folder / "demo_output" / "media").symlink_to(demo_media, target_is_directory=True)
    # A copy: what a timeline names by a relative path starts where its file really lies.
    shutil.copytree(ROOT / "timelines", folder / "timelines")
    return folder


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the page's commands are those of a POSIX shell")
def test_the_page_gives_a_working_compositor_that_renders_the_demonstration(tmp_path: Path, checkout: Path) -> None:
    environment = shell(tmp_path, checkout)
    here = tmp_path / "empty"
    here.mkdir()
    said = []
    for title, text in steps():
        if title:
            (here / title).write_text(text, encoding="utf-8")
            continue
        script = f"set -e\n{text}\npwd"
        done = subprocess.run(["bash", "-c", script], cwd=here, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        *lines, place = done.stdout.rstrip("\n").split("\n")
        here = Path(place)
        said.append("\n".join(lines))
    assert here.name == "soft-oval"
    whole = "\n".join(said)
    assert re.search(r"^soft_oval +0\.1\.0 +compositor +soft_oval +Shows the edit", whole, flags=re.MULTILINE)
    assert re.search(r"^soft_oval +compositor +soft_oval +24 of 24 .* ok", whole, flags=re.MULTILINE)
    assert re.search(r"^2[0-9] passed", whole, flags=re.MULTILINE)
    assert probe(here / "demo.mp4").num_frames == 24
    record = (here / "demo.mp4.edits.json").read_text(encoding="utf-8")
    assert '"soft_oval"' in record
    assert re.search(r'"softness": 0\.6', record)


def test_the_plugin_of_the_page_has_thirty_lines_of_code() -> None:
    (code,) = (text for title, text in steps() if title == "soft_oval.py")
    body = code.partition("@hookimpl")[0]
    lines = [line for line in body.splitlines() if line.strip() and not line.startswith('"""')]
    assert len(lines) <= 30
