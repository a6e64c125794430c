from __future__ import annotations

import importlib
import pkgutil

import pytest

import dpe_toolkit

PACKAGES = ["dpe_toolkit"] + [
    f"dpe_toolkit.{module.name}" for module in pkgutil.iter_modules(dpe_toolkit.__path__) if module.ispkg
]


def exported_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, each in alphabetical order: the order ruff keeps."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    return kind, name


@pytest.mark.parametrize("name", [*PACKAGES, "dpe_toolkit.api"])
def test_public_packages_list_what_they_export_in_order(name: str) -> None:
    module = importlib.import_module(name)
    assert list(module.__all__) == sorted(module.__all__, key=exported_order)


@pytest.mark.parametrize("name", [*PACKAGES, "dpe_toolkit.api"])
def test_every_exported_name_exists(name: str) -> None:
    module = importlib.import_module(name)
    assert [entry for entry in module.__all__ if not hasattr(module, entry)] == []
