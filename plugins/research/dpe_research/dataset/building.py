"""Building a dataset of clips from footage, in any number of processes."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

from dpe_research.dataset.merging import read_work, write_whole
from dpe_research.dataset.report import BuildReport, read_report, report_path
from dpe_research.dataset.settings import BuildSettings
from dpe_research.dataset.stretches import REFUSED, Stretch, StretchReport
from dpe_research.dataset.working import ClipCutter
from dpe_research.dataset.writing import WORK_NAME, DatasetWriter
from dpe_toolkit.api import DatasetError
from dpe_toolkit.api.components import ComponentMaker
from dpe_toolkit.api.footage import OpenReader, VideoReader

__all__ = ["build_dataset"]

_POLL_S = 0.2


def build_dataset(
    stretches: Sequence[Stretch],
    refused: Iterable[StretchReport],
    folder: Path,
    settings: BuildSettings,
    *,
    maker: ComponentMaker,
    jobs: int = 1,
    advanced: Callable[[int], None] = lambda frames: None,
    open_reader: OpenReader = VideoReader,
) -> BuildReport:
    """Finds and cuts the clips of all stretches that were not worked on before, and finishes the dataset.

    A run that is stopped, however that happens, keeps what it has done; the next one goes on there. What the folder
    holds in the end does not depend on ``jobs``.

    Args:
        stretches: footage.
        refused: what could not be looked at, for the report.
        folder: the dataset.
        settings: what is asked for.
        maker: the registry; other processes load their own.
        jobs: processes; 1 works in this one.
        advanced: told how many more frames were looked at, those of earlier runs included.
        open_reader: opens footage, where this process does it.

    Raises:
        DatasetError: the folder cannot be used, or was begun with other settings; a process was killed.
        PluginError: a component raised or broke its contract.
    """
    before = _earlier(folder, settings)
    writer = _writer(folder, settings)
    work = folder / WORK_NAME
    left: list[Stretch] = []
    for stretch in stretches:
        if stretch.key in before or (work / f"{stretch.key}.done").is_file():
            advanced(len(stretch.span))
        else:
            left.append(stretch)
    if jobs > 1 and len(left) > 1:
        reports = _apart(left, folder, settings, min(jobs, len(left)), advanced)
    else:
        reports = _here(left, maker, settings, writer, advanced=advanced, open_reader=open_reader)
    with closing(reports):
        for report in reports:
            for dropped in report.dropped:
                writer.drop(dropped)
            write_whole(work / f"{report.key}.done", report.model_dump_json().encode())
    found = {report.key: report for report in (read_work(path, StretchReport) for path in work.glob("*.done"))}
    whole = BuildReport(settings=settings, stretches=_in_order(before | found, refused, stretches))
    write_whole(report_path(folder), whole.to_json().encode())
    writer.finish()
    return whole


def _here(
    stretches: Sequence[Stretch],
    maker: ComponentMaker,
    settings: BuildSettings,
    writer: DatasetWriter,
    *,
    advanced: Callable[[int], None],
    open_reader: OpenReader,
) -> Generator[StretchReport, None, None]:
    cutter = ClipCutter(maker, settings, writer, open_reader) if stretches else None
    for stretch in stretches:
        assert cutter is not None
        yield cutter.work(stretch, advanced)


def _in_order(
    reports: Mapping[str, StretchReport], refused: Iterable[StretchReport], stretches: Sequence[Stretch]
) -> tuple[StretchReport, ...]:
    """All reports by key. What could not be looked at earlier, and can be now, is not told any more."""
    readable = {f"{stretch.name}{REFUSED}" for stretch in stretches}
    kept = {key: report for key, report in reports.items() if key not in readable}
    kept |= {report.key: report for report in refused}
    return tuple(kept[key] for key in sorted(kept))


def _earlier(folder: Path, settings: BuildSettings) -> dict[str, StretchReport]:
    """Reports of stretches that an earlier run has worked on.

    Raises:
        DatasetError: it worked with other settings.
    """
    if not report_path(folder).is_file():
        return {}
    report = read_report(folder)
    if report.settings != settings:
        old, new = report.settings.model_dump(), settings.model_dump()
        named = ", ".join(f"{name} {old[name]!r} (now {new[name]!r})" for name in old if old[name] != new[name])
        raise DatasetError(
            f"the dataset was built with other settings: {named}",
            "the same settings for all clips of a dataset",
            "give those, or name another folder",
            path=folder,
        )
    return {one.key: one for one in report.stretches}


def _writer(folder: Path, settings: BuildSettings) -> DatasetWriter:
    return DatasetWriter(
        folder, "video", settings.size_px, pictures=settings.pictures, shard_bytes=settings.shard_bytes
    )


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the processes share."""

    frames: Synchronized[int]
    stop: Event

    def advanced(self, frames: int) -> None:
        if self.stop.is_set():
            raise _StoppedError
        with self.frames.get_lock():
            self.frames.value += frames


class _StoppedError(Exception):
    """The run was stopped."""


def _apart(
    stretches: Sequence[Stretch], folder: Path, settings: BuildSettings, jobs: int, advanced: Callable[[int], None]
) -> Generator[StretchReport, None, None]:
    # Spawned: a fork would share the locks of threads that libraries have started.
    context = multiprocessing.get_context("spawn")
    shared = _Shared(context.Value("q", 0), context.Event())
    given = (shared, folder, settings.model_dump_json())
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin_process, initargs=given) as pool:
        try:
            # The longest first, so that the last process does not work alone for long.
            order = sorted(stretches, key=lambda one: -len(one.span))
            with _deaf_children():
                waiting = {pool.submit(_work_apart, one) for one in order}
            yield from _collected(waiting, shared, advanced)
        except BrokenProcessPool as error:
            raise DatasetError(
                "a process of the build was killed",
                "memory for all of them, about 1 GB each",
                "run the same command again with fewer --jobs; it goes on where it stopped",
                path=folder,
            ) from error
        finally:
            shared.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Lets processes that are started here ignore interrupts from their first moment: this one tells them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _collected(
    waiting: set[Future[StretchReport]], shared: _Shared, advanced: Callable[[int], None]
) -> Iterator[StretchReport]:
    told = 0
    while waiting:
        done, waiting = wait(waiting, timeout=_POLL_S, return_when=FIRST_COMPLETED)
        frames = shared.frames.value
        advanced(frames - told)
        told = frames
        for future in done:
            yield future.result()


_process: tuple[ClipCutter, _Shared] | Exception | None = None
"""What a process of the pool works with, or why it cannot work."""


def _begin_process(shared: _Shared, folder: Path, settings_json: str) -> None:
    from dpe_toolkit.api.components import load_registry

    # The process that was interrupted tells the others; one that was killed cannot.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    global _process  # the one way in which a pool gives a process its own
    try:
        settings = BuildSettings.model_validate_json(settings_json)
        reader = functools.partial(VideoReader, threads=1)
        # No other plugin than those whose components were chosen, which the first process was allowed to load.
        chosen = filter(None, (settings.detector, settings.regressor))
        registry = load_registry(allow={choice.plugin for choice in chosen})
        _process = (ClipCutter(registry, settings, _writer(folder, settings), reader), shared)
    except Exception as error:  # noqa: BLE001 # raised with the first work: here it would only break the pool
        _process = error


def _end_with_parent() -> None:
    """Ends this process when the one that started it is gone, which would otherwise leave it waiting for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work_apart(stretch: Stretch) -> StretchReport:
    if isinstance(_process, Exception):
        raise _process
    assert _process is not None
    cutter, shared = _process
    return cutter.work(stretch, shared.advanced)
