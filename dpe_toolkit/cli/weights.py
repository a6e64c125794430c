"""``dpe weights``: getting, keeping and checking the weights of networks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dpe_toolkit.cli.choices import PartChoices, WeightsDirOption
from dpe_toolkit.cli.screen import help_text, note, notes_console, print_table, say
from dpe_toolkit.core.errors import CheckpointError, OptionsError, nearest_names

if TYPE_CHECKING:
    from dpe_toolkit.checkpoint import StoredWeights, WeightsStore

__all__ = ["app"]

_IMPORT = help_text(
    "Check a weights file and keep it under a name.",
    "Reads released checkpoints (dpe.pt), a generator's state alone, the toolkit's own files, and LIA checkpoints, "
    "which only initialise training. Nothing in the file is run.",
    examples=("dpe weights import dpe.pt", "dpe weights import run7.safetensors --name mine"),
)
_LIST = help_text(
    "List the weights that are here, and the published ones that the toolkit knows of.",
    examples=("dpe weights list", "dpe weights list --json"),
)
_SHOW = help_text(
    "Show what is known of weights: sizes, licence, digest, where they came from.",
    examples=("dpe weights show dpe", "dpe weights show file.safetensors --json"),
)
_VERIFY = help_text(
    "Check that weights are what was imported: digest, keys and shapes.", examples=("dpe weights verify dpe",)
)
_FETCH = help_text(
    "Download weights, check them and keep them under a name.",
    "A download that broke off goes on where it stopped. Only https is downloaded from. Mind the licence: "
    "'dpe weights list' says what the publisher states.",
    examples=("dpe weights fetch dpe", "dpe weights fetch mine --address https://example.org/w.safetensors"),
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of weights.")]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]
BranchOption = Annotated[
    Literal["pose", "exp"] | None,
    typer.Option(help="Branch that edits the expression; by default what the file says, pose in released files."),
]
LicenceOption = Annotated[str | None, typer.Option(metavar="TEXT", help="Licence of the weights, to be kept.")]

app = typer.Typer(help="Weights of networks: get, keep, check.", no_args_is_help=True)


@app.command("import", help=_IMPORT)
def import_weights(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Weights file.")],
    *,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call them; by default the file's name.")
    ] = None,
    branch: BranchOption = None,
    licence: LicenceOption = None,
    weights_dir: WeightsDirOption = None,
) -> None:
    """Keeps the file in the weights folder."""
    stored = _store(weights_dir).add(file, name, expression_branch=branch, licence=licence, describe=_ask_plugins)
    _report(stored)


@app.command("list", help=_LIST)
def list_weights(*, as_json: JsonOption = False, weights_dir: WeightsDirOption = None) -> None:
    """Prints one line for each."""
    from dpe_toolkit.checkpoint import KNOWN_WEIGHTS

    store = _store(weights_dir)
    entries, faults = [], []
    for name in store.names():
        try:
            entries.append(store.get(name))
        except CheckpointError as error:
            faults.append(str(error))
    if as_json:
        published = [{"name": item.name, "source": item.source} for item in KNOWN_WEIGHTS.values()]
        say(json.dumps({"here": [_record(stored) for stored in entries], "published": published}, indent=2))
    else:
        rows = [(one.name, "here", *_in_short(one)) for one in entries]
        held = {one.name for one in entries}
        known = [item for item in KNOWN_WEIGHTS.values() if item.name not in held]
        rows += [(item.name, "published", item.source, item.licence) for item in known]
        print_table(("name", "where", "what", "licence"), rows)
        note(f"the weights folder is {store.folder}")
    for fault in faults:
        note(fault, label="error", style="bold red")


@app.command("show", help=_SHOW)
def show_weights(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Name of weights, or a file.")],
    *,
    as_json: JsonOption = False,
    weights_dir: WeightsDirOption = None,
) -> None:
    """Prints all that is known of them."""
    known = _facts(name, _store(weights_dir))
    if as_json:
        say(json.dumps(known, indent=2))
        return
    for key, value in known.items():
        say(f"{key.replace('_', ' ')}: {value}")


@app.command("verify", help=_VERIFY)
def verify_weights(name: NameArgument, *, weights_dir: WeightsDirOption = None) -> None:
    """Says so where all is well, and fails where it is not."""
    stored = _store(weights_dir).verify(name, describe=_ask_plugins)
    note(f"{stored.name} is what was imported ({stored.record.sha256})", label="verified", style="green")


@app.command("fetch", help=_FETCH)
def fetch_weights(
    name: NameArgument,
    *,
    address: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the file lies; by default what the toolkit knows.")
    ] = None,
    sha256: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Digest that the file must have, if you know it.")
    ] = None,
    branch: BranchOption = None,
    licence: LicenceOption = None,
    weights_dir: WeightsDirOption = None,
) -> None:
    """Downloads into the weights folder and imports from there."""
    from dpe_toolkit.checkpoint import KNOWN_WEIGHTS, download, usable_name

    known = KNOWN_WEIGHTS.get(name)
    if known is None and address is None:
        raise OptionsError(
            f"no published weights are called {name!r}",
            nearest_names(name, KNOWN_WEIGHTS),
            "correct the name, or say where they lie with --address",
        )
    where = address or (known.address if known else None)
    if where is None and known is not None:
        raise OptionsError(
            f"weights {name!r} are published for people only, at {known.source}",
            "the address of the file itself",
            f"download them there and run `dpe weights import FILE --name {name}`; licence: {known.licence}",
        )
    assert where is not None
    store = _store(weights_dir)
    target = store.folder / f".{usable_name(name)}.download"
    _make_folder(store.folder)
    with _shown_download(name) as progress:
        download(where, target, sha256=sha256 or (known.sha256 if known else None), progress=progress)
    try:
        text = licence or (known.licence if known else None)
        stored = store.add(
            target,
            name,
            expression_branch=branch,
            licence=text,
            source=known.source if known else where,
            describe=_ask_plugins,
        )
    finally:
        target.unlink(missing_ok=True)
    _report(stored)


def _store(folder: Path | None) -> WeightsStore:
    from dpe_toolkit.checkpoint import WeightsStore

    return WeightsStore(PartChoices(weights_dir=folder).weights_folder)


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


def _ask_plugins(path: Path) -> tuple[str, dict[str, str]] | None:
    """Format and facts of a file by the plugin that knows it. Plugins are loaded only for what is not the toolkit's."""
    from dpe_toolkit.cli.allowed import allowed_registry

    return allowed_registry().describe_weights(path)


