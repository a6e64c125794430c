"""What the AAF adapter asks of a timeline before it writes one, filled in or refused by name."""

from __future__ import annotations

import importlib
import uuid
from typing import Any

import opentimelineio as otio  # type: ignore[import-untyped] # ships no types

from dpe_toolkit.core.errors import TimelineError

__all__ = ["WRITE_OPTIONS", "dressed_for_aaf"]

WRITE_OPTIONS = {"use_empty_mob_ids": True}
"""The adapter makes up ids for what has no media; media are given theirs here."""
_KEY = "AAF"
_DISSOLVE = "0c3bea40-fc05-11d2-8a29-0050040ef7d2"
"""Source: AAF Object Specification 1.1, operation definition Video Dissolve."""
_NAMESPACE = uuid.UUID("6f3ad1f2-0b0c-5d6e-9d0a-9a4f6d1f0c11")


def dressed_for_aaf(timeline: Any) -> Any:
    """A copy of the timeline with the ids, ranges and parameters that the adapter demands.

    Clips of one media file and name get one id, the same at each writing, so that Media Composer can tell them again.
    Dissolves get the parameters of a linear one.

    Raises:
        TimelineError: a rate, transition or nested stack that the adapter cannot write; it names it.
    """
    copied = timeline.deepcopy()
    for stack in copied.find_children(descended_from_type=otio.schema.Stack):
        # read back, its layers come one after the other, at another length
        raise TimelineError(
            f"a stack {stack.name!r} lies inside a track, and an AAF of it shows something else",
            "a cut without nested stacks",
            "dissolve it into its clips, or write an .otio",
        )
    rate = copied.duration().rate
    for clip in copied.find_clips():
        _dress_clip(clip, rate)
    for transition in copied.find_children(descended_from_type=otio.schema.Transition):
        _dress_transition(transition, rate)
    return copied


def _dress_clip(clip: Any, rate: float) -> None:
    reference = clip.media_reference
    if reference.available_range is None:
        reference.available_range = clip.visible_range()
    for held in (
        clip.trimmed_range().duration,
        reference.available_range.start_time,
        reference.available_range.duration,
    ):
        if held.rate != rate:
            raise TimelineError(
                f"clip {clip.name!r} or its media count at {held.rate:g} frames a second, and the cut at {rate:g}",
                "one rate, since the AAF adapter writes no other",
                "write an .otio",
            )
    url = getattr(reference, "target_url", "")
    known = [held.metadata.get(_KEY, {}) for held in (clip, reference)]
    if url and not any(one.get("MobID") or one.get("SourceID") for one in known):
        reference.metadata[_KEY] = {**known[1], "MobID": _mob_id(f"{url}\0{clip.name}")}


def _mob_id(text: str) -> str:
    made = importlib.import_module("aaf2.mobid").MobID.new()  # comes with the adapter
    made.material = uuid.uuid5(_NAMESPACE, text)
    return str(made)


def _dress_transition(transition: Any, rate: float) -> None:
    if transition.transition_type != otio.schema.TransitionTypes.SMPTE_Dissolve:
        raise TimelineError(
            f"transition {transition.name!r} is a {transition.transition_type}, which the AAF adapter does not write",
            "dissolves alone",
            "make it a dissolve, or write an .otio",
        )
    transition.in_offset = transition.in_offset.rescaled_to(rate)
    transition.out_offset = transition.out_offset.rescaled_to(rate)
    held = transition.metadata.get(_KEY, {})
    if "PointList" in held and "CutPoint" in held and "OperationGroup" in held:
        return
    operation = {
        "Identification": _DISSOLVE,
        "DataDefinition": {"Name": "Picture"},
        "Name": "Video Dissolve",
        "Description": "",
        "IsTimeWarp": False,
        "Bypass": 0,
        "NumberInputs": 2,
        "OperationCategory": "OperationCategory_Effect",
    }
    transition.metadata[_KEY] = {
        "CutPoint": round(transition.in_offset.value),
        "PointList": [{"Value": 0.0, "Time": 0.0}, {"Value": 1.0, "Time": 1.0}],
        "OperationGroup": {"Operation": operation},
    }
