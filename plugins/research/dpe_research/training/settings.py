"""From names, files and assignments to a `TrainingConfig`, and back to a file."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ValidationError

from dpe_research.training.config import TrainingConfig
from dpe_research.training.presets import PRESETS
from dpe_toolkit.api import OptionsError, nearest_names, replaced

__all__ = ["config_digest", "load_config", "parse_setting", "write_config"]

PRESET_KEY = "preset"
DEFAULT_PRESET = "paper"
_FREE_TABLES = ("perceptual.options", "expression.options")
# What changes neither the weights nor their meaning.
_NO_PART_OF_RESULTS = ("logging", "compute.devices", "compute.threads", "data.path", "data.workers")


def load_config(base: str | Path = DEFAULT_PRESET, assignments: Mapping[str, object] | None = None) -> TrainingConfig:
    """The configuration that a preset's name or a TOML file means, with single values put in its place.

    An assignment goes before the file, the file before the preset that it names by ``preset = "..."`` (else
    "paper").

    Args:
        base: name of a preset, or a file.
        assignments: dotted name to value, such as ``data.batch_size`` or ``stages.0.steps``.

    Raises:
        OptionsError: no such preset or file, an unknown name (the nearest are offered), a value out of bounds.
    """
    values = _base_values(base)
    for name, value in (assignments or {}).items():
        _assign(values, name, value)
    return _validated(values, str(base))


def parse_setting(text: str) -> tuple[str, object]:
    """Dotted name and value of ``name=value``; the value is read as JSON where it is JSON, else taken as text.

    Raises:
        OptionsError: the text has another form.
    """
    name, equals, value = text.partition("=")
    if not (equals and name.strip()):
        raise OptionsError(f"{text!r} is no assignment", "name=value, e.g. data.batch_size=8", "correct the --set")
    try:
        return name.strip().replace("-", "_"), json.loads(value)
    except ValueError:
        return name.strip().replace("-", "_"), value.strip()


def write_config(path: Path, config: TrainingConfig) -> None:
    """Writes every value of ``config`` as TOML; read back, the file gives an equal configuration."""
    import tomli_w

    content = tomli_w.dumps(config.model_dump(mode="json"))
    with replaced(path) as part:
        part.write_text(content, encoding="utf-8")


def config_digest(config: TrainingConfig) -> str:
    """``sha256:...`` of what decides the result: without paths, worker counts and logging."""
    values = cast("dict[str, object]", config.model_dump(mode="json"))
    for name in _NO_PART_OF_RESULTS:
        table, _, key = name.rpartition(".")
        holder = cast("dict[str, object]", values[table]) if table else values
        del holder[key]
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _base_values(base: str | Path) -> dict[str, object]:
    if str(base) in PRESETS:
        return PRESETS[str(base)].model_dump(mode="json")
    path = Path(base)
    if not path.is_file():
        raise OptionsError(
            f"there is neither a preset nor a file called {str(base)!r}",
            nearest_names(str(base), PRESETS),
            "correct the name, or give the path of a TOML file",
        )
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OptionsError(f"it cannot be read: {error}", "a TOML file", "correct the file", path=path) from error
    preset = told.pop(PRESET_KEY, DEFAULT_PRESET)
    if preset not in PRESETS:
        raise OptionsError(
            f"there is no preset {preset!r}", nearest_names(str(preset), PRESETS), "correct its name", path=path
        )
    values = PRESETS[preset].model_dump(mode="json")
    _merge(values, told, "", path)
    return values


def _merge(values: dict[str, object], told: Mapping[str, object], where: str, path: Path) -> None:
    """Puts what a file says over the values of its preset, table by table."""
    for key, value in told.items():
        name = f"{where}{key}"
        held = values.get(key)
        if where.rstrip(".") not in _FREE_TABLES and key not in values:
            raise OptionsError(
                f"there is no setting {name!r}",
                nearest_names(name, [where + other for other in values]),
                "correct its name",
                path=path,
            )
        if isinstance(held, dict) and isinstance(value, dict):
            _merge(held, value, f"{name}.", path)
        else:
            values[key] = value


def _assign(values: dict[str, object], name: str, value: object) -> None:
    *tables, last = name.split(".")
    holder: object = values
    done: list[str] = []
    for key in tables:
        holder = _step_into(holder, key, done)
        done.append(key)
    if isinstance(holder, list) and last.isdecimal() and int(last) < len(holder):
        holder[int(last)] = value
    elif isinstance(holder, dict) and (last in holder or ".".join(done) in _FREE_TABLES):
        holder[last] = value
    else:
        raise _unknown(holder, last, done)


def _step_into(holder: object, key: str, done: list[str]) -> object:
    if isinstance(holder, dict) and key in holder:
        return holder[key]
    if isinstance(holder, list) and key.isdecimal() and int(key) < len(holder):
        return holder[int(key)]
    raise _unknown(holder, key, done)


def _unknown(holder: object, key: str, done: list[str]) -> OptionsError:
    known = holder.keys() if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
    prefix = "".join(f"{part}." for part in done)
    if not known:
        expected = f"{prefix[:-1]!r} holds a single value" if done else ""
    else:
        expected = nearest_names(f"{prefix}{key}", [f"{prefix}{other}" for other in known])
    return OptionsError(f"there is no setting {prefix + key!r}", expected, "correct its name")


def _validated(values: dict[str, object], owner: str) -> TrainingConfig:
    try:
        return TrainingConfig.model_validate(values)
    except ValidationError as error:
        fault = error.errors()[0]
        name = ".".join(str(part) for part in fault["loc"])
        seen = "" if isinstance(fault["input"], dict | BaseModel) else f" = {fault['input']!r}"
        what = f"setting {name}{seen}" if name else "a combination of settings"
        raise OptionsError(
            f"{what} is not accepted (configuration {owner!r})",
            fault["msg"].removeprefix("Value error, "),
            "correct the value" if name else "change one of them",
        ) from error
