"""Weights of networks: getting, keeping and checking them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dpe_toolkit.checkpoint import (
    KNOWN_WEIGHTS,
    KnownWeights,
    StoredWeights,
    WeightsStore,
    download,
    file_digest,
    load_network,
    usable_name,
)
from dpe_toolkit.core.errors import CheckpointError, OptionsError, nearest_names
from dpe_toolkit.delivery.folders import default_weights_dir

__all__ = [
    "StoredWeights",
    "WeightsList",
    "fetch_weights",
    "list_weights",
    "record_of",
    "weights_facts",
    "weights_store",
]


@dataclass(frozen=True, slots=True)
class WeightsList:
    """What is kept in the weights folder, and what is published."""

    folder: Path
    here: tuple[StoredWeights, ...]
    published: tuple[KnownWeights, ...]
    """All that the toolkit knows of, whether they are here or not."""
    faults: tuple[str, ...]
    """Of weights in the folder that cannot be read."""


def weights_store(folder: Path | None = None) -> WeightsStore:
    """The weights that are kept in a folder; None means the user's."""
    return WeightsStore(folder or default_weights_dir())


def list_weights(folder: Path | None = None) -> WeightsList:
    """The weights that are here, and the published ones."""
    store = weights_store(folder)
    entries, faults = [], []
    for name in store.names():
        try:
            entries.append(store.get(name))
        except CheckpointError as error:
            faults.append(str(error))
    return WeightsList(store.folder, tuple(entries), tuple(KNOWN_WEIGHTS.values()), tuple(faults))


def record_of(stored: StoredWeights) -> dict[str, object]:
    """All that is known of weights, as plain values."""
    record = stored.record.model_dump(mode="json", exclude={"schema_version", "header"})
    header = stored.record.header.model_dump(mode="json", exclude={"schema_version"})
    return {"name": stored.name, "path": str(stored.path), **header, **record}


def weights_facts(name: str, folder: Path | None = None) -> dict[str, object]:
    """All that is known of weights of this name, or of the file, as plain values.

    Raises:
        CheckpointError: there are none, or the file cannot be read.
    """
    store = weights_store(folder)
    path = Path(name)
    if name in store.names() or not path.is_file():
        return record_of(store.get(name))
    _, header = load_network(path)
    facts = header.model_dump(mode="json", exclude={"schema_version"})
    return {"path": str(path), **facts, "sha256": file_digest(path)}


def fetch_weights(
    name: str,
    *,
    address: str | None = None,
    sha256: str | None = None,
    branch: Literal["pose", "exp"] | None = None,
    licence: str | None = None,
    folder: Path | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> StoredWeights:
    """Downloads weights into the folder, checks them and keeps them under the name.

    Args:
        name: what to call them; of published weights, theirs.
        address: where the file lies; None takes what the toolkit knows.
        sha256: digest that the file must have; None takes what the toolkit knows, or any.
        branch: branch that edits the expression; None takes what the file says.
        licence: licence to be kept; None takes the publisher's.
        folder: weights folder; None means the user's.
        progress: told the bytes that are there and those that there are, None where that is not known.

    Raises:
        OptionsError: nothing is published under the name, or for people only, and no address is given.
        CheckpointError: the download failed or is not what it must be.
    """
    known = KNOWN_WEIGHTS.get(name)
    where = _address(name, known, address)
    store = weights_store(folder)
    target = store.folder / f".{usable_name(name)}.download"
    _make_folder(store.folder)
    download(where, target, sha256=sha256 or (known.sha256 if known else None), progress=progress)
    try:
        return store.add(
            target,
            name,
            expression_branch=branch,
            licence=licence or (known.licence if known else None),
            source=known.source if known else where,
        )
    finally:
        target.unlink(missing_ok=True)


def _address(name: str, known: KnownWeights | None, address: str | None) -> str:
    if address is not None:
        return address
    if known is None:
        raise OptionsError(
            f"no published weights are called {name!r}",
            nearest_names(name, KNOWN_WEIGHTS),
            "correct the name, or say where they lie with --address",
        )
    if known.address is None:
        raise OptionsError(
            f"weights {name!r} are published for people only, at {known.source}",
            "the address of the file itself",
            f"download them there and run `dpe weights import FILE --name {name}`; licence: {known.licence}",
        )
    return known.address


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(
            f"the weights folder cannot be made ({error.strerror or error})",
            "a folder that can be written",
            "choose another with --weights-dir",
            path=folder,
        ) from error
