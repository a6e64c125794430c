"""Imported weights: a folder of checked files, each with a record of where it came from."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dpe_toolkit.checkpoint.header import WeightsHeader
from dpe_toolkit.checkpoint.loading import initialise_network, load_network
from dpe_toolkit.checkpoint.reading import WeightsFormat, file_digest, read_weights
from dpe_toolkit.checkpoint.writing import save_weights
from dpe_toolkit.core.errors import CheckpointError, first_line, nearest_names
from dpe_toolkit.core.files import replaced, write_text
from dpe_toolkit.networks import Branch

__all__ = ["StoredWeights", "WeightsRecord", "WeightsStore", "find_weights", "usable_name"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_RESERVED = frozenset({"random"})
_RECORD_SUFFIX = ".json"


class WeightsRecord(BaseModel):
    """What is known of imported weights, stored as JSON beside them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = Field(1, alias="schema", description="version of this record")
    file: str = Field(description="name of the weights file in the same folder", pattern=r"^[a-z0-9][a-z0-9._-]*$")
    sha256: str = Field(description="digest of that file", pattern=r"^[0-9a-f]{64}$")
    header: WeightsHeader = Field(description="sizes, expression branch and licence")
    original_name: str = Field("", description="name of the file that was imported")
    original_sha256: str = Field("", description="its digest")
    original_format: WeightsFormat = Field("toolkit", description="its layout")
    source: str = Field("", description="where it was published")


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """One entry of the folder."""

    name: str
    path: Path
    """The weights file."""
    record: WeightsRecord


@dataclass(frozen=True, slots=True)
class WeightsStore:
    """Weights by name, in one folder. It is made at the first import."""

    folder: Path

    def names(self) -> list[str]:
        """Names of all entries, sorted."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name.removesuffix(_RECORD_SUFFIX) for path in self.folder.glob(f"[a-z0-9]*{_RECORD_SUFFIX}"))

    def get(self, name: str) -> StoredWeights:
        """The entry of that name.

        Raises:
            CheckpointError: there is none, or its record cannot be read.
        """
        path = self.folder / f"{name}{_RECORD_SUFFIX}"
        if not _NAME.fullmatch(name) or not path.is_file():
            raise CheckpointError(
                f"no weights are called {name!r} in {str(self.folder)!r}",
                nearest_names(name, self.names()),
                "import them with `dpe weights import FILE --name NAME`, or give the path of a file",
            )
        try:
            record = WeightsRecord.model_validate_json(path.read_bytes())
        except (OSError, ValidationError, ValueError) as error:
            raise CheckpointError(
                f"the record of weights {name!r} cannot be read ({first_line(error)[:200]})",
                "a record of schema 1",
                "import the weights again",
                path=path,
            ) from error
        return StoredWeights(name, self.folder / record.file, record)

    def add(
        self,
        path: Path,
        name: str | None = None,
        *,
        expression_branch: Branch | None = None,
        licence: str | None = None,
        source: str = "",
    ) -> StoredWeights:
        """Checks a weights file and keeps it under a name; an entry of that name is replaced whole.

        What edits faces is kept in the toolkit's own format, generator side only: nothing in it can run
        and a renderer reads it at once. A LIA checkpoint, which only initialises training, is kept as it is.

        Args:
            path: released, bare, toolkit or LIA weights.
            name: what they are called from now on; the file's own name where None.
            expression_branch: overrides what the file says.
            licence: overrides what the file says.
            source: where they were published.

        Raises:
            CheckpointError: the file is missing, damaged, hostile or of another network, the name cannot
                be used, or the folder cannot be written.
        """
        name = usable_name(path.stem.lower() if name is None else name)
        weights = read_weights(path)
        suffix = ".pt" if weights.format == "lia" else ".safetensors"
        target = self.folder / f"{name}{suffix}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with replaced(target) as part:
                header = _keep(path, weights.format, part, (expression_branch, licence))
                record = WeightsRecord(
                    schema=1,
                    file=target.name,
                    sha256=file_digest(part),
                    header=header,
                    original_name=path.name,
                    original_sha256=file_digest(path),
                    original_format=weights.format,
                    source=source,
                )
            self._write_record(name, record)
        except OSError as error:
            raise CheckpointError(
                f"weights {name!r} cannot be kept ({error.strerror or error})",
                "a folder that can be written, with room for the file",
                "choose another with --weights-dir, or make room",
                path=self.folder,
            ) from error
        return StoredWeights(name, target, record)

    def verify(self, name: str) -> StoredWeights:
        """The entry, after its digest and every key and shape were checked.

        Raises:
            CheckpointError: something differs from what was imported.
        """
        stored = self.get(name)
        digest = file_digest(stored.path)
        if digest != stored.record.sha256:
            raise CheckpointError(
                f"the digest of weights {name!r} is {digest}",
                f"{stored.record.sha256}, as when they were imported",
                "import them again: the file was changed or damaged",
                path=stored.path,
            )
        if stored.record.original_format == "lia":
            initialise_network(stored.path)
        else:
            load_network(stored.path)
        return stored

    def _write_record(self, name: str, record: WeightsRecord) -> None:
        path = self.folder / f"{name}{_RECORD_SUFFIX}"
        write_text(path, record.model_dump_json(by_alias=True, indent=2) + "\n")


def find_weights(value: str, *, folder: Path | None, base_dir: Path) -> Path:
    """The file that a name or a path means; a path is anything with a suffix or a folder in it.

    Args:
        value: name in the weights folder, or path.
        folder: the weights folder, None where there is none.
        base_dir: where relative paths start.

    Raises:
        CheckpointError: there is no such file.
    """
    path = base_dir / Path(value).expanduser()
    store = WeightsStore(folder) if folder is not None else None
    if store is not None and value in store.names():
        stored = store.get(value).path
        if stored.is_file():
            return stored.absolute()
    if path.is_file():
        return path.absolute()
    looks_like_path = os.sep in value or "/" in value or bool(Path(value).suffix)
    if store is not None and not looks_like_path:
        store.get(value)
    raise CheckpointError(
        "there is no such weights file" if looks_like_path else f"no weights are called {value!r}",
        "the path of a file, or a name that `dpe weights list` shows",
        "correct it, or import the file with `dpe weights import`",
        path=path if looks_like_path else folder,
    )


def usable_name(name: str) -> str:
    """The name, where weights may be called so.

    Raises:
        CheckpointError: it cannot be a name.
    """
    if _NAME.fullmatch(name) and name not in _RESERVED:
        return name
    raise CheckpointError(
        f"{name!r} cannot be a name of weights",
        "lower-case letters, digits, dots, dashes and underscores, up to 64, and not 'random'",
        "name them with --name",
    )


def _keep(path: Path, layout: WeightsFormat, part: Path, overrides: tuple[Branch | None, str | None]) -> WeightsHeader:
    """Writes what is kept of a file to ``part``, and returns its header."""
    given = dict(zip(("expression_branch", "licence"), overrides, strict=True))
    update = {name: value for name, value in given.items() if value is not None}
    if layout == "lia":
        started, _ = initialise_network(path)
        shutil.copyfile(path, part)
        return WeightsHeader.of(started.params).model_copy(update=update)
    network, header = load_network(path)
    header = header.model_copy(update=update)
    save_weights(part, network.state_dict(), header)
    return header
