"""What a person types for parts: parts of a face, of a timeline, of a component."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from dpe_toolkit.core.errors import OptionsError, PlanError, nearest_names
from dpe_toolkit.core.timing import Span, format_timecode, parse_time
from dpe_toolkit.editing.options import parse_assignment
from dpe_toolkit.face.choice import FACE_FORMS, FaceChoice
from dpe_toolkit.face.choice import parse_face as read_face
from dpe_toolkit.plans.model import RenderPlan, ShotPlan
from dpe_toolkit.plans.soundtrack import keep_sound

__all__ = ["ends_beyond", "parse_assignments", "parse_face", "parse_span", "pick_shots"]

_SECONDS = r"\d+(?:\.\d+)?s"
_CODE = rf"\d+:\d+:\d+[:;]\d+|{_SECONDS}|"
_COUNT = rf"\d+|{_SECONDS}|"
# A frame count beside a timecode could be read in two ways, so it is neither.
_TIMECODES = re.compile(rf"({_CODE})\s*:\s*({_CODE})")
_COUNTS = re.compile(rf"({_COUNT})\s*:\s*({_COUNT})")


def parse_assignments(texts: Sequence[str] | None) -> dict[tuple[str, str], object]:
    """(component, option) to value, from each ``--set``; the last of two for one option counts."""
    parsed = (parse_assignment(text) for text in texts or ())
    return {(component, option): value for component, option, value in parsed}


def parse_face(text: str) -> FaceChoice:
    """Which face is meant by what was typed; a picture of it that is there has its whole path.

    Raises:
        OptionsError: the text is none of these.
    """
    try:
        face = read_face(text)
    except ValueError as error:
        raise OptionsError(f"face {text!r} is not known", FACE_FORMS, "correct the option") from error
    if face.by == "reference" and Path(face.reference).is_file():
        # The timeline may lie elsewhere than the working folder that a path starts in.
        return face.model_copy(update={"reference": str(Path(face.reference).absolute())})
    return face


def parse_span(text: str, rate: Fraction, *, num_frames: int, start_frame: int = 0) -> Span:
    """The run of frames meant by ``A:B``, ``A:`` or ``:B``, where A and B may be timecodes.

    Args:
        text: what was typed.
        rate: frames a second.
        num_frames: frames there are.
        start_frame: frame number of the start timecode.

    Raises:
        OptionsError: no such form, an empty run, or one that begins behind the end.
    """
    left, right = _halves(text)
    start = parse_time(left, rate, start_frame=start_frame) if left else 0
    stop = min(parse_time(right, rate, start_frame=start_frame) if right else num_frames, num_frames)
    if start >= stop:
        raise OptionsError(
            f"frames {text} hold none of the {num_frames} frames there are",
            f"A:B with A below B, and A below {_shown(num_frames, left, right, rate, start_frame)}",
            "correct --frames",
        )
    return Span(start, stop)


def ends_beyond(text: str, rate: Fraction, *, num_frames: int, start_frame: int = 0) -> bool:
    """True where the run meant by ``text``, of which `parse_span` keeps what there is, was to end later."""
    _, right = _halves(text)
    return bool(right) and parse_time(right, rate, start_frame=start_frame) > num_frames


def _shown(frame: int, left: str, right: str, rate: Fraction, start_frame: int) -> str:
    """The frame in the form in which the run was typed."""
    if ":" not in left + right:
        return str(frame)
    return format_timecode(start_frame + frame, rate, drop_frame=";" in left + right)


def _halves(text: str) -> tuple[str, str]:
    """Both sides of the colon that parts A from B, where a timecode has three colons of its own."""
    match = _TIMECODES.fullmatch(text.strip()) or _COUNTS.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise OptionsError(
            f"{text!r} is no run of frames",
            "A:B in frames (48:96), seconds (2s:4s) or timecode (00:00:02:00:00:00:04:00), either left out",
            "correct --frames",
        )
    return match[1], match[2]


def pick_shots(plan: RenderPlan, names: Sequence[str]) -> RenderPlan:
    """The plan of the shots so named alone, in the timeline's order.

    Raises:
        PlanError: no shot has one of the names.
    """
    known = {name for shot in plan.shots for name in shot.names}
    for name in names:
        if name not in known:
            raise PlanError(f"the timeline has no shot {name!r} here", nearest_names(name, known), "correct --shot")
    picked = [shot for shot in plan.shots if set(names).intersection(shot.names)]
    shots = tuple(_closed_up(picked))
    update: dict[str, object] = {"shots": shots, "part_of": ()}
    if plan.sound is not None:
        frames = [(old.record, new.record_start - old.record_start) for old, new in zip(picked, shots, strict=True)]
        stretches = [(run.start / plan.rate, run.stop / plan.rate, later / plan.rate) for run, later in frames]
        update["sound"] = keep_sound(plan.sound, stretches)
    return plan.model_copy(update=update)


def _closed_up(shots: Sequence[ShotPlan]) -> Iterator[ShotPlan]:
    """The shots, moved together so that no hole is left where others stood between them."""
    position = shots[0].record_start
    for shot in shots:
        yield shot.shift(position - shot.record_start)
        position += shot.num_frames
