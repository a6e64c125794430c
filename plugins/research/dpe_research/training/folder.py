"""The folder of a run: its configuration, log, checkpoints, pictures and final weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dpe_research.training.checkpoints import newest_checkpoint
from dpe_research.training.config import TrainingConfig
from dpe_research.training.reports import StepReport
from dpe_research.training.settings import write_config
from dpe_toolkit.api import OptionsError, TrainingError, append_to
from dpe_toolkit.api.footage import written_whole

__all__ = ["RunFolder"]


class RunFolder:
    """Names and files of one run.

    Args:
        path: the folder; made by `begin`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def config(self) -> Path:
        """Every setting, as TOML."""
        return self.path / "config.toml"

    @property
    def log(self) -> Path:
        """One JSON object a line: `StepReport` without what follows from it."""
        return self.path / "log.jsonl"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def weights(self) -> Path:
        """The result: the averaged weights."""
        return self.path / "weights.safetensors"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's files."""
        return self.path / "tensorboard"

    def begin(self, config: TrainingConfig, *, resume: bool) -> Path | None:
        """Makes the folder, writes the configuration, and returns the checkpoint to go on from, if any.

        Raises:
            OptionsError: it holds a run and ``resume`` is False.
            TrainingError: it cannot be written.
        """
        newest = newest_checkpoint(self.checkpoints)
        if newest is not None and not resume:
            raise OptionsError(
                f"the folder holds a run that got as far as {newest.name}",
                "a new folder",
                "go on with it by --resume, or name another folder",
                path=self.path,
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_config(self.config, config)
        except OSError as error:
            raise TrainingError(
                f"the folder of the run cannot be written ({error.strerror or error})",
                "a folder that may be written",
                "choose another with -o, or change its permissions",
                path=self.path,
            ) from error
        return newest

    def cut_log(self, step: int) -> None:
        """Takes out of the log what a run did after ``step`` before it was killed."""
        if not self.log.is_file():
            return
        kept = []
        for line in self.log.read_text(encoding="utf-8").splitlines(keepends=True):
            try:
                entry = json.loads(line)
            except ValueError:
                break  # the last line, half written
            if entry["step"] > step:
                break
            kept.append(line)
        with written_whole(self.log) as part:
            part.write_text("".join(kept), encoding="utf-8")

    def add_to_log(self, report: StepReport) -> None:
        """Adds a line to the log."""
        entry = {
            "step": report.step,
            "stage": report.stage,
            "steps_per_s": round(report.steps_per_s, 4),
            "peak_bytes": report.peak_bytes,
            "terms": dict(report.terms),
        }
        with append_to(self.log) as file:
            file.write((json.dumps(entry) + "\n").encode())

    def write_failure(self, step: int, values: Mapping[str, float], pairs: tuple[str, ...]) -> None:
        """Writes what was seen in a step that ended the run, for people."""
        seen = {"step": step, "values": {name: repr(value) for name, value in values.items()}, "pairs": pairs}
        with written_whole(self.path / "failure.json") as part:
            part.write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")

    def write_picture(self, step: int, rgb: npt.NDArray[np.uint8]) -> Path:
        """Writes the samples of a step, (H, W, 3), as PNG."""
        done, content = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        assert done
        path = self.path / "samples" / f"step-{step:09d}.png"
        path.parent.mkdir(exist_ok=True)
        with written_whole(path) as part:
            part.write_bytes(content.tobytes())
        return path
