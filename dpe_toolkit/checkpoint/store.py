"""Imported weights: a folder of checked files, or folders of files, each with a record of where it came from."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dpe_toolkit.checkpoint.header import WeightsHeader
from dpe_toolkit.checkpoint.loading import initialise_network, load_network, network_of
from dpe_toolkit.checkpoint.reading import WeightsFormat, content_digest, folder_files, read_weights
from dpe_toolkit.checkpoint.writing import save_weights
from dpe_toolkit.core.errors import CheckpointError, first_line, nearest_names
from dpe_toolkit.core.files import replaced, replaced_folder, write_text
from dpe_toolkit.networks import Branch

__all__ = ["StoredWeights", "WeightsRecord", "WeightsStore", "find_weights", "recognise", "usable_name"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_RESERVED = frozenset({"random"})
_RECORD_SUFFIX = ".json"
_FOLDER_SUFFIX = ".folder"
_SUFFIX = re.compile(r"\.(?!json$)[a-z0-9]{1,16}")
DescribeFile: TypeAlias = Callable[[Path], tuple[str, dict[str, str]] | None]
"""The plugin's format that weights are of, by name, with what the plugin says of them; None where none knows them."""


class WeightsRecord(BaseModel):
    """What is known of imported weights, stored as JSON beside them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = Field(1, alias="schema", description="version of this record")
    file: str = Field(description="name of the weights in the same folder", pattern=r"^[a-z0-9][a-z0-9._-]*$")
    sha256: str = Field(
        description="digest of that file or folder",
        pattern=r"^[0-9a-f]{64}$",
    )
    header: WeightsHeader | None = Field(None, description="sizes, expression branch and licence of a DPE network")
    facts: dict[str, str] = Field(default_factory=dict, description="what a plugin says of weights of its own format")
    licence: str = Field("", description="licence, of weights without header")
    original_name: str = Field("", description="name of the file that was imported")
    original_sha256: str = Field("", description="its digest")
    original_format: str = Field("toolkit", description="its layout: one of the toolkit's, or a plugin's by name")
    source: str = Field("", description="where it was published")


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """One entry of the folder."""

    name: str
    path: Path
    """The weights file, or the folder of several."""
    record: WeightsRecord


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What a weights file is."""

    format: str
    """One of the toolkit's layouts, or the name of a plugin's format."""
    suffix: str
    """Under which it is kept."""
    facts: dict[str, str] = field(default_factory=dict)
    """What the plugin says of it."""

    @property
    def own(self) -> bool:
        """It is of a DPE network, which the toolkit reads itself."""
        return self.format in get_args(WeightsFormat)


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
        describe: DescribeFile | None = None,
    ) -> StoredWeights:
        """Checks a weights file or folder and keeps it under a name; an entry of that name is replaced whole.

        What edits faces is kept in the toolkit's own format, generator side only: nothing in it can run
        and a renderer reads it at once. A LIA checkpoint, which only initialises training, and a file or
        folder of a plugin's format are kept as they are.

        Args:
            path: released, bare, toolkit or LIA weights, or what a plugin reads; a folder only of the latter.
            name: what they are called from now on; the file's own name where None.
            expression_branch: overrides what the file says.
            licence: overrides what the file says.
            source: where they were published.
            describe: asks plugins about a file that is none of the toolkit's.

        Raises:
            CheckpointError: the file is missing, damaged, hostile or of another network, the name cannot
                be used, or the folder cannot be written.
        """
        called = path.resolve().name if path.is_dir() else path.name
        name = usable_name(Path(called).stem.lower() if name is None else name)
        known = recognise(path, describe)
        target = self.folder / f"{name}{known.suffix}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with replaced_folder(target) if path.is_dir() else replaced(target) as part:
                header = _keep(path, known, part, (expression_branch, licence))
                record = WeightsRecord(
                    schema=1,
                    file=target.name,
                    sha256=content_digest(part),
                    header=header,
                    facts=known.facts,
                    licence=(licence or known.facts.get("licence", "")) if header is None else "",
                    original_name=called,
                    original_sha256=content_digest(path),
                    original_format=known.format,
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

    def verify(self, name: str, *, describe: DescribeFile | None = None) -> StoredWeights:
        """The entry, after its digest and every key and shape were checked.

        Args:
            name: what the weights are called.
            describe: asks plugins about a file of theirs; None leaves it at the digest.

        Raises:
            CheckpointError: something differs from what was imported.
        """
        stored = self.get(name)
        digest = content_digest(stored.path)
        if digest != stored.record.sha256:
            raise CheckpointError(
                f"the digest of weights {name!r} is {digest}",
                f"{stored.record.sha256}, as when they were imported",
                "import them again: the file was changed or damaged",
                path=stored.path,
            )
        if stored.record.original_format == "lia":
            initialise_network(stored.path)
        elif stored.record.header is not None:
            load_network(stored.path)
        elif describe is not None:
            _check_format(stored, describe)
        return stored

    def _write_record(self, name: str, record: WeightsRecord) -> None:
        path = self.folder / f"{name}{_RECORD_SUFFIX}"
        write_text(path, record.model_dump_json(by_alias=True, indent=2) + "\n")


def find_weights(value: str, *, folder: Path | None, base_dir: Path, folders: bool = False) -> Path:
    """The file that a name or a path means; a path is anything with a suffix or a folder in it.

    Args:
        value: name in the weights folder, or path.
        folder: the weights folder, None where there is none.
        base_dir: where relative paths start.
        folders: a path may be that of a folder.

    Raises:
        CheckpointError: there is no such file, or it is a folder where a file is wanted.
    """
    path = base_dir / Path(value).expanduser()
    store = WeightsStore(folder) if folder is not None else None
    if store is not None and value in store.names():
        stored = store.get(value).path
        if stored.is_file() or (folders and stored.is_dir()):
            return stored.absolute()
        if stored.is_dir():
            raise CheckpointError(
                f"weights {value!r} are a folder of files",
                "weights in one file",
                "name others; only an option that its plugin marks with Weights(folder=True) takes a folder",
                path=stored,
            )
    if path.is_file() or (folders and path.is_dir()):
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


def recognise(path: Path, describe: DescribeFile | None = None) -> KnownFile:
    """What a weights file or folder is: the toolkit's own formats are tried first, then plugins are asked.

    Raises:
        CheckpointError: it is missing, damaged, hostile, or nobody knows it.
    """
    if path.is_dir():
        return _recognise_folder(path, describe)
    try:
        weights = read_weights(path)
        if weights.format == "lia":
            return KnownFile("lia", ".pt")
        network_of(weights)
    except CheckpointError:
        found = describe(path) if describe is not None and path.is_file() else None
        if found is None:
            raise
        suffix = path.suffix.lower()
        return KnownFile(found[0], suffix if _SUFFIX.fullmatch(suffix) else ".weights", found[1])
    return KnownFile(weights.format, ".safetensors")


def _recognise_folder(path: Path, describe: DescribeFile | None) -> KnownFile:
    found = describe(path) if describe is not None and folder_files(path) else None
    if found is None:
        raise CheckpointError(
            "it is a folder, which no installed plugin takes for weights of its own",
            "a weights file, or a folder of a format that a plugin reads",
            "name the file, or install the plugin (its CheckpointFormat must state folders=True)",
            path=path,
        )
    return KnownFile(found[0], _FOLDER_SUFFIX, found[1])


def _check_format(stored: StoredWeights, describe: DescribeFile) -> None:
    found = describe(stored.path)
    if found is not None and found[0] == stored.record.original_format:
        return
    raise CheckpointError(
        f"no installed plugin takes weights {stored.name!r} for its own",
        f"the format {stored.record.original_format!r}, as when they were imported",
        "install the plugin that reads them",
        path=stored.path,
    )


def _keep(
    path: Path, known: KnownFile, part: Path, overrides: tuple[Branch | None, str | None]
) -> WeightsHeader | None:
    """Writes what is kept of a file to ``part``, and returns its header; None for a plugin's format."""
    given = dict(zip(("expression_branch", "licence"), overrides, strict=True))
    update = {name: value for name, value in given.items() if value is not None}
    if path.is_dir():
        for file in folder_files(path):
            copy = part / file.relative_to(path)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        return None
    if not known.own:
        shutil.copyfile(path, part)
        return None
    if known.format == "lia":
        started, _ = initialise_network(path)
        shutil.copyfile(path, part)
        return WeightsHeader.of(started.params).model_copy(update=update)
    network, header = load_network(path)
    header = header.model_copy(update=update)
    save_weights(part, network.state_dict(), header)
    return header
