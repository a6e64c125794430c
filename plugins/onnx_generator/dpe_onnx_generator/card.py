"""What a network's inputs and outputs mean, as the file beside it declares."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dpe_toolkit.api import CheckpointError

__all__ = ["Card", "InputCard", "OutputCard", "read_card"]

Range = Literal["unit", "signed"]
_ACTION = "correct the file that declares the network, see the plugin's README"


class _Card(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputCard(_Card):
    """One input of the network: which values it takes, and in which range."""

    name: str
    """As the ONNX file calls it."""
    holds: Literal["source", "driver", "source_blendshapes", "target_blendshapes", "amount"]
    range: Range = "unit"
    """Of images."""


class OutputCard(_Card):
    """One output of the network: what it is, and in which range."""

    name: str
    holds: Literal["picture", "matte"]
    range: Range = "unit"


class Card(_Card):
    """What a file beside the network declares: its inputs and outputs by name."""

    margin: float = Field(default=1.5, ge=1, le=3)
    """Side of the crop over that of the face."""
    inputs: tuple[InputCard, ...] = Field(min_length=1)
    outputs: tuple[OutputCard, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Card:
        if [output.holds for output in self.outputs].count("picture") != 1:
            raise ValueError("exactly one output must hold the picture")
        if "source" not in {given.holds for given in self.inputs}:
            raise ValueError("one input must hold the source")
        return self


def read_card(weights: Path) -> Card:
    """The declaration beside an ONNX file.

    Raises:
        CheckpointError: it is missing or wrong.
    """
    path = weights.with_suffix(".toml")
    try:
        return Card.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise CheckpointError(
            f"nothing declares what the network takes: {path.name!r} cannot be read",
            "a TOML file beside the ONNX file",
            _ACTION,
            path=weights,
        ) from error
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise CheckpointError(
            f"{place or 'the declaration'} is wrong: {fault['msg']}", "", _ACTION, path=path
        ) from error
    except ValueError as error:
        raise CheckpointError(f"it is no TOML: {error}", "", _ACTION, path=path) from error
