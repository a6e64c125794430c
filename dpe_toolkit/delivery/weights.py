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
    content_digest,
    download,
    load_network,
    recognise,
    usable_name,
)
from dpe_toolkit.core.errors import CheckpointError, OptionsError, nearest_names
from dpe_toolkit.delivery.allowed import allowed_registry
from dpe_toolkit.delivery.folders import default_weights_dir

__all__ = [
    "StoredWeights",
    "WeightsList",
    "fetch_weights",
    "import_weights",
    "in_short",
    "list_weights",
    "record_of",
    "verify_weights",
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


def import_weights(
    file: Path,
    name: str | None = None,
    *,
    branch: Literal["pose", "exp"] | None = None,
    licence: str | None = None,
    folder: Path | None = None,
) -> StoredWeights:
    """Checks a file or folder of weights and keeps it under a name; None takes the file's.

    Raises:
        CheckpointError: it is no file or folder of weights that the toolkit or a plugin knows, or the name is taken.
    """
    store = weights_store(folder)
    return store.add(file, name, expression_branch=branch, licence=licence, describe=_ask_plugins)


def verify_weights(name: str, folder: Path | None = None) -> StoredWeights:
    """The weights, if they are what was imported.

    Raises:
        CheckpointError: they are not, or there are none of that name.
    """
    return weights_store(folder).verify(name, describe=_ask_plugins)


def in_short(stored: StoredWeights) -> tuple[str, str]:
    """What they are, and their licence."""
    record = stored.record
    if record.header is None:
        return f"of format {record.original_format}", record.licence or "unknown"
    return f"{record.header.size} px", record.header.licence


def record_of(stored: StoredWeights) -> dict[str, object]:
    """All that is known of weights, as plain values."""
    header = stored.record.header
    left_out = {"schema_version", "header", "facts"} | ({"licence"} if header else set())
    record = stored.record.model_dump(mode="json", exclude=left_out)
    sizes = header.model_dump(mode="json", exclude={"schema_version"}) if header else {}
    return {"name": stored.name, "path": str(stored.path), **stored.record.facts, **sizes, **record}


def weights_facts(name: str, folder: Path | None = None) -> dict[str, object]:
    """All that is known of weights of this name, or of the file or folder, as plain values.

    Raises:
        CheckpointError: there are none, or the file cannot be read.
    """
    store = weights_store(folder)
    path = Path(name)
    if name in store.names() or not path.exists():
        return record_of(store.get(name))
    known = recognise(path, _ask_plugins)
    facts: dict[str, object] = {"format": known.format, **known.facts}
    if known.own:
        _, header = load_network(path)
        facts = header.model_dump(mode="json", exclude={"schema_version"})
    return {"path": str(path), **facts, "sha256": content_digest(path)}


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
            describe=_ask_plugins,
        )
    finally:
        target.unlink(missing_ok=True)


def _ask_plugins(path: Path) -> tuple[str, dict[str, str]] | None:
    """Format and facts by the plugin that knows it. Plugins are loaded only for what is not the toolkit's."""
    return allowed_registry().describe_weights(path)


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
