"""Plans of former schemas, made over step by step into what this version reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping

__all__ = ["UPGRADES"]

Json = dict[str, object]


def _from_1(plan: Mapping[str, object]) -> Json:
    """Schema 2 of a plan of schema 1, in which each shot held a whole take, and a tree of shots what meets in it."""
    takes: dict[str, Json] = {}
    shots = [_shot(_object(shot), takes) for shot in _list(plan["shots"])]
    return {**plan, "schema_version": 2, "takes": list(takes.values()), "shots": shots}


UPGRADES: dict[int, Callable[[Mapping[str, object]], Json]] = {1: _from_1}
"""Schema to what makes the next one of it. They raise KeyError or ValueError where a plan is damaged."""


def _shot(shot: Mapping[str, object], takes: dict[str, Json]) -> Json:
    uncut = shot.get("uncut")
    # Only a shot without media keeps count of what was cut off: that of others stands with their takes.
    cut_off = 0 if uncut is None or shot["source"] is not None else _later(shot, _object(uncut))
    return {
        "name": shot["name"],
        "record_start": shot["record_start"],
        "num_frames": shot["num_frames"],
        "image": _image(shot, takes),
        "skipped": cut_off,
    }


def _image(shot: Mapping[str, object], takes: dict[str, Json]) -> Json:
    image: Json = {"kind": "gap"}
    if shot["source"] is not None:
        image = _show(shot, takes)
    elif shot.get("inner") is not None:
        image = _image(_object(shot["inner"]), takes)
    if shot.get("mix") is not None:
        mix = _object(shot["mix"])
        second: Json = {"kind": "gap"} if mix["to"] is None else _image(_object(mix["to"]), takes)
        image = {"kind": "dissolve", "first": image, "second": second, "start": mix["start"], "step": mix["step"]}
    if shot.get("below") is not None:
        image = {"kind": "over", "top": image, "below": _image(_object(shot["below"]), takes)}
    return image


def _show(shot: Mapping[str, object], takes: dict[str, Json]) -> Json:
    whole = shot if shot.get("uncut") is None else _object(shot["uncut"])
    alone = {name: value for name, value in whole.items() if name not in {"inner", "mix", "below", "uncut"}}
    # Parts of one take had no more in common than that they were cut out of equal shots.
    text = json.dumps(alone, sort_keys=True)
    if text not in takes:
        found = hashlib.sha256(text.encode()).hexdigest()
        takes[text] = {
            "id": found[:16],
            "name": whole["name"],
            "source": whole["source"],
            "num_frames": whole["num_frames"],
            "time": whole.get("time") or {"start": str(whole.get("source_start", 0)), "step": "1"},
            "held_rate": whole.get("held_rate"),
            "edit": whole.get("edit"),
            "clip_index": whole.get("clip_index"),
        }
    return {"kind": "show", "take": takes[text]["id"], "start": _later(shot, whole)}


def _later(shot: Mapping[str, object], whole: Mapping[str, object]) -> int:
    """How many output frames a shot begins after the one that it was cut out of."""
    first, earlier = shot["record_start"], whole["record_start"]
    if not isinstance(first, int) or not isinstance(earlier, int):
        raise ValueError(f"a shot begins at {first!r}, which is no frame")
    return first - earlier


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r:.40} stands where a shot was expected")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r:.40} stands where a list of shots was expected")
    return value
