"""Which clip carries which edit: by its effect, else its marker, else the sidecar's word on its media."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from dpe_toolkit.planning.media import clip_label
from dpe_toolkit.planning.problems import ProblemList
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.timeline import Clip, EffectSpec, Sidecar, SidecarShot, media_basename, parse_effect
from dpe_toolkit.timeline.document import MARKER_PREFIX

__all__ = ["EditSearch", "FoundEdit", "find_edits", "search_edits"]


@dataclass(frozen=True, slots=True)
class FoundEdit:
    """The edit of one clip."""

    spec: EffectSpec
    shift_s: Fraction = Fraction(0)
    """How much later than the edit was made for the clip now starts, in its media."""
    by: Literal["effect", "marker", "sidecar"] = "effect"


def find_edits(clips: Sequence[Clip], sidecar: Sidecar) -> tuple[dict[Clip, FoundEdit], list[Problem]]:
    """The edit of each clip that has one, and what is wrong with them.

    Args:
        clips: every clip that can be picture.
        sidecar: what stands beside the timeline.
    """
    search = search_edits(clips, sidecar)
    return search.found, search.problems.items


def search_edits(clips: Sequence[Clip], sidecar: Sidecar) -> EditSearch:
    """As `find_edits`, with what was not found told by edit."""
    search = EditSearch(clips, sidecar)
    for clip in clips:
        search.by_effect(clip)
    search.by_marker()
    search.by_media()
    return search


class EditSearch:
    """What a search found: ``found``, ``problems`` and ``unclear``.

    Args:
        clips: every clip that can be picture.
        sidecar: edits that may belong to them.
    """

    def __init__(self, clips: Sequence[Clip], sidecar: Sidecar) -> None:
        self._clips = clips
        self._shots = {shot.id.casefold(): shot for shot in sidecar.shots}
        self._settled: set[str] = set()
        self._taken: set[Clip] = set()
        self.found: dict[Clip, FoundEdit] = {}
        self.unclear: dict[str, tuple[Clip, ...]] = {}
        """Id of an edit, in lower case, to the clips that it may mean, where it is not clear which."""
        self.problems = ProblemList()

    def by_effect(self, clip: Clip) -> None:
        """Takes a clip's own effect at its word."""
        records = [effect for effect in clip.effects if effect.kind == "dpe"]
        for record in records:
            self._settled.add(str(record.metadata.get("id", "")).casefold())
            self._taken.add(clip)
        if len(records) > 1:
            self.problems.refuse(
                clip_label(clip.name),
                f"it has {len(records)} edits, which is not yet honoured",
                "one edit",
                "remove all but one",
            )
        elif records:
            spec, problems = parse_effect(records[0].metadata, where=clip_label(clip.name))
            self.problems.items.extend(problems)
            if spec is not None:
                self.found[clip] = FoundEdit(spec)

    def by_marker(self) -> None:
        """Finds what markers name."""
        marked: dict[str, list[Clip]] = {}
        for clip in self._clips:
            if clip in self._taken:
                continue
            for marker in dict.fromkeys(name.casefold() for name in clip.markers):
                if marker.startswith(MARKER_PREFIX):
                    marked.setdefault(marker.removeprefix(MARKER_PREFIX).strip(), []).append(clip)
        for identity, clips in marked.items():
            self._resolve_marker(identity, clips)

    def _resolve_marker(self, identity: str, clips: Sequence[Clip]) -> None:
        shot = self._shots.get(identity)
        label = ", ".join(clip_label(clip.name) for clip in clips)
        if shot is None and identity in self._settled:
            return
        if shot is None:
            self.problems.refuse(
                label,
                f"marker 'dpe:{identity}' names an edit that neither the timeline nor its sidecar holds",
                "the .dpe.json file that belongs to the timeline, beside it",
                "put it there under the timeline's name, or remove the marker",
            )
            return
        # EDL copies a clip's marker over a dissolve to its neighbour, which shows other media.
        own = [clip for clip in clips if _same_media(clip, shot)]
        if not own:
            self.problems.refuse(
                label,
                f"marker 'dpe:{identity}' belongs to media {shot.media!r}, which the clip does not show",
                "the marker on the clip that it was made for",
                "move or remove the marker",
            )
        self._settled.add(identity)
        for clip in own:
            if clip in self._taken:
                self.problems.refuse(
                    clip_label(clip.name), "its markers name several edits", "one edit", "remove all markers but one"
                )
            else:
                self._apply(shot, clip, "marker")

    def by_media(self) -> None:
        """Finds the rest by media and range, where these mean one clip."""
        lost = [shot for identity, shot in self._shots.items() if identity not in self._settled]
        wanted: dict[Clip, list[SidecarShot]] = {}
        for shot in lost:
            matches = [
                clip
                for clip in self._clips
                if clip not in self._taken and _same_media(clip, shot) and _overlaps(clip, shot)
            ]
            if not matches:
                self.problems.warn(
                    f"edit {shot.id!r} of the sidecar", f"no clip shows its part of {shot.media!r}, so it is left out"
                )
            elif len(matches) > 1:
                self.unclear[shot.id.casefold()] = tuple(matches)
                self.problems.refuse(
                    ", ".join(clip_label(clip.name) for clip in matches),
                    f"each shows the media of edit {shot.id!r} of the sidecar, so it is not clear which is meant",
                    "one clip",
                    f"put a marker named 'dpe:{shot.id}' on the right one, or link the driver again",
                )
            else:
                wanted.setdefault(matches[0], []).append(shot)
        for clip, shots in wanted.items():
            if len(shots) > 1:
                names = ", ".join(repr(shot.id) for shot in shots)
                self.unclear |= {shot.id.casefold(): (clip,) for shot in shots}
                self.problems.refuse(
                    clip_label(clip.name),
                    f"edits {names} of the sidecar all lie on its media, so it is not clear which is meant",
                    "one edit",
                    "put a marker named 'dpe:' and the id on it, or link the driver again",
                )
            else:
                self._apply(shots[0], clip, "sidecar")

    def _apply(self, shot: SidecarShot, clip: Clip, by: Literal["marker", "sidecar"]) -> None:
        self._taken.add(clip)
        spec, problems = parse_effect(shot.effect, where=f"{clip_label(clip.name)} (sidecar, edit {shot.id!r})")
        self.problems.items.extend(problems)
        shift_s = Fraction(0)
        if clip.range is not None and shot.source_range is not None:
            shift_s = clip.range.start_s - shot.source_range.start_s
        if spec is not None:
            self.found[clip] = FoundEdit(spec, shift_s, by)


def _same_media(clip: Clip, shot: SidecarShot) -> bool:
    return not shot.media or media_basename(clip.media.url) == media_basename(shot.media)


def _overlaps(clip: Clip, shot: SidecarShot) -> bool:
    """The clip shows some of the shot's part of the media; true where either range is not known."""
    held, wanted = clip.range or clip.media.available, shot.source_range
    if held is None or wanted is None:
        return True
    return held.start_s < wanted.start_s + wanted.duration_s and wanted.start_s < held.stop_s
