"""The documentation site builds without a warning, and a browser opens every page without an error."""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytest.importorskip("mkdocs_autorefs", reason="the site's tools are not installed (extra 'docs')")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return folder


def pages(site: Path) -> list[str]:
    return sorted(str(path.relative_to(site)) for path in site.rglob("*.html") if path.name != "404.html")


def test_every_page_of_the_navigation_is_there(site: Path) -> None:
    nav = re.findall(r": ([\w/-]+)\.md$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {f"{page}.html" for page in nav} == set(pages(site))


def test_the_reference_says_what_the_code_says(site: Path) -> None:
    text = {page: (site / page).read_text(encoding="utf-8") for page in pages(site)}
    assert "--missing-face" in text["reference/commands.html"]
    assert "dpe_register_compositors" in text["reference/hooks.html"]
    assert "feather.feather_px" in text["reference/options.html"]
    assert "ShotMaterial" in text["reference/api.html"]
    assert "driver_rows" in text["reference/api.html"], "fields have their docstrings"
    assert "CompositorConformance" in text["reference/testing.html"]


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None: ...

    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_a_browser_opens_every_page_without_an_error(site: Path, address: str, tmp_path: Path) -> None:
    frames = "".join(f'<iframe src="{page}" width="1200" height="800"></iframe>' for page in pages(site))
    probe = "<script>console.error('the console is heard')</script>"
    (site / "every-page-at-once.html").write_text(f"<!doctype html>{probe}{frames}", encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={tmp_path}"]
    flags += ["--enable-logging=stderr", "--virtual-time-budget=10000", "--dump-dom"]
    command = [str(CHROMIUM), *flags, f"{address}/every-page-at-once.html"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    (site / "every-page-at-once.html").unlink()
    said = re.findall(r"CONSOLE[^\]]*\] (.*)", done.stderr)
    assert [line for line in said if "the console is heard" in line], done.stderr
    assert [line for line in said if "the console is heard" not in line] == []
