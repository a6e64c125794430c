"""Every exception the toolkit raises on purpose, in one tree.

::

    DpeError
    ├── TimelineError     a timeline, effect or sidecar that cannot be read or understood
    ├── PlanError         a plan that must not be rendered; carries every problem found
    ├── OptionsError      an option, flag or configuration value that is not accepted
    ├── PluginError       a plugin that failed to load, broke its contract or raised
    ├── CheckpointError   a weights file that is missing, damaged, hostile or of another network
    ├── MediaError        a media file that cannot be opened, decoded or encoded
    ├── AnalysisError     footage in which the analysis could not do what the shot needs
    ├── DatasetError      a dataset of clips that is damaged, hostile or cannot be made
    ├── RenderError       a render that stopped after it had started
    ├── TrainingError     a training that cannot start, or stopped after it had started
    └── DeviceMemoryError a device that has no room for one frame

A message has three parts: what was wrong, what was expected, what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

__all__ = [
    "AnalysisError",
    "CheckpointError",
    "DatasetError",
    "DeviceMemoryError",
    "DpeError",
    "MediaError",
    "OptionsError",
    "PlanError",
    "PluginError",
    "RenderError",
    "TimelineError",
    "TrainingError",
    "first_line",
    "nearest_names",
]


class DpeError(Exception):
    """Base of the tree. Only subclasses are raised.

    Args:
        wrong: what was wrong, with the value that was seen.
        expected: what would have been accepted.
        action: what the reader should do next.
        clip: name of the clip or shot concerned.
        path: file concerned.
        frame: frame index concerned, 0-based in the media.
        plugin: plugin concerned, as ``name version``.
    """

    exit_code = 1

    def __init__(
        self,
        wrong: str,
        expected: str = "",
        action: str = "",
        *,
        clip: str | None = None,
        path: str | Path | None = None,
        frame: int | None = None,
        plugin: str | None = None,
    ) -> None:
        self.wrong = wrong
        self.expected = expected
        self.action = action
        self.clip = clip
        self.path = None if path is None else Path(path)
        self.frame = frame
        self.plugin = plugin
        super().__init__(self._compose())

    def add_context(self, *, clip: str | None = None, plugin: str | None = None, frame: int | None = None) -> None:
        """Says where it happened, as far as the error does not say so itself; for whoever passes it on."""
        self.clip = clip if self.clip is None else self.clip
        self.plugin = plugin if self.plugin is None else self.plugin
        self.frame = frame if self.frame is None else self.frame
        self.args = (self._compose(),)

    @property
    def where(self) -> str:
        """Clip, plugin, file and frame concerned, as far as they are known."""
        named = (("clip", self.clip), ("plugin", self.plugin), ("file", None if self.path is None else str(self.path)))
        parts = [f"{label} {value!r}" for label, value in named if value is not None]
        return ", ".join(parts if self.frame is None else [*parts, f"frame {self.frame}"])

    def _compose(self) -> str:
        text = " ".join(part.rstrip(".") + "." for part in (self.wrong, self.expected, self.action) if part)
        return f"{self.where}: {text}" if self.where else text


class TimelineError(DpeError):
    """A timeline, effect or sidecar that cannot be read or understood."""

    exit_code = 2


class PlanError(DpeError):
    """A plan that must not be rendered; ``problems`` holds one line for each fault found."""

    exit_code = 2

    def __init__(self, wrong: str, expected: str = "", action: str = "", *, problems: Iterable[str] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__(wrong, expected, action)


class OptionsError(DpeError):
    """An option, flag or configuration value that is not accepted."""

    exit_code = 2


class PluginError(DpeError):
    """A plugin that failed to load, broke its contract or raised."""


class CheckpointError(DpeError):
    """A weights file that is missing, damaged, hostile or of another network."""


class MediaError(DpeError):
    """A media file that cannot be opened, decoded or encoded."""


class AnalysisError(DpeError):
    """Footage in which the analysis could not do what the shot needs."""


class DatasetError(DpeError):
    """A dataset of clips that is damaged, hostile or cannot be made."""


class RenderError(DpeError):
    """A render that stopped after it had started."""


class TrainingError(DpeError):
    """A training that cannot start, or stopped after it had started."""


class DeviceMemoryError(DpeError):
    """A device that has no room for one frame."""


def first_line(error: BaseException) -> str:
    """The first line of what another library's error says, for a message; the error's kind where it says nothing."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def nearest_names(wanted: str, known: Iterable[str]) -> str:
    """A phrase that offers the known names nearest to ``wanted``, then the whole list.

    >>> nearest_names("fether", ["feather", "poisson"])
    "did you mean 'feather'? Known: 'feather', 'poisson'"
    """
    names = sorted(known)
    if not names:
        return "none is installed"
    listed = ", ".join(repr(name) for name in names)
    close = difflib.get_close_matches(wanted, names, n=1)
    return f"did you mean {close[0]!r}? Known: {listed}" if close else f"known: {listed}"
