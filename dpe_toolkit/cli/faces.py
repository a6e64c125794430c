"""``dpe faces``: who is seen in the shots of a timeline, as a sheet of pictures with names to choose by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_toolkit.cli.choices import AmountChoices, PartChoices, TimelineArgument
from dpe_toolkit.cli.named import refuse_output
from dpe_toolkit.cli.outputs import RunChoices
from dpe_toolkit.cli.screen import help_text, note, print_table
from dpe_toolkit.core.errors import OptionsError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dpe_toolkit.analysis import ClipRequest, FrameSource, SeenFace
    from dpe_toolkit.plans.model import RenderPlan
    from dpe_toolkit.plugins import Registry

    Picture = npt.NDArray[np.uint8]

__all__ = ["HELP", "draw_sheet", "run"]

HELP = help_text(
    "Show who is seen in each shot, source and driver, as a sheet of faces.",
    "Below each face stands what to write to mean it, e.g. track:120,0.34,0.27: in --source-face and --driver-face of "
    "'dpe edit' and 'dpe link', or under 'face' in the effect. It goes on meaning that face when others come and go.",
    examples=(
        "dpe faces cut.otio -o sheet.png",
        "dpe faces cut.otio -o sheet.png --shot sh010",
    ),
)
_CELL_PX, _TEXT_PX = 192, 44
_MARGIN = 1.5
_COLUMNS = 6


def run(
    timeline: TimelineArgument,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Sheet to write, .png.")],
    shot: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this shot; may be given again.")] = None,
    amounts: AmountChoices,
    parts: PartChoices,
    where: RunChoices,
) -> None:
    """Looks for faces, writes the sheet, and lists what stands on it."""
    from dpe_toolkit.analysis import AnalysisStore, ComponentPool, seen_faces
    from dpe_toolkit.cli.work import make_plan, refuse_faults, shown_progress
    from dpe_toolkit.media import VideoReader, write_png
    from dpe_toolkit.plugins import load_registry
    from dpe_toolkit.rendering import NO_PROGRESS, resolve_device
    from dpe_toolkit.rendering.readers import media_opener

    if output.suffix.lower() != ".png":
        raise OptionsError(f"the sheet is to be written as {output.suffix!r}", "a name in .png", "rename it")
    refuse_output(output, reads=(timeline,))
    registry = load_registry()
    plan = make_plan(timeline, amounts, parts, registry=registry)
    refuse_faults(plan)
    open_reader = media_opener(plan, VideoReader)
    pool = ComponentPool(registry, resolve_device(where.device))
    store = AnalysisStore(where.cache_folder)
    cells: list[tuple[str, SeenFace, Picture]] = []
    with shown_progress(where) as progress:
        for request in _requests(plan, registry, shot):
            found = seen_faces(request, pool, store=store, progress=progress or NO_PROGRESS, open_reader=open_reader)
            with open_reader(request.media.path) as reader:
                cells += [(f"{request.clip}, {request.role}", face, _crop(reader, face)) for face in found]
    if not cells:
        raise OptionsError("nobody is seen in these shots", "a face", "choose other shots, or another detector")
    write_png(output, draw_sheet([(title, str(face.choice), picture) for title, face, picture in cells]))
    rows = ((title, str(face.choice), str(face.num_frames)) for title, face, _ in cells)
    print_table(("shot", "face", "frames"), rows, title=f"{len(cells)} faces")
    note(str(output), label="wrote", style="green")


def _requests(plan: RenderPlan, registry: Registry, names: list[str] | None) -> list[ClipRequest]:
    """What to look at: the source of every shot, and its driver, each stretch once."""
    from dpe_toolkit.analysis import ClipRequest
    from dpe_toolkit.planning.components import choose_components
    from dpe_toolkit.rendering.mapping import driver_spans, map_driver

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
        )
        found[f"source {whole.name}"] = base
        if whole.edit is not None:
            span, used = driver_spans(map_driver(whole, whole.edit, whole.row_rate), whole.edit)
            found[f"driver {whole.name}"] = replace(base, role="driver", media=whole.edit.driver, span=span, focus=used)
    if names and not found:
        raise OptionsError(f"no shot is called {names[0]!r}", "a shot of the timeline", "run 'dpe plan'")
    return list(found.values())


def _crop(reader: FrameSource, face: SeenFace) -> Picture:
    """(cell, cell, 3) the face with some of what is around it."""
    import cv2
    import numpy as np

    from dpe_toolkit.core.timing import Span
    from dpe_toolkit.geometry import full_rgb

    rgb = full_rgb(reader.read(Span(face.choice.frame, face.choice.frame + 1)), 0)
    left, top, right, bottom = face.box_px
    half = max(right - left, bottom - top) * _MARGIN / 2
    x, y = (left + right) / 2 - half, (top + bottom) / 2 - half
    scale = _CELL_PX / (2 * half)
    moved = np.array([[scale, 0, -x * scale], [0, scale, -y * scale]], np.float32)
    shown = cv2.warpAffine(rgb, moved, (_CELL_PX, _CELL_PX), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(shown, np.uint8)


def draw_sheet(cells: list[tuple[str, str, Picture]]) -> Picture:
    """(H, W, 3) pictures in rows, with two lines of text below each."""
    import cv2
    import numpy as np

    columns = min(_COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    sheet = np.full((rows * (_CELL_PX + _TEXT_PX), columns * _CELL_PX, 3), 24, np.uint8)
    for number, (title, name, picture) in enumerate(cells):
        top, left = number // columns * (_CELL_PX + _TEXT_PX), number % columns * _CELL_PX
        sheet[top : top + _CELL_PX, left : left + _CELL_PX] = picture
        for line, text in enumerate((title[:26], name)):
            place = (left + 4, top + _CELL_PX + 16 + 18 * line)
            cv2.putText(sheet, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (235, 235, 235), 1, cv2.LINE_AA)
    return sheet