def _in_short(stored: StoredWeights) -> tuple[str, str]:
    """What they are, and their licence."""
    record = stored.record
    if record.header is None:
        return f"of format {record.original_format}", record.licence or "unknown"
    return f"{record.header.size} px", record.header.licence


def _report(stored: StoredWeights) -> None:
    what, licence = _in_short(stored)
    header = stored.record.header
    branch = "" if header is None else f", branch {header.expression_branch!r} edits the expression"
    note(f"{stored.name}: {what}{branch}, licence {licence!r}", label="imported", style="green")
    if licence == "unknown":
        note("the file states no licence: look up what its publisher allows", label="note", style="yellow")


def _record(stored: StoredWeights) -> dict[str, object]:
    header = stored.record.header
    left_out = {"schema_version", "header", "facts"} | ({"licence"} if header else set())
    record = stored.record.model_dump(mode="json", exclude=left_out)
    sizes = header.model_dump(mode="json", exclude={"schema_version"}) if header else {}
    return {"name": stored.name, "path": str(stored.path), **stored.record.facts, **sizes, **record}


def _facts(name: str, store: WeightsStore) -> dict[str, object]:
    from dpe_toolkit.checkpoint import file_digest, load_network, recognise

    path = Path(name)
    if name in store.names() or not path.is_file():
        return _record(store.get(name))
    known = recognise(path, _ask_plugins)
    facts: dict[str, object] = {"format": known.format, **known.facts}
    if known.own:
        _, header = load_network(path)
        facts = header.model_dump(mode="json", exclude={"schema_version"})
    return {"path": str(path), **facts, "sha256": file_digest(path)}


@contextmanager
def _shown_download(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """Gives what to tell of a download's progress, drawn as a bar in a terminal."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = notes_console()
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task(f"download {name}", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
