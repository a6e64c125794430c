"""``dpe weights``: getting, keeping and checking the weights of networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from dpe_toolkit.cli import weights_fetch
from dpe_toolkit.cli.choices import WeightsDirOption
from dpe_toolkit.cli.screen import help_text, note, print_table, say
from dpe_toolkit.cli.weights_fetch import BranchOption, LicenceOption, NameArgument, report_weights

__all__ = ["app"]

_IMPORT = help_text(
    "Check weights and keep them under a name.",
    "Reads released checkpoints (dpe.pt), a generator's state alone, the toolkit's own files, and LIA checkpoints, "
    "which only initialise training; and files and folders of formats that plugins read. Nothing in them is run.",
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

JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]

app = typer.Typer(help="Weights of networks: get, keep, check.", no_args_is_help=True)


@app.command("import", help=_IMPORT)
def import_weights(
    file: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="Weights file, or a folder of several.")],
    *,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What to call them; by default as the file.")] = None,
    branch: BranchOption = None,
    licence: LicenceOption = None,
    weights_dir: WeightsDirOption = None,
) -> None:
    """Keeps the file in the weights folder."""
    from dpe_toolkit.delivery import weights

    report_weights(weights.import_weights(file, name, branch=branch, licence=licence, folder=weights_dir))


@app.command("list", help=_LIST)
def list_weights(*, as_json: JsonOption = False, weights_dir: WeightsDirOption = None) -> None:
    """Prints one line for each."""
    from dpe_toolkit.delivery.weights import in_short, list_weights, record_of

    found = list_weights(weights_dir)
    if as_json:
        published = [{"name": item.name, "source": item.source} for item in found.published]
        say(json.dumps({"here": [record_of(stored) for stored in found.here], "published": published}, indent=2))
    else:
        rows = [(one.name, "here", *in_short(one)) for one in found.here]
        held = {one.name for one in found.here}
        known = [item for item in found.published if item.name not in held]
        rows += [(item.name, "published", item.source, item.licence) for item in known]
        print_table(("name", "where", "what", "licence"), rows)
        note(f"the weights folder is {found.folder}")
    for fault in found.faults:
        note(fault, label="error", style="bold red")


@app.command("show", help=_SHOW)
def show_weights(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Name of weights, a file or a folder.")],
    *,
    as_json: JsonOption = False,
    weights_dir: WeightsDirOption = None,
) -> None:
    """Prints all that is known of them."""
    from dpe_toolkit.delivery.weights import weights_facts

    known = weights_facts(name, weights_dir)
    if as_json:
        say(json.dumps(known, indent=2))
        return
    for key, value in known.items():
        say(f"{key.replace('_', ' ')}: {value}")


@app.command("verify", help=_VERIFY)
def verify_weights(name: NameArgument, *, weights_dir: WeightsDirOption = None) -> None:
    """Says so where all is well, and fails where it is not."""
    from dpe_toolkit.delivery import weights

    stored = weights.verify_weights(name, weights_dir)
    note(f"{stored.name} is what was imported ({stored.record.sha256})", label="verified", style="green")


app.command("fetch", help=weights_fetch.HELP)(weights_fetch.fetch_weights)
