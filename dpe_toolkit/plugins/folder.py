"""Plugins in a folder that are not installed, for whoever writes them."""

from __future__ import annotations

import importlib
import sys
import tomllib
from pathlib import Path

from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.hookspecs import ENTRY_POINT_GROUP
from dpe_toolkit.plugins.loading import PluginSource

__all__ = ["folder_sources"]

_MANIFEST = "pyproject.toml"


def folder_sources(folder: Path) -> list[PluginSource]:
    """The plugins that a distribution's ``pyproject.toml`` announces. Its code is found before what is installed.

    Args:
        folder: where the manifest lies; packages lie there too, or under ``src``.

    Raises:
        OptionsError: there is no manifest, or it announces no plugin.
    """
    manifest = folder / _MANIFEST
    action = f"name the folder of a distribution whose {_MANIFEST} has [project.entry-points.{ENTRY_POINT_GROUP!r}]"
    try:
        project = tomllib.loads(manifest.read_text(encoding="utf-8")).get("project", {})
        announced = dict(project.get("entry-points", {}).get(ENTRY_POINT_GROUP, {}))
    except OSError as error:
        raise OptionsError(f"it has no {_MANIFEST}", "a distribution", action, path=folder) from error
    except (ValueError, AttributeError, TypeError) as error:
        raise OptionsError(f"its {_MANIFEST} cannot be read: {error}", "TOML", action, path=folder) from error
    if not announced:
        raise OptionsError("it announces no plugin", "at least one entry point", action, path=folder)
    places = [str(place.resolve()) for place in (folder / "src", folder) if place.is_dir()]
    sys.path[:0] = [place for place in places if place not in sys.path]
    name, version, licence = (str(project.get(key, "")) for key in ("name", "version", "license"))
    return [
        PluginSource(
            plugin,
            lambda target=target: _load(str(target)),  # type: ignore[misc] # a bound default
            name,
            version,
            licence,
            must_state_api=True,
        )
        for plugin, target in sorted(announced.items())
    ]


def _load(target: str) -> object:
    """What an entry point's value means: ``module`` or ``module:attribute``."""
    module, _, attribute = target.partition(":")
    held: object = importlib.import_module(module)
    for name in filter(None, attribute.split(".")):
        held = getattr(held, name)
    return held
