"""What the pages have one run: their code blocks, and the commands in them."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The commands of a block of a shell, each on one line, without comments."""
        joined = re.sub(r"\\\n\s*", "", self.text)
        lines = (re.sub(r"(^|\s+)#.*$", "", line).rstrip() for line in joined.splitlines())
        return [line for line in lines if line]


def all_pages() -> list[str]:
    """Every page for users, authors and contributors, by its path in the repository."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")]
    found += ROOT.glob("dpe_toolkit/plugins/scaffold/templates/*/README.md.txt")
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    return [Block(language, textwrap.dedent(text)) for _, language, text in _BLOCK.findall(read(page))]


def block(page: str, language: str) -> str:
    """The text of the only block of its language."""
    (text,) = (one.text for one in blocks(page) if one.language == language)
    return text


def commands(page: str) -> list[str]:
    return [command for one in blocks(page) if one.language == "bash" for command in one.commands]


def mentioned(page: str) -> list[str]:
    """Commands of the program within the text, such as ``dpe relink cut.otio --search FOLDER``."""
    prose = _BLOCK.sub("", read(page))
    return [" ".join(command.split()) for command in re.findall(r"`(dpe [a-z][^`]*)`", prose)]
