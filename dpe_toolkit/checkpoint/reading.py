"""Reads weights files of every known layout without running anything that they hold."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from torch import Tensor

from dpe_toolkit.checkpoint.header import HEADER_KEY, WeightsHeader
from dpe_toolkit.core.errors import CheckpointError

__all__ = ["WeightsFile", "WeightsFormat", "content_digest", "file_digest", "folder_files", "read_weights"]

WeightsFormat: TypeAlias = Literal["released", "state", "toolkit", "lia"]
"""``released``: ``gen``, ``dis`` and optimisers; ``state``: one network's tensors alone;
``toolkit``: safetensors with our header; ``lia``: a checkpoint that only initialises training."""

_ACCEPTED = "Released DPE or LIA checkpoints (.pt), a network's state alone, and safetensors files are read"
_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"
_safe_globals_lock = threading.Lock()


class _IgnoredArguments:
    """Stands for the ``argparse.Namespace`` of training arguments in a released file.

    It takes no arguments and defines nothing, so that unpickling can at most fill its dictionary;
    not even ``argparse`` itself is reached. No other name is allowed beyond what torch's
    weights-only unpickler builds tensors from.
    """


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """The tensors of one file, sorted by network. They may still be mapped from it: copy before writing."""

    path: Path
    """Where it was read."""
    format: WeightsFormat
    """What its content is, whatever its name says."""
    generator: Mapping[str, object]
    """State of the generator side; of LIA's network for ``lia``. Empty when there is none."""
    discriminator: Mapping[str, object]
    """State of the discriminator. Empty when there is none."""
    header: WeightsHeader | None
    """Only in files of format ``toolkit``."""


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file's content, in hexadecimal.

    Raises:
        CheckpointError: the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(Path(path), error) from error


def folder_files(folder: Path) -> list[Path]:
    """Every file of a folder of weights and of the folders in it, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def content_digest(path: Path) -> str:
    """SHA-256 of a file's content, or of the names and contents of all files of a folder.

    Raises:
        CheckpointError: something in it cannot be read.
    """
    if not path.is_dir():
        return file_digest(path)
    listed = "\n".join(f"{one.relative_to(path).as_posix()} {file_digest(one)}" for one in folder_files(path))
    return hashlib.sha256(listed.encode()).hexdigest()


def read_weights(path: str | Path) -> WeightsFile:
    """The tensors of a weights file, its format told from its content and never from its name.

    Raises:
        CheckpointError: the file is missing, damaged, hostile, or no weights file.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(16)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise _unreadable(path, error) from error
    # First, since the length that a safetensors file begins with may look like a pickle's mark.
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= size - 8:
        return _load_safetensors(path)
    if start.startswith(_ZIP):
        return _sort(path, _load_pickled(path, mapped=True))
    if start.startswith(_PICKLE):
        return _sort(path, _load_pickled(path, mapped=False))
    if start[8:9] == b"{":
        return _load_safetensors(path)
    wrong = f"it starts with {start[:8]!r}, which no weights file does" if start else "it is empty"
    raise CheckpointError(wrong, _ACCEPTED, "Check that the download is complete and the right file", path=path)


def _unreadable(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(
        f"it cannot be opened ({error.strerror or error})",
        "A readable weights file",
        "Check the path, or list the known weights with `dpe weights list`",
        path=path,
    )


def _load_pickled(path: Path, *, mapped: bool) -> object:
    placeholder = (_IgnoredArguments, "argparse.Namespace")
    try:
        # The allow-list is process-wide while the context lasts.
        with _safe_globals_lock, torch.serialization.safe_globals([placeholder]):
            # torch takes a name that ends so for safetensors and never looks inside.
            if mapped and path.suffix != ".safetensors":
                return torch.load(path, map_location="cpu", mmap=True, weights_only=True)
            with path.open("rb") as file:
                return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"it was refused, since loading it could run code or it is damaged ({_first_line(error)})",
            "A weights file holds tensors, numbers and names only",
            "Do not load it any other way unless you trust its author; get the weights from their publisher",
            path=path,
        ) from error
    except Exception as error:  # damaged bytes make the unpickler raise nearly anything
        raise CheckpointError(
            f"it is damaged or truncated ({type(error).__name__}: {_first_line(error)})",
            "A complete file written by torch.save",
            "Download it again and compare its digest",
            path=path,
        ) from error


def _first_line(error: Exception) -> str:
    """The cause alone: torch's advice to switch the check off must not reach the reader."""
    refused = re.search(r"GLOBAL (\S+)", str(error))
    if refused:
        return f"it asks for {refused.group(1)!r}"
    lines = [line.strip() for line in str(error).splitlines() if "weights_only" not in line]
    return next((line for line in lines if line), type(error).__name__)[:200]


def _sort(path: Path, loaded: object) -> WeightsFile:
    if isinstance(loaded, Mapping):
        inner = loaded.get("gen")
        generator = _tensors(inner if isinstance(inner, Mapping) else loaded)
        dis = loaded.get("dis")
        discriminator = _tensors(dis) if isinstance(dis, Mapping) else {}
        if any(key.startswith(("dec.", "enc.fc.")) for key in generator):
            return WeightsFile(path, "lia", generator, discriminator, None)
        if isinstance(inner, Mapping):
            return WeightsFile(path, "released", generator, discriminator, None)
        if any(isinstance(value, Tensor) for value in generator.values()):
            return _bare_state(path, generator)
        if discriminator:
            return WeightsFile(path, "released", {}, discriminator, None)
        found = f"it holds {', '.join(map(repr, list(loaded)[:5])) or 'nothing'}"
    else:
        found = f"it holds a {type(loaded).__name__}"
    raise CheckpointError(found, _ACCEPTED, "Give a file that holds a network's weights", path=path)


def _bare_state(path: Path, state: Mapping[str, object]) -> WeightsFile:
    if any(key.startswith("final_linear.") for key in state):
        return WeightsFile(path, "state", {}, state, None)
    return WeightsFile(path, "state", state, {}, None)


def _tensors(state: Mapping[object, object]) -> dict[str, object]:
    """The state with the prefix that a parallel wrapper puts before every key removed."""
    names = {str(key): value for key, value in state.items()}
    wrapped = bool(names) and all(key.startswith("module.") for key in names)
    return {key.removeprefix("module."): value for key, value in names.items()} if wrapped else names


def _load_safetensors(path: Path) -> WeightsFile:
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
            state: dict[str, object] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"it is damaged or truncated ({_first_line(error)})",
            "A complete safetensors file",
            "Download it again and compare its digest",
            path=path,
        ) from error
    text = metadata.get(HEADER_KEY)
    if text is None:
        return _bare_state(path, state)
    try:
        header = WeightsHeader.model_validate_json(text)
        header.params  # noqa: B018 - checks the sizes
    except (ValidationError, ValueError) as error:
        raise CheckpointError(
            f"its header {text[:200]!r} is not understood ({_first_line(error)})",
            "A header of schema 1",
            "Use the version of the toolkit that wrote the file, or a newer one",
            path=path,
        ) from error
    parts: dict[str, dict[str, object]] = {"gen": {}, "dis": {}}
    for key, value in state.items():
        part, _, name = key.partition(".")
        parts.setdefault(part, {})[name] = value
    return WeightsFile(path, "toolkit", parts["gen"], parts["dis"], header)
