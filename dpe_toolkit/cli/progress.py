"""Progress bars: one for each clip that is analysed and each shot that is rendered."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn
from rich.text import Text

from dpe_toolkit.cli.screen import note, notes_console

if TYPE_CHECKING:
    from dpe_toolkit.analysis.progress import Stage

__all__ = ["ProgressBars"]

_VERBS = {"source": "analyse source", "driver": "analyse driver", "render": "render", "evaluate": "evaluate"}


class ProgressBars:
    """A progress sink that draws bars in a terminal, and one line a finished stage anywhere else."""

    def __init__(self) -> None:
        self._progress = _bars()
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def rest(self) -> None:
        """Leaves the bars as they stand, so that lines can be printed below them; later stages draw new ones."""
        self._progress.stop()
        self._progress, self._task = _bars(), None

    def started(self, stage: Stage, name: str, num_frames: int) -> None:
        """A stage begins on the clip or shot ``name``, with this many frames ahead."""
        self._progress.start()
        self._task = self._progress.add_task(f"{_VERBS[stage]} {name}", total=num_frames)

    def advanced(self, num_frames: int) -> None:
        """So many more frames of the stage are done."""
        if self._task is not None:
            self._progress.advance(self._task, num_frames)

    def finished(self) -> None:
        """The stage ended well."""
        if self._task is None:
            return
        task = self._progress.tasks[self._progress.task_ids.index(self._task)]
        self._progress.update(self._task, completed=task.total)
        if self._progress.disable:
            note(f"{task.description}: {_count(task)}")
        self._task = None


def _bars() -> Progress:
    console = notes_console()
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _SpeedColumn(),
        TextColumn("left"),
        TimeLeftColumn(),
        console=console,
        disable=not console.is_terminal,
    )


_TELLING_S = 0.2
"""Time below which a speed says nothing: the driver's bar may begin when its work is nearly done."""


def _count(task: Task) -> str:
    """Frames, and how many a second over the whole stage.

    rich's own speed is that of the samples it took, which lie microseconds apart where work that was done ahead is
    told in one go.
    """
    num_frames, elapsed_s = task.total or 0, task.elapsed or 0
    frames = f"{num_frames:.0f} frames"
    return f"{frames}, {num_frames / elapsed_s:.1f} a second" if num_frames and elapsed_s > _TELLING_S else frames


class _SpeedColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:5.1f} fps" if speed else "    - fps", style="progress.data.speed")
