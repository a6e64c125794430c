from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from dpe_toolkit.cli.expansion import expand_options


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    share: Annotated[float, typer.Option(help="How much.")] = 1.0
    label: str = ""


def greet(name: str, *, amounts: Amounts, loud: bool = False) -> None:
    print(name, amounts, loud)


def test_each_field_becomes_an_option_in_place_of_the_dataclass() -> None:
    assert list(inspect.signature(expand_options(greet)).parameters) == ["name", "share", "label", "loud"]


def test_the_command_gets_the_dataclass_back() -> None:
    app = typer.Typer()
    app.command()(expand_options(greet))
    result = CliRunner().invoke(app, ["you", "--share", "0.5", "--loud"])
    assert result.output == f"you {Amounts(share=0.5)} True\n"
