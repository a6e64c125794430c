"""What was done to a video, in words for people and machines: ``<output>.edits.json`` and a metadata line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from dpe_toolkit import __version__
from dpe_toolkit.core.errors import RenderError
from dpe_toolkit.core.files import staged
from dpe_toolkit.core.framemap import ExactFraction
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.keyframes import Key
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import RenderPlan, ShotPlan
from dpe_toolkit.rendering.prepare import PreparedShot

__all__ = [
    "EditsRecord",
    "MediaRecord",
    "MissingRecord",
    "ShotRecord",
    "UsedComponent",
    "container_metadata",
    "edits_path",
    "pending_record",
    "record_shot",
]

RECORD_SCHEMA = 1


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MediaRecord(_Model):
    """A media file by name and content."""

    file: str
    digest: str


class UsedComponent(_Model):
    """A component that took part."""

    kind: str
    name: str
    plugin: str
    version: str
    fingerprint: str
    options: dict[str, object]


class MissingRecord(_Model):
    """Frames in which a face was not seen. Ranges are half-open."""

    role: Literal["source", "driver"]
    media_frames: tuple[int, int]
    output_frames: tuple[int, int] | None
    """None for the driver's."""
    treatment: Literal["bridged", "passed through"]


class ShotRecord(_Model):
    """One edited shot. Ranges are half-open; output frames are counted from the output's first."""

    name: str
    id: str
    take: str = ""
    """Id of its take in the plan."""
    output_frames: tuple[int, int]
    media_frames: tuple[int, int]
    edited_output_frames: tuple[tuple[int, int], ...]
    """Where pixels may differ from the source; elsewhere frames are passed through untouched."""
    source: MediaRecord
    driver: MediaRecord
    driver_start_s: ExactFraction
    retime: ExactFraction
    expression: float
    pose: float
    mode: str
    regions: dict[str, float]
    audio: str
    """Whose sound is heard: ``source``, ``driver``, ``mix`` or ``none``."""
    keys: dict[str, tuple[Key, ...]]
    """What changed inside the shot, by rows, which are counted from its lowest media frame."""
    num_mattes: int
    consent: str
    components: tuple[UsedComponent, ...]
    missing: tuple[MissingRecord, ...]


class EditsRecord(_Model):
    """The content of ``<output>.edits.json``."""

    schema_version: int = RECORD_SCHEMA
    toolkit: str = "dpe_toolkit"
    toolkit_version: str = __version__
    written_at: str
    """UTC, ISO 8601."""
    output: str
    timeline: str
    plan_digest: str
    num_frames: int
    rate: ExactFraction
    shots: tuple[ShotRecord, ...]
    """The edited shots alone."""


def edits_path(output: Path) -> Path:
    """Where the record of ``output`` lies."""
    return output.with_name(output.name + ".edits.json")


def record_shot(
    prepared: PreparedShot, parts: Sequence[ShotPlan], first: int, borrowed: Sequence[ComponentChoice] = ()
) -> ShotRecord:
    """What is done to one shot.

    Args:
        prepared: the shot.
        parts: the parts of it that are seen, in output order.
        first: record frame of the output's first frame.
        borrowed: components that its own asked for.
    """
    edit = prepared.edit
    rows = {frame - first: row for part in parts for frame, row in zip(part.record, part.shown_rows, strict=True)}
    edited = _ranges(frame for frame, row in rows.items() if prepared.amounts[row] > 0)
    media = Span(min(part.source_span.start for part in parts), max(part.source_span.stop for part in parts))
    missing: list[MissingRecord] = []
    for gap in prepared.missing:
        if gap.role == "driver":
            missing.append(_missing(gap.role, gap.frames, None, gap.treatment))
            continue
        lost = gap.frames.shift(-prepared.shot.source_span.start)
        for start, stop in _ranges(frame for frame, row in rows.items() if row in lost):
            seen = gap.frames.intersect(media)
            missing.append(_missing(gap.role, seen, Span(start, stop), gap.treatment))
    return ShotRecord(
        name=prepared.shot.name,
        id=edit.id,
        take=prepared.shot.id,
        output_frames=(min(rows), max(rows) + 1),
        media_frames=_pair(media),
        edited_output_frames=tuple(edited),
        source=_media(prepared.source),
        driver=_media(edit.driver),
        driver_start_s=(parts[0].edit or edit).driver_start_s,
        retime=edit.retime,
        expression=edit.expression,
        pose=edit.pose,
        mode=edit.mode,
        regions=edit.regions,
        audio=edit.audio,
        keys=edit.keys,
        num_mattes=len(edit.mattes),
        consent=edit.consent,
        components=tuple(
            UsedComponent.model_validate(one.model_dump(include=set(UsedComponent.model_fields)))
            for one in (*edit.choices, *borrowed)
        ),
        missing=tuple(missing),
    )


def _ranges(frames: Iterable[int]) -> list[tuple[int, int]]:
    """Half-open ranges that hold just these frames."""
    ranges: list[tuple[int, int]] = []
    for frame in sorted(frames):
        if ranges and ranges[-1][1] == frame:
            ranges[-1] = ranges[-1][0], frame + 1
        else:
            ranges.append((frame, frame + 1))
    return ranges


def _pair(span: Span) -> tuple[int, int]:
    return span.start, span.stop


def _media(media: MediaPlan) -> MediaRecord:
    return MediaRecord(file=media.path.name, digest=media.digest)


def _missing(
    role: Literal["source", "driver"],
    media: Span,
    output: Span | None,
    treatment: Literal["bridged", "passed through"],
) -> MissingRecord:
    shown = None if output is None else _pair(output)
    return MissingRecord(role=role, media_frames=_pair(media), output_frames=shown, treatment=treatment)


def container_metadata(shots: Sequence[ShotRecord]) -> dict[str, str]:
    """Tags that say that a video was edited; none where no shot was."""
    if not shots:
        return {}
    names = ", ".join(shot.name for shot in shots[:5]) + (" and more" if len(shots) > 5 else "")
    text = f"Facial expressions in this video were edited with dpe_toolkit {__version__} (shots: {names})"
    tool = f"dpe_toolkit {__version__}"
    return {"comment": text, "description": text, "encoded_by": tool, "software": tool}


@contextmanager
def pending_record(plan: RenderPlan, output: Path, shots: Sequence[ShotRecord]) -> Iterator[Callable[[], None]]:
    """The record written beside ``output`` under a temporary name, and what puts it in place.

    It is to be put in place just before the video: a record without its video harms nobody, a video
    without its record hides what was done to it. Where the block fails after that, the record that stood
    there before stands there again, or none.

    Raises:
        RenderError: the folder cannot be written.
    """
    record = EditsRecord(
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
        output=output.name,
        timeline=plan.timeline,
        plan_digest=plan.digest,
        num_frames=plan.num_frames,
        rate=plan.rate,
        shots=tuple(shots),
    )
    with ExitStack() as stack:
        try:
            file = stack.enter_context(staged(edits_path(output)))
            file.part.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8", newline="\n")
        except OSError as error:
            raise RenderError(
                f"the record of the edits cannot be written: {error}",
                "an output folder with room that may be written",
                "choose another output",
                path=edits_path(output),
            ) from error
        yield file.place
