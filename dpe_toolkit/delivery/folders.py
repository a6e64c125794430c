"""The folders that this system has for a user's files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["default_cache_dir", "default_weights_dir", "user_cache_dir", "user_data_dir"]


def user_cache_dir() -> Path:
    """The folder that this system has for a user's caches, with a folder of ours in it."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "dpe_toolkit"


def user_data_dir() -> Path:
    """The folder that this system has for a user's data, with a folder of ours in it."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "dpe_toolkit"


def default_cache_dir() -> Path:
    """Where analyses are kept: the folder that ``DPE_CACHE_DIR`` names, else the user's."""
    named = os.environ.get("DPE_CACHE_DIR")
    return Path(named) if named else user_cache_dir()


def default_weights_dir() -> Path:
    """Where imported weights are kept: the folder that ``DPE_WEIGHTS`` names, else one in the user's data folder."""
    named = os.environ.get("DPE_WEIGHTS")
    return Path(named) if named else user_data_dir() / "weights"
