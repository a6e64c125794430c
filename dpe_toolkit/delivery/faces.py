"""The sheet of faces: who is seen in the shots of a timeline, with names to choose by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Unpack

import cv2
import numpy as np
import numpy.typing as npt

from dpe_toolkit.analysis import (
    NO_PROGRESS,
    AnalysisStore,
    ClipRequest,
    ComponentPool,
    FrameSource,
    SeenFace,
    seen_faces,
)
from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.core.outputs import Output, expect_outputs
from dpe_toolkit.core.timing import Span
from dpe_toolkit.delivery.choices import PlanChoices, RunChoices, WorkKeywords, plan_choices, run_choices
from dpe_toolkit.delivery.plan import open_plan, refuse_faults, registry_for
from dpe_toolkit.geometry import full_rgb
from dpe_toolkit.media import VideoReader, write_png
from dpe_toolkit.planning.components import choose_components
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plugins import Registry
from dpe_toolkit.rendering import resolve_device
from dpe_toolkit.rendering.mapping import driver_spans, map_driver
from dpe_toolkit.rendering.readers import media_opener

__all__ = ["FacesReport", "SheetFace", "draw_sheet", "faces", "write_sheet"]

_CELL_PX, _TEXT_PX = 192, 44
_MARGIN = 1.5
_COLUMNS = 6

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SheetFace:
    """One face of the sheet."""

    shot: str
    role: str
    """``source`` or ``driver``."""
    choice: str
    """What to write to mean this face, as ``source_face`` or ``driver_face``."""
    num_frames: int
    """Frames in which it is seen."""


@dataclass(frozen=True, slots=True)
class FacesReport:
    """A sheet of faces."""

    output: Path
    faces: tuple[SheetFace, ...]
    """In the order of the sheet, row by row."""


def faces(
    timeline: str | PathLike[str] | RenderPlan,
    output: str | PathLike[str],
    *,
    shots: Sequence[str] = (),
    **fields: Unpack[WorkKeywords],
) -> FacesReport:
    """Writes a sheet of who is seen in each shot, source and driver, with what to write to mean each face.

    >>> sheet = dpe_toolkit.faces("cut.otio", "sheet.png")  # doctest: +SKIP
    >>> [face.choice for face in sheet.faces if face.role == "source"]  # doctest: +SKIP

    Args:
        timeline: an .otio, .otioz or .otiod file, the .json file of a plan, or a plan.
        output: the sheet, a .png file.
        shots: only the shots of these names.
        fields: see `dpe_toolkit.delivery.choices.WorkKeywords`.

    Raises:
        PlanError: the plan has errors.
        OptionsError: an argument is not accepted, or nobody is seen.
        DpeError: whatever stops the analysis, by its place in the tree.
    """
    source = timeline if isinstance(timeline, RenderPlan) else Path(timeline)
    return write_sheet(source, Path(output), tuple(shots), plan_choices(fields), run_choices(fields))


def write_sheet(
    source: Path | RenderPlan, output: Path, shots: Sequence[str], choices: PlanChoices, run: RunChoices
) -> FacesReport:
    """As `faces`, with its arguments read."""
    sheet = Output(path=output, suffixes=(".png",), name="the sheet")
    expect_outputs([sheet], error=OptionsError)
    registry = registry_for(source, choices)
    plan = open_plan(source, choices, registry=registry, writes=[sheet], tell=run.tell)
    refuse_faults(plan, tell=run.tell)
    open_reader = media_opener(plan, VideoReader)
    pool = ComponentPool(registry, resolve_device(run.device))
    store = AnalysisStore(run.cache_folder)
    cells: list[tuple[SheetFace, Image]] = []
    for request in _requests(plan, registry, shots):
        found = seen_faces(request, pool, store=store, progress=run.progress or NO_PROGRESS, open_reader=open_reader)
        with open_reader(request.media.path) as reader:
            for seen in found:
                face = SheetFace(request.clip, request.role, str(seen.choice), seen.num_frames)
                cells.append((face, _crop(reader, seen)))
    if not cells:
        raise OptionsError("nobody is seen in these shots", "a face", "choose other shots, or another detector")
    write_png(output, draw_sheet([(f"{face.shot}, {face.role}", face.choice, image) for face, image in cells]))
    return FacesReport(output, tuple(face for face, _ in cells))


def _requests(plan: RenderPlan, registry: Registry, names: Sequence[str]) -> list[ClipRequest]:
    """What to look at: the source of every shot, and its driver, each stretch once."""
    chosen = choose_components(registry, {"default": registry.defaults}, {}, where="faces")
    found: dict[str, ClipRequest] = {}
    for whole in plan.takes:
        if names and whole.name not in names:
            continue
        parts = whole.edit.components if whole.edit is not None else chosen.choices
        if "detector" not in parts or "motion" not in parts:
            raise OptionsError("no detector can be used", "one that works", "run 'dpe doctor'")
        base = ClipRequest(
            clip=whole.name,
            role="source",
            media=whole.source,
            span=whole.source_span,
            detector=parts["detector"],
            motion=parts["motion"],
            landmark=parts.get("landmark"),
        )
        found[f"source {whole.name}"] = base
        if whole.edit is not None:
            span, used = driver_spans(map_driver(whole, whole.edit, whole.row_rate), whole.edit)
            found[f"driver {whole.name}"] = replace(base, role="driver", media=whole.edit.driver, span=span, focus=used)
    if names and not found:
        raise OptionsError(f"no shot is called {names[0]!r}", "a shot of the timeline", "run 'dpe plan'")
    return list(found.values())


def _crop(reader: FrameSource, face: SeenFace) -> Image:
    """(cell, cell, 3) the face with some of what is around it."""
    rgb = full_rgb(reader.read(Span(face.choice.frame, face.choice.frame + 1)), 0)
    left, top, right, bottom = face.box_px
    half = max(right - left, bottom - top) * _MARGIN / 2
    x, y = (left + right) / 2 - half, (top + bottom) / 2 - half
    scale = _CELL_PX / (2 * half)
    moved = np.array([[scale, 0, -x * scale], [0, scale, -y * scale]], np.float32)
    shown = cv2.warpAffine(rgb, moved, (_CELL_PX, _CELL_PX), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(shown, np.uint8)


def draw_sheet(cells: Sequence[tuple[str, str, Image]]) -> Image:
    """(H, W, 3) RGB: images in rows, with two lines of text below each."""
    columns = min(_COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    sheet = np.full((rows * (_CELL_PX + _TEXT_PX), columns * _CELL_PX, 3), 24, np.uint8)
    for number, (title, name, image) in enumerate(cells):
        top, left = number // columns * (_CELL_PX + _TEXT_PX), number % columns * _CELL_PX
        sheet[top : top + _CELL_PX, left : left + _CELL_PX] = image
        for line, text in enumerate((title[:26], name)):
            place = (left + 4, top + _CELL_PX + 16 + 18 * line)
            cv2.putText(sheet, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (235, 235, 235), 1, cv2.LINE_AA)
    return sheet
