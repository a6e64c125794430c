"""Readers whose frames are shown to analysis and networks through OpenColorIO."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from dpe_toolkit.analysis import FrameSource, OpenReader
from dpe_toolkit.core.frames import FrameBatch, RgbView
from dpe_toolkit.core.timing import Span
from dpe_toolkit.geometry.ocio import OcioView, make_view
from dpe_toolkit.plans.model import RenderPlan

__all__ = ["ColourChoice", "PlanViews", "seen_through"]


@dataclass(frozen=True, slots=True)
class ColourChoice:
    """How colours are shown to analysis and networks."""

    config: str
    """An OpenColorIO config: a path, or a built-in one such as ``ocio://cg-config-latest``."""
    source: str | None = None
    """Colour space of all media; None asks the config's rules on file names."""
    working: str | None = None
    """Colour space or role shown to networks; None means the config's ``color_picking``."""


@dataclass(frozen=True, slots=True)
class PlanViews:
    """The view of each media file of a plan."""

    views: Mapping[Path, OcioView]

    @classmethod
    def of(cls, plan: RenderPlan, choice: ColourChoice) -> PlanViews:
        """Makes them all, so that a fault is known before any work is done.

        Raises:
            OptionsError: the config or a colour space cannot be used.
        """
        paths = {take.source.path for take in plan.takes}
        paths |= {take.edit.driver.path for take in plan.takes if take.edit is not None}
        return cls(
            {
                path: make_view(choice.config, path, source=choice.source, working=choice.working)
                for path in sorted(paths)
            }
        )

    @property
    def folder(self) -> str:
        """Name of the folder in which analyses under these views are kept, apart from all others."""
        text = "|".join(f"{path}:{view.fingerprint}" for path, view in sorted(self.views.items()))
        return "ocio-" + hashlib.sha256(text.encode()).hexdigest()[:16]

    def opening(self, open_reader: OpenReader) -> OpenReader:
        """``open_reader``, with the view on every frame."""

        def open_viewed(path: Path) -> FrameSource:
            view = self.views.get(path)
            reader = open_reader(path)
            return reader if view is None else _ViewedReader(reader, view)

        return open_viewed


def seen_through(
    plan: RenderPlan, colour: ColourChoice | None, open_reader: OpenReader, cache_dir: Path
) -> tuple[OpenReader, Path]:
    """How media are opened and where their analyses are kept, under a choice of colour."""
    if colour is None:
        return open_reader, cache_dir
    views = PlanViews.of(plan, colour)
    return views.opening(open_reader), cache_dir / views.folder


class _ViewedReader:
    def __init__(self, reader: FrameSource, view: RgbView) -> None:
        self._reader = reader
        self._view = view

    def __enter__(self) -> Self:
        self._reader.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.__exit__(kind, error, trace)

    def read(self, span: Span) -> FrameBatch:
        """The frames of ``span``, under the view."""
        return replace(self._reader.read(span), view=self._view)

    def iterate(self, span: Span, size: int) -> Iterator[FrameBatch]:
        """The frames of ``span`` in batches, under the view."""
        for batch in self._reader.iterate(span, size):
            yield replace(batch, view=self._view)
