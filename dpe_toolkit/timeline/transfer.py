"""Writing the edits of one cut into another."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio  # type: ignore[import-untyped] # ships no types

from dpe_toolkit.core.timing import snap_rate
from dpe_toolkit.timeline.document import EFFECT_NAME, MARKER_PREFIX, METADATA_KEY
from dpe_toolkit.timeline.edited import EDITED_KEY, RENDERED_MARKER
from dpe_toolkit.timeline.formats import TimelineFormat, write_format
from dpe_toolkit.timeline.link import rebase_clip, rebase_effect
from dpe_toolkit.timeline.read import OtioFile, load_otio
from dpe_toolkit.timeline.sidecar import write_sidecar
from dpe_toolkit.timeline.walking import RENDERED_KEY, otio_clips

__all__ = ["CarriedEdit", "write_conformed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedEdit:
    """An edit, and the clip of the newer cut that it belongs to."""

    id: str
    clip_index: int
    """Clip of the newer cut, counted as `walk_clips` orders them."""
    effect: Mapping[str, object]
    """The effect's metadata as plain data, as it was made for the older cut."""
    shift_s: Fraction = Fraction(0)
    """How much later in its media the clip begins now."""
    rendered_index: int | None = None
    """Clip of the older cut that shows edited media; None where it has none."""
    shows_rendered: bool = False
    """These edited media are to be shown; else the edit is to be made."""


def write_conformed(
    old: Path,
    new: Path,
    output: Path,
    edits: Sequence[CarriedEdit],
    *,
    kind: TimelineFormat,
    rate: Fraction | None = None,
) -> Path:
    """Writes the newer cut with the edits of the older one, and its sidecar, and returns the path.

    Args:
        old: the cut that holds the edits.
        new: the cut that they go to.
        output: what to write.
        edits: which clip gets which edit; clips that are not named stay as they are.
        kind: format to write.
        rate: frames a second of cuts that do not say it.

    Raises:
        TimelineError: a timeline cannot be read, or not be written.
    """
    former, held = load_otio(old, rate=rate), load_otio(new, rate=rate)
    base_dir = output.absolute().parent
    clips, former_clips = (list(otio_clips(one.timeline.tracks)) for one in (held, former))
    for clip in clips:
        rebase_clip(clip, held.folders, base_dir)
    entries = []
    for edit in edits:
        clip = clips[edit.clip_index]
        _clear(clip)
        if edit.rendered_index is not None:
            _show_former(clip, former_clips[edit.rendered_index], former, base_dir)
        if edit.shows_rendered:
            _mark(clip, f"{RENDERED_MARKER}{edit.id}")
        else:
            _show_original(clip)
            entries.append(_carry(clip, edit, former, base_dir))
            _mark(clip, f"{MARKER_PREFIX}{edit.id}")
    write_format(held.timeline, output, kind)
    write_sidecar(output, held.timeline.name, entries)
    return output


def _clear(clip: Any) -> None:
    clip.effects[:] = [effect for effect in clip.effects if METADATA_KEY not in effect.metadata]
    ours = (MARKER_PREFIX, RENDERED_MARKER)
    clip.markers[:] = [marker for marker in clip.markers if not marker.name.casefold().startswith(ours)]


def _mark(clip: Any, name: str) -> None:
    start = clip.trimmed_range().start_time
    marked = otio.opentime.TimeRange(start, otio.opentime.RationalTime(0, start.rate))
    clip.markers.append(otio.schema.Marker(name=name, marked_range=marked))


def _show_former(clip: Any, former: Any, held: OtioFile, base_dir: Path) -> None:
    copied = former.deepcopy()
    rebase_clip(copied, held.folders, base_dir)
    clip.set_media_references(dict(copied.media_references()), EDITED_KEY)
    clip.metadata[METADATA_KEY] = copied.metadata[METADATA_KEY]


def _show_original(clip: Any) -> None:
    """Takes edited media off a clip whose edit is to be made anew."""
    references = dict(clip.media_references())
    rendered = clip.metadata.get(METADATA_KEY, {}).get(RENDERED_KEY, {})
    original = str(rendered.get("original", ""))
    if EDITED_KEY in references and original in references:
        del references[EDITED_KEY]
        clip.set_media_references(references, original)
        del clip.metadata[METADATA_KEY]


def _carry(clip: Any, edit: CarriedEdit, former: OtioFile, base_dir: Path) -> dict[str, object]:
    """Puts the effect on a clip and returns its sidecar entry."""
    effect: dict[str, Any] = copy.deepcopy(dict(edit.effect)) | {"id": edit.id}
    rebase_effect(effect, former.folders, base_dir)
    shown = clip.trimmed_range()
    start_s = Fraction(shown.start_time.value).limit_denominator(1_000_000) / snap_rate(shown.start_time.rate)
    shifted = _shifted(effect, edit.shift_s)
    if shifted is None:
        # The driver's start is not a time that can be moved; the sidecar says which range it was made for.
        start_s -= edit.shift_s
    else:
        effect = shifted
        typed = copy.deepcopy(effect)
        clip.effects.append(otio.schema.Effect(effect_name=EFFECT_NAME, metadata={METADATA_KEY: typed}))
    rate = shown.start_time.rate
    first = {"value": float(start_s * snap_rate(rate)), "rate": rate}
    duration = {"value": shown.duration.value, "rate": shown.duration.rate}
    return {
        "id": edit.id,
        "clip": clip.name,
        "media": getattr(clip.media_reference, "target_url", ""),
        "source_range": {"start_time": first, "duration": duration},
        "effect": effect,
    }


def _shifted(effect: Mapping[str, Any], shift_s: Fraction) -> dict[str, Any] | None:
    """The effect for a clip that begins later in its media; None where its start is not stated as a time."""
    if not shift_s:
        return dict(effect)
    driving = dict(effect.get("driving") or {})
    start = driving.get("start")
    if not isinstance(start, Mapping) or set(start) != {"value", "rate"}:
        return None
    moved = shift_s * Fraction(driving.get("retime", 1)) * snap_rate(start["rate"])
    driving["start"] = {"value": start["value"] + float(moved), "rate": start["rate"]}
    return {**effect, "driving": driving}
