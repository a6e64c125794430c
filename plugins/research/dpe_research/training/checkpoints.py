"""Training checkpoints: everything that a run needs to go on, whole or not there at all."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch

from dpe_toolkit.api import TrainingError, first_line, replaced

__all__ = ["CHECKPOINT_SCHEMA", "load_checkpoint", "newest_checkpoint", "save_checkpoint"]

CHECKPOINT_SCHEMA = 1
_NAME = re.compile(r"step-(\d{9})\.pt")


def save_checkpoint(folder: Path, step: int, state: Mapping[str, object], *, keep: int) -> Path:
    """Writes the state after ``step`` steps and removes all but the newest ``keep`` checkpoints.

    Args:
        folder: where checkpoints lie; made where it is missing.
        step: steps done.
        state: tensors, numbers, text, and lists and dicts of them: it must load without running code.
        keep: at least 1.

    Raises:
        TrainingError: it cannot be written.
    """
    path = folder / f"step-{step:09d}.pt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replaced(path) as part:
            torch.save({"schema": CHECKPOINT_SCHEMA, "step": step, **state}, part)
        for old in _checkpoints(folder)[:-keep]:
            old.unlink()
    except (OSError, RuntimeError) as error:
        raise TrainingError(
            f"the checkpoint of step {step} cannot be written ({error})",
            "a folder that may be written, with room for it",
            "make room, then go on with --resume from the checkpoint before",
            path=path,
        ) from error
    return path


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint of the most steps; None where there is none."""
    found = _checkpoints(folder)
    return found[-1] if found else None


def load_checkpoint(path: Path) -> dict[str, object]:
    """The state in a checkpoint, its tensors on the CPU; nothing in the file is run.

    Raises:
        TrainingError: the file is damaged, hostile or of another version.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise _unusable(path, f"it cannot be read ({first_line(error)[:200]})") from error
    if not isinstance(state, dict) or state.get("schema") != CHECKPOINT_SCHEMA or not isinstance(state["step"], int):
        raise _unusable(path, "it is no training checkpoint of this version")
    return state


def _checkpoints(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _unusable(path: Path, wrong: str) -> TrainingError:
    return TrainingError(
        wrong, f"a checkpoint of schema {CHECKPOINT_SCHEMA}", "delete it to go on from the one before it", path=path
    )
