"""The folders that this system has for a user's files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["default_cache_dir", "default_weights_dir", "user_cache_dir", "user_data_dir"]

_NAME = "dpe_toolkit"


def user_cache_dir() -> Path:
    """The folder that this system has for a user's caches, with a folder of ours in it."""
    from platformdirs import user_cache_path  # here, since most commands start without it

    return _in_use(user_cache_path(_NAME, appauthor=False, opinion=False), "Caches")


def user_data_dir() -> Path:
    """The folder that this system has for a user's data, with a folder of ours in it."""
    from platformdirs import user_data_path

    return _in_use(user_data_path(_NAME, appauthor=False), "Application Support")


def _in_use(folder: Path, mac_folder: str) -> Path:
    """``folder``, or the one of earlier releases where that is there and ``folder`` is not.

    They did not ask Windows which folder it is, nor heed ``XDG_CACHE_HOME`` and ``XDG_DATA_HOME`` on macOS.
    """
    local = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    earlier = {"darwin": Path.home() / "Library" / mac_folder, "win32": local}.get(sys.platform)
    former = folder if earlier is None else earlier / _NAME
    return former if former.is_dir() and not folder.exists() else folder


def default_cache_dir() -> Path:
    """Where analyses are kept: the folder that ``DPE_CACHE_DIR`` names, else the user's."""
    named = os.environ.get("DPE_CACHE_DIR")
    return Path(named) if named else user_cache_dir()


def default_weights_dir() -> Path:
    """Where imported weights are kept: the folder that ``DPE_WEIGHTS`` names, else one in the user's data folder."""
    named = os.environ.get("DPE_WEIGHTS")
    return Path(named) if named else user_data_dir() / "weights"
