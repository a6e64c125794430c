"""``dpe still``: one frame of the timeline, source and result side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_toolkit.cli.choices import AmountChoices, PartChoices, TimelineArgument
from dpe_toolkit.cli.named import refuse_output
from dpe_toolkit.cli.outputs import RunChoices
from dpe_toolkit.cli.screen import help_text, note
from dpe_toolkit.core.errors import OptionsError, RenderError
from dpe_toolkit.core.files import replaced
from dpe_toolkit.core.timing import parse_time

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dpe_toolkit.rendering import RenderedFrame

__all__ = ["HELP", "run", "side_by_side", "write_picture"]

HELP = help_text(
    "Write one frame of the timeline as a picture: source on the left, result on the right.",
    "Only the shot of that frame is analysed, and what was analysed before is used again.",
    examples=(
        "dpe still cut.otio --frame 60 -o frame.png",
        "dpe still cut.otio --frame 00:00:02:12 -o mesh.png --mesh",
    ),
)

_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
_MESH_COLORS = ((80, 220, 255), (255, 190, 60))


def run(
    timeline: TimelineArgument,
    *,
    frame: Annotated[str, typer.Option(metavar="TIME", help="Output frame: 60, 2.4s or timecode.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Picture to write, e.g. .png.")],
    mesh: Annotated[bool, typer.Option("--mesh", help="Draw the points of the face on both.")] = False,
    amounts: AmountChoices,
    parts: PartChoices,
    where: RunChoices,
) -> None:
    """Renders the frame and writes the picture."""
    from dpe_toolkit.cli.allowed import allowed_registry
    from dpe_toolkit.cli.work import make_plan, refuse_faults, shown_progress

    if output.suffix.lower() not in _SUFFIXES:
        raise OptionsError(
            f"{output.name!r} is no picture", f"a name that ends in {', '.join(_SUFFIXES)}", "rename the output"
        )
    refuse_output(output, reads=(timeline,))
    registry = allowed_registry(parts.project, timeline)
    plan = make_plan(timeline, amounts, parts, registry=registry)
    refuse_faults(plan)
    number = parse_time(frame, plan.rate, start_frame=plan.start_frame)
    from dpe_toolkit.rendering import render_frame

    with shown_progress(where) as progress:
        rendered = render_frame(
            plan, number, registry=registry, device=where.device, cache_dir=where.cache_folder, progress=progress
        )
    write_picture(output, side_by_side(rendered, mesh=mesh))
    if not where.quiet:
        edited = f"edited, amount {rendered.amount:g}" if rendered.amount else "not edited"
        note(f"{output} (frame {number}, shot {rendered.shot.name!r}, {edited})", label="wrote", style="green")


def side_by_side(rendered: RenderedFrame, *, mesh: bool) -> npt.NDArray[np.uint8]:
    """(H, 2W, 3) RGB of source and result, with the points of each mesh on request."""
    import cv2
    import numpy as np

    from dpe_toolkit.geometry import full_rgb

    views = []
    sides = (
        (rendered.source, rendered.source_landmarks_px, _MESH_COLORS[0]),
        (rendered.result, rendered.result_landmarks_px, _MESH_COLORS[1]),
    )
    for batch, points, color in sides:
        picture = np.ascontiguousarray(full_rgb(batch, 0))
        if mesh and points is not None:
            for x, y in np.rint((points[:, :2] - 0.5) * 16).astype(int).tolist():
                cv2.circle(picture, (x, y), 16, color, -1, cv2.LINE_AA, 4)
        views.append(picture)
    return np.concatenate(views, axis=1)


def write_picture(path: Path, rgb: npt.NDArray[np.uint8]) -> None:
    """Writes the picture (H, W, 3), whole or not at all.

    Raises:
        RenderError: the file cannot be written.
    """
    import cv2
    import numpy as np

    _, coded = cv2.imencode(path.suffix, rgb[..., ::-1])
    try:
        with replaced(path) as part:
            part.write_bytes(np.asarray(coded, np.uint8).tobytes())
    except OSError as error:
        raise RenderError(
            f"the picture cannot be written: {error.strerror or error}",
            "a folder that exists and may be written",
            "choose another --output",
            path=path,
        ) from error
