"""What stands on the items of a timeline and cannot be honoured, told by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from dpe_toolkit.planning.media import clip_label
from dpe_toolkit.planning.problems import ProblemList
from dpe_toolkit.timeline import Clip, EffectRecord, Stack, Track, Transition
from dpe_toolkit.timeline.document import MARKER_PREFIX, Item

__all__ = ["UnsupportedItems", "item_name"]

_CROSS_DISSOLVE = "SMPTE_Dissolve"
_OTHER_THAN_DISSOLVES = ("wipe", "dip", "additive", "slide", "push", "iris", "zoom", "fluid", "morph")
"""Words in the names of transitions that editing programs call dissolves by type, and that are none."""


@dataclass(frozen=True, slots=True)
class UnsupportedItems:
    """Looks at effects, markers and transitions; ``problems`` fills as it goes."""

    problems: ProblemList = field(default_factory=ProblemList)

    def item(self, item: Track | Stack, where: str) -> None:
        """What stands on a track or stack."""
        for effect in item.effects:
            if effect.kind == "dpe":
                self.problems.refuse(
                    where, "an edit on it is not yet honoured", "edits on clips", "put the effect on the clip"
                )
            else:
                self.effect(effect, where)
        for marker in item.markers:
            if marker.casefold().startswith(MARKER_PREFIX):
                self.problems.refuse(
                    where, f"marker {marker!r} on it is not yet honoured", "markers on clips", "move the marker"
                )

    def effect(self, effect: EffectRecord, where: str) -> None:
        """An effect of another program."""
        if effect.kind != "time":
            self.problems.warn(where, f"effect {effect.name!r} is the editing program's and is not rendered")
        elif effect.speed is None:
            action = "write the media at the wanted speed first, or remove the effect"
            self.problems.refuse(
                where,
                f"{effect.detail} ({effect.name!r}) is not honoured",
                "one speed from 0.0001 to 1000, forwards or backwards, or a freeze frame",
                action,
            )

    def every_transition(self, track: Track) -> None:
        """The transitions of a track that knows no dissolves."""
        for position, child in enumerate(track.children):
            if isinstance(child, Transition):
                self._refuse(track, position, "is not yet honoured", "a cut")

    def transition(self, track: Track, position: int) -> bool:
        """True where the transition at a position of a track's children is a dissolve that can be rendered."""
        transition = track.children[position]
        assert isinstance(transition, Transition)
        name = transition.name.casefold()
        if transition.kind != _CROSS_DISSOLVE:
            self._refuse(track, position, f"is of kind {transition.kind!r}, which is not honoured")
        elif any(word in name for word in _OTHER_THAN_DISSOLVES):
            self._refuse(track, position, "is no plain dissolve, and is not honoured")
        else:
            return transition.before_s + transition.behind_s > 0
        return False

    def crowded(self, track: Track, position: int, frames: int) -> None:
        """Refuses a dissolve that begins or ends ``frames`` outside of what it lies between."""
        self._refuse(track, position, f"reaches {frames} frames into what lies beyond its neighbour", "a shorter one")

    def without_handles(self, item: Item, missing_s: Fraction, rate: Fraction) -> None:
        """Refuses a dissolve for which a composition holds too little."""
        frames = -(-missing_s * rate // 1)
        self.problems.refuse(
            item_name(item),
            f"its dissolve needs {frames} frames more than it holds",
            "handles as long as the dissolve",
            "shorten the dissolve, or trim the composition",
        )

    def _refuse(self, track: Track, position: int, wrong: str, expected: str = "a cross dissolve or a cut") -> None:
        names = [child.name if isinstance(child, Clip) else "nothing" for child in (None, *track.children, None)]
        transition = track.children[position]
        assert isinstance(transition, Transition)
        self.problems.refuse(
            clip_label(names[position]),
            f"the transition {transition.name!r} to {names[position + 2]!r} {wrong}",
            expected,
            "replace it with a cut, and put it back in the editing program after the render",
        )


def item_name(item: Item) -> str:
    """How problems call an item."""
    if isinstance(item, Clip):
        return clip_label(item.name)
    return f"{type(item).__name__.lower()} {getattr(item, 'name', '')!r}"
