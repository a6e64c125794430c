"""Writing a new plugin's distribution."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.core.files import replaced_folder, write_text
from dpe_toolkit.editing.stages import STAGES

__all__ = ["SCAFFOLD_KINDS", "NewPlugin", "write_plugin"]

SCAFFOLD_KINDS: dict[str, str] = {row.kind: row.template for row in STAGES if row.template}
"""Kind to the template that has it. Encoder, motion extractor and generator are made for each other."""

_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_SUFFIX = ".txt"
"""Templates of code carry it, so that no tool takes them for code of the toolkit."""


@dataclass(frozen=True, slots=True)
class NewPlugin:
    """What was written."""

    folder: Path
    name: str
    """What timelines and flags call its component."""
    package: str
    files: tuple[Path, ...]


def write_plugin(name: str, kind: str, parent: Path) -> NewPlugin:
    """A distribution in a new folder ``dpe-NAME`` under ``parent``, whole or not at all.

    Args:
        name: the plugin's and its component's name: lower-case words with dashes or underscores.
        kind: one of `SCAFFOLD_KINDS`.
        parent: an existing folder.

    Raises:
        OptionsError: the name or kind cannot be used, or the folder is there already.
    """
    if not _NAME.fullmatch(name):
        raise OptionsError(
            f"{name!r} is no name for a plugin", "lower-case words, e.g. soft_edge", "choose another name"
        )
    if kind not in SCAFFOLD_KINDS:
        raise OptionsError(
            f"there is no template for a {kind!r}", f"one of {', '.join(SCAFFOLD_KINDS)}", "name another"
        )
    words = name.replace("-", "_")
    folder = parent / f"dpe-{words.replace('_', '-')}"
    if not parent.is_dir():
        raise OptionsError(f"the folder {str(parent)!r} does not exist", "a folder that exists", "make it first")
    if folder.exists():
        raise OptionsError(
            f"{str(folder)!r} is there already", "a name that is free", "choose another name, or remove the folder"
        )
    names = {
        "dpe-newcomer": folder.name,
        "newcomer": words,
        "Newcomer": "".join(word.capitalize() for word in words.split("_")),
    }
    templates = resources.files("dpe_toolkit.plugins.scaffold") / "templates"
    with replaced_folder(folder) as part:
        for source in ("common", SCAFFOLD_KINDS[kind]):
            _copy(templates / source, part, names)
    files = tuple(sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file()))
    return NewPlugin(folder, words, f"dpe_{words}", files)


def _copy(source: Traversable, target: Path, names: dict[str, str]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        place = target / _filled(entry.name.removesuffix(_SUFFIX), names)
        if entry.is_dir():
            _copy(entry, place, names)
        else:
            write_text(place, _filled(entry.read_text(encoding="utf-8"), names))


def _filled(text: str, names: dict[str, str]) -> str:
    for token, value in names.items():
        text = text.replace(token, value)
    return text
