from __future__ import annotations

import importlib
import pkgutil

import pytest

import dpe_research
import dpe_toolkit
import dpe_toolkit.api

PACKAGES = [
    f"{package.__name__}.{module.name}"
    for package in (dpe_toolkit, dpe_research)
    for module in pkgutil.iter_modules(package.__path__)
    if module.ispkg
]
PUBLIC = ["dpe_toolkit", "dpe_research", *PACKAGES]
PUBLIC += [f"dpe_toolkit.api.{module.name}" for module in pkgutil.iter_modules(dpe_toolkit.api.__path__)]


def exported_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, each in alphabetical order: the order ruff keeps."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    return kind, name


@pytest.mark.parametrize("name", PUBLIC)
def test_public_packages_list_what_they_export_in_order(name: str) -> None:
    module = importlib.import_module(name)
    assert list(module.__all__) == sorted(module.__all__, key=exported_order)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_exported_name_exists(name: str) -> None:
    module = importlib.import_module(name)
    assert [entry for entry in module.__all__ if not hasattr(module, entry)] == []
