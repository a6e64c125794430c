"""One frame of a timeline as an image: source and result side by side."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Unpack

import cv2
import numpy as np
import numpy.typing as npt

from dpe_toolkit.core.errors import OptionsError, RenderError
from dpe_toolkit.core.files import replaced
from dpe_toolkit.core.outputs import Output
from dpe_toolkit.core.timing import parse_time
from dpe_toolkit.delivery.choices import PlanChoices, RunChoices, WorkKeywords, plan_choices, run_choices
from dpe_toolkit.delivery.files import refuse_output
from dpe_toolkit.delivery.plan import open_plan, refuse_faults, registry_for
from dpe_toolkit.geometry import full_rgb
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.rendering import RenderedFrame, render_frame

__all__ = ["StillReport", "side_by_side", "still", "write_image", "write_still"]

_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
_MESH_COLORS = ((80, 220, 255), (255, 190, 60))


@dataclass(frozen=True, slots=True)
class StillReport:
    """An image of one frame."""

    output: Path
    frame: int
    """Output frame, from 0."""
    shot: str
    amount: float
    """Cross-fade of the edit in this frame, 0 to 1; 0 where nothing is edited."""


def still(
    timeline: str | PathLike[str] | RenderPlan,
    frame: int | str,
    output: str | PathLike[str],
    *,
    mesh: bool = False,
    **fields: Unpack[WorkKeywords],
) -> StillReport:
    """Writes one frame as an image: source on the left, result on the right, as the render of the whole has it.

    >>> dpe_toolkit.still("cut.otio", 60, "frame.png", expression=0.8)  # doctest: +SKIP

    Args:
        timeline: an .otio, .otioz or .otiod file, the .json file of a plan, or a plan.
        frame: output frame: a number, or text with seconds or timecode.
        output: the image; its suffix chooses the format.
        mesh: draw the points of the face on both sides.
        fields: see `dpe_toolkit.delivery.choices.WorkKeywords`.

    Raises:
        PlanError: the plan has errors.
        OptionsError: an argument is not accepted, or there is no such frame.
        DpeError: whatever stops a render, by its place in the tree.
    """
    source = timeline if isinstance(timeline, RenderPlan) else Path(timeline)
    return write_still(source, str(frame), Path(output), plan_choices(fields), run_choices(fields), mesh=mesh)


def write_still(
    source: Path | RenderPlan, frame: str, output: Path, choices: PlanChoices, run: RunChoices, *, mesh: bool
) -> StillReport:
    """As `still`, with its arguments read."""
    if output.suffix.lower() not in _SUFFIXES:
        raise OptionsError(
            f"{output.name!r} is no image", f"a name that ends in {', '.join(_SUFFIXES)}", "rename the output"
        )
    refuse_output(output)
    registry = registry_for(source, choices)
    plan = open_plan(source, choices, registry=registry, writes=[Output(path=output)], tell=run.tell)
    refuse_faults(plan, tell=run.tell)
    number = parse_time(frame, plan.rate, start_frame=plan.start_frame)
    rendered = render_frame(
        plan,
        number,
        registry=registry,
        device=run.device,
        cache_dir=run.cache_folder,
        progress=run.progress,
        colour=run.colour,
    )
    write_image(output, side_by_side(rendered, mesh=mesh))
    return StillReport(output, number, rendered.shot.name, rendered.amount)


def side_by_side(rendered: RenderedFrame, *, mesh: bool) -> npt.NDArray[np.uint8]:
    """(H, 2W, 3) RGB of source and result, with the points of each mesh on request."""
    views = []
    sides = (
        (rendered.source, rendered.source_landmarks_px, _MESH_COLORS[0]),
        (rendered.result, rendered.result_landmarks_px, _MESH_COLORS[1]),
    )
    for batch, points, color in sides:
        image = np.ascontiguousarray(full_rgb(batch, 0))
        if mesh and points is not None:
            for x, y in np.rint((points[:, :2] - 0.5) * 16).astype(int).tolist():
                cv2.circle(image, (x, y), 16, color, -1, cv2.LINE_AA, 4)
        views.append(image)
    return np.concatenate(views, axis=1)


def write_image(path: Path, rgb: npt.NDArray[np.uint8]) -> None:
    """Writes the image (H, W, 3), whole or not at all.

    Raises:
        RenderError: the file cannot be written.
    """
    _, coded = cv2.imencode(path.suffix, rgb[..., ::-1])
    try:
        with replaced(path) as part:
            part.write_bytes(np.asarray(coded, np.uint8).tobytes())
    except OSError as error:
        raise RenderError(
            f"the image cannot be written: {error.strerror or error}",
            "a folder that exists and may be written",
            "choose another --output",
            path=path,
        ) from error
