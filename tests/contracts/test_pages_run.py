"""Every command and code block of every page, run in the order in which they stand.

Each page has a folder of its own, in which the files lie that it takes for granted: small ones, see `standins`. What
is too large for a test is run with smaller numbers, which `LESS` holds; what cannot be run here stands in `NOT_RUN`.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from dpe_research.training import load_config
from dpe_toolkit.planning.settings import ProjectConfig
from tests.cli import test_new_plugin
from tests.contracts import test_documents, test_first_plugin, test_more_plugins
from tests.contracts.pages import ROOT, all_pages, blocks, commands
from tests.contracts.standins import Store

FILMS = ("actor.mp4", "performance.mp4")
EDITED_CUT = ("cut.otio=cut_dpe.otio", "actor.mp4", "smile.mp4")
GRANTED: dict[str, tuple[str, ...]] = {
    "CONTRIBUTING.md": (),
    "README.md": FILMS,
    "docs/architecture.md": (),
    "docs/blenders.md": EDITED_CUT,
    "docs/datasets.md": ("footage", "videos", "vox-metadata.csv"),
    "docs/evaluation.md": (
        *("vox", "grid", "pairs.csv", "lia_out", "fomm_out", "weights"),
        *("run7.safetensors", "full.st", "a.st", "alexnet-owt-7be5be79.pth", "alex.pth"),
    ),
    "docs/first-edit.md": ("cut.otio", "smile.mp4", "shock.mp4", *FILMS),
    "docs/hosts.md": ("cut_dpe.otio", "newer_cut.xml", "actor.mp4", "smile.mp4"),
    "docs/media.md": ("studio.ocio", *EDITED_CUT),
    "docs/python.md": EDITED_CUT,
    "docs/plugins.md": ("dpe-soft-edge", *EDITED_CUT),
    "docs/timeline-schema.md": (),
    "docs/training.md": ("faces",),
    "docs/weights.md": ("dpe.pt", "run7.pt", "portrait.jpg", "speech.mp4", *FILMS),
    "plugins/multiband_blend/README.md": FILMS,
    "plugins/onnx_generator/README.md": ("smile.onnx", "smile.toml", *FILMS),
    "plugins/poisson_blend/README.md": FILMS,
    "plugins/yunet_detect/README.md": ("face_detection_yunet_2023mar.onnx", "weights", *FILMS),
}
"""Page to the files that it takes for granted; ``cut.otio=cut_dpe.otio`` puts the one there as the other."""

FOLLOWED: dict[str, Callable[..., None]] = {
    "docs/first-plugin.md": test_first_plugin.test_the_page_gives_a_working_compositor_that_renders_the_demonstration,
    "docs/more-plugins.md": test_more_plugins.test_the_example_works_as_it_stands,
    "dpe_toolkit/plugins/scaffold/templates/common/README.md.txt": (
        test_new_plugin.test_a_new_plugin_installs_and_passes_its_own_tests
    ),
}
"""Pages that install something, to the tests that follow them in an environment of their own."""

LESS = {
    "dpe animate": "--frames 0:4",
    "dpe dataset build": "--min-frames 8 --min-face 60 --jobs 1",
    "dpe dataset synth": "--identities 2 --test-identities 1 --poses 2 --expressions 2 --size 32 --jobs 1",
    "dpe edit": "--frames 0:4",
    "dpe evaluate cross": "--frames 1",
    "dpe evaluate self": "--frames 1",
    "dpe evaluate synthetic": "--pairs-per-clip 1",
    "dpe train": (
        "--set network.size=16 --set network.style_dim=20 --set network.max_channels=4 --set data.batch_size=2 "
        "--set data.workers=0 --set perceptual.features=face_mesh "
        """--set 'stages=[{"steps": 1, "learning_rate": 0.001}]'"""
    ),
    "dpe train -o runs/paper --resume": """--set 'stages=[{"steps": 2, "learning_rate": 0.001}]'""",
}
"""Beginning of commands to what is added to each; of an option given twice, the last counts."""

NEEDS = {
    "docs/datasets.md": "dpe_research",
    "docs/evaluation.md": "dpe_research",
    "docs/hosts.md": "otio_fcp_adapter",
    "docs/media.md": "PyOpenColorIO",
    "docs/training.md": "dpe_research",
    "docs/blenders.md": "dpe_poisson_blend",
    "plugins/multiband_blend/README.md": "dpe_multiband_blend",
    "plugins/onnx_generator/README.md": "dpe_onnx_generator",
    "plugins/poisson_blend/README.md": "dpe_poisson_blend",
    "plugins/yunet_detect/README.md": "dpe_yunet_detect",
}
"""Page to the module of the optional package that it has one install; ``make test`` has them all."""

NOT_RUN = {
    "make demo": "installs packages; tests/testing/test_demo.py renders the demonstration",
    "make test": "is what runs this",
    ".venv/bin/python -m pytest -q tests/delivery/test_naming.py": "runs with the others",
    ".venv/bin/python -m pytest -q tests/delivery/test_ranges.py -k face": "runs with the others",
    "dpe plan timelines/demo.otio --explain": "wants what make demo makes; tests/testing/test_demo.py renders it",
    "make check": "runs beside the tests",
    "make smoke": "is a part of make test, and of what runs by other Pythons",
    "make pythons": "installs packages",
    "make docs": "tests/contracts/test_site.py builds the site",
    "make wheels": "tests/contracts/test_wheels.py builds them",
    "make lock": "wants a package index; tests/contracts/test_lock.py reads what it wrote",
    "python -m venv --system-site-packages .venv": "is done before tests can be run",
    "python -m venv .venv": "is done before tests can be run",
    ".venv/bin/pip install -c requirements.lock -e '.[default]' -e plugins/face_mesh -e plugins/feather_blend "
    "-e plugins/dpe_portrait": "fetches packages",
    "source .venv/bin/activate": "is of the shell",
    "dpe weights fetch mine --address https://example.org/weights.safetensors --sha256 0123": (
        "there is no such address; tests/cli/test_weights.py fetches from a server of its own"
    ),
    "torchrun --nproc-per-node 8 --no-python dpe train --data faces -o runs/paper --set compute.precision=bf16-mixed": (
        "wants eight GPUs"
    ),
    "torchrun --nnodes 2 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint first:29400 --no-python dpe train "
    "--data faces -o runs/paper --resume": "wants two machines",
}
"""Commands that no test can run, by their exact text, and why; that their options exist is tested all the same."""


def see_project(text: str, folder: Path) -> None:
    ProjectConfig.model_validate(tomllib.loads(text))


def see_training(text: str, folder: Path) -> None:
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    assert load_config(folder / "mine.toml").network.start == "vox.pt"


def see_declaration(text: str, folder: Path) -> None:
    assert (folder / "smile.toml").read_text(encoding="utf-8") == text


def see_effect(text: str, folder: Path) -> None:
    """Part of what test_documents.py reads as one timeline."""
    assert json.loads(text)
    assert text in test_documents.SCHEMA


def see_tree(text: str, folder: Path) -> None:
    """Every name of a drawn folder is that of a file; ``<clip>`` stands for any."""
    top, *names = (line.split()[0] for line in text.splitlines())
    for name in names:
        assert list((folder / top).glob(re.sub(r"<\w+>", "*", name))), name


def see_drawing(text: str, folder: Path) -> None:
    """For people."""
    assert "-->" in text or "->" in text


SEEN: dict[tuple[str, str], Callable[[str, Path], None]] = {
    ("CONTRIBUTING.md", "mermaid"): see_drawing,
    ("docs/architecture.md", ""): see_drawing,
    ("docs/datasets.md", ""): see_tree,
    ("docs/plugins.md", "toml"): see_project,
    ("docs/timeline-schema.md", "json"): see_effect,
    ("docs/timeline-schema.md", "toml"): see_project,
    ("docs/training.md", ""): see_drawing,
    ("docs/training.md", "toml"): see_training,
    ("plugins/onnx_generator/README.md", "toml"): see_declaration,
}
"""Page and language of blocks that are nothing to run, to what reads them."""


def less(command: str) -> list[str]:
    """The words after ``dpe``, with smaller numbers."""
    added = [more for start, more in LESS.items() if command.startswith(start)]
    return shlex.split(" ".join([command, *added]))[1:]


def run(command: str, store: Store, folder: Path) -> None:
    assert command.startswith("dpe "), f"{command!r} is neither run here nor listed as what cannot be run"
    done = store.run(folder, *less(command))
    # A machine may lack a device or a package and yet be well; the doctor then says so and leaves with 1.
    allowed = (0, 1) if command == "dpe doctor" else (0,)
    assert done.exit_code in allowed, f"{command}\n{done.output}\n{done.stderr}\n{done.exception!r}"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("standins"))


@pytest.mark.slow
@pytest.mark.parametrize("page", GRANTED)
def test_every_command_and_block_of_the_page_works(
    page: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page in NEEDS:
        pytest.importorskip(NEEDS[page])
    for name in GRANTED[page]:
        store.give(name, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("DPE_CACHE_DIR", str(store.folder / "cache"))
    for block in blocks(page):
        if block.language == "bash":
            for command in block.commands:
                if command not in NOT_RUN:
                    run(command, store, tmp_path)
        elif block.language == "python":
            exec(compile(block.text, page, "exec"), {})
        else:
            assert (page, block.language) in SEEN, f"nothing reads this block of {page}:\n{block.text}"
            SEEN[page, block.language](block.text, tmp_path)
    asked = [shlex.split(command) for command in commands(page) if command not in NOT_RUN]
    written = {words[words.index("-o") + 1] for words in asked if "-o" in words}
    assert [name for name in written if not (tmp_path / name).exists()] == []


def test_every_page_with_a_block_is_run_or_followed() -> None:
    assert {page for page in all_pages() if blocks(page)} == GRANTED.keys() | FOLLOWED.keys()


def test_a_command_that_nobody_runs_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="'ls -l' is neither run here nor listed"):
        run("ls -l", store, tmp_path)
    with pytest.raises(AssertionError, match=r"dpe plan gone\.otio"):
        run("dpe plan gone.otio", store, tmp_path)


def test_what_is_said_of_commands_is_said_of_commands_in_the_pages() -> None:
    there = [command for page in GRANTED for command in commands(page)]
    assert [command for command in NOT_RUN if command not in there] == []
    assert [start for start in LESS if not any(command.startswith(start) for command in there)] == []


def test_commands_of_other_programs_that_are_not_run_would_be_understood() -> None:
    from torch.distributed.run import parse_args

    for command in NOT_RUN:
        program, *words = shlex.split(command)
        if program == "make":
            assert re.search(
                rf"^\.PHONY:.* {words[0]}\b", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE
            )
        elif program == "torchrun":
            assert parse_args(words).training_script == "dpe"
        elif program.endswith("/pip"):
            places = [word.partition("[")[0] for word in words if not word.startswith("-") and word != "install"]
            assert [place for place in places if not (ROOT / place).exists()] == []
