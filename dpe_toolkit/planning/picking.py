"""Which installed components a shot's names mean, and whether these fit each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dpe_toolkit.core.errors import DpeError
from dpe_toolkit.editing.components import Component
from dpe_toolkit.editing.stages import CHAIN_KINDS, DETECTOR, GENERATOR, KINDS, LANDMARK, OPTIONAL_KINDS, STAGES
from dpe_toolkit.planning.media import problem_of
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.plugins import DEFAULT_EXTRA, RegisteredComponent, Registry

__all__ = ["ComponentNames", "PickedComponents", "family_of", "listed_names", "pick_components"]

ComponentNames = Mapping[str, str | Sequence[str]]
"""Kind to a name, or for kinds of which a shot has a list to names in order."""
_FOLLOWS = tuple(row.kind for row in STAGES if row.tied and row is not GENERATOR)
_SEES_FACES = tuple(row.kind for row in STAGES if row.runs != "measure" and row not in (DETECTOR, LANDMARK))


@dataclass(slots=True)
class PickedComponents:
    """The components of one shot as they are registered."""

    ones: dict[str, RegisteredComponent] = field(default_factory=dict)
    """By kind, where a shot has one; kinds that failed are left out."""
    lists: dict[str, list[RegisteredComponent]] = field(default_factory=dict)
    """By kind, where a shot has a list; kinds without are left out."""
    origins: dict[str, str] = field(default_factory=dict)
    """``components.<kind>`` to where the name came from."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def entries(self) -> Iterator[tuple[str, RegisteredComponent]]:
        """Kind and component, in the order of the kinds."""
        for row in STAGES:
            for entry in self.lists.get(row.kind, [self.ones[row.kind]] if row.kind in self.ones else []):
                yield row.kind, entry


def listed_names(value: str | Sequence[str]) -> list[str]:
    """The names in one value; text may hold several with commas between, and none where it is empty."""
    parts = value.split(",") if isinstance(value, str) else value
    return [name for part in parts if (name := part.strip())]


def family_of(component: Component[object]) -> str:
    """What ties encoder, motion extractor and generator; empty where nothing does."""
    return component.family or (component.space.id if component.space is not None else "")


def pick_components(registry: Registry, names: Mapping[str, ComponentNames], where: str) -> PickedComponents:
    """The components that the strongest names mean, those that follow from them, and every fault.

    Args:
        registry: what is installed.
        names: origin to names by kind, the weakest origin first.
        where: the clip, for messages.
    """
    picked = PickedComponents()
    unnamed: set[str] = set()
    layers = list(reversed(list(names.items())))
    for kind in (*KINDS, *OPTIONAL_KINDS, *CHAIN_KINDS):
        origin, stated = next(((origin, layer[kind]) for origin, layer in layers if kind in layer), ("default", ""))
        found = listed_names(stated)
        if found or kind in KINDS:
            picked.origins[f"components.{kind}"] = origin
        if not found and kind in KINDS:
            unnamed.add(kind)
        if kind in CHAIN_KINDS:
            picked.lists |= {kind: _find(registry, kind, found, picked, where)} if found else {}
        elif len(found) > 1:
            picked.problems.append(_too_many(kind, found, where))
        elif found:
            for entry in _find(registry, kind, found, picked, where):
                picked.ones[kind] = entry
    _follow_generator(registry, picked)
    picked.problems += [_none_named(registry, kind, where) for kind in KINDS if kind in unnamed - picked.ones.keys()]
    _take_landmarker(registry, picked)
    picked.problems += _unmet(registry, picked, where)
    return picked


def _find(
    registry: Registry, kind: str, names: Sequence[str], picked: PickedComponents, where: str
) -> list[RegisteredComponent]:
    entries = []
    for name in names:
        try:
            entries.append(registry.find(kind, name))
        except DpeError as error:
            picked.problems.append(problem_of(error, where))
    return entries


def _too_many(kind: str, names: Sequence[str], where: str) -> Problem:
    return Problem(
        where=where,
        wrong=f"{len(names)} components are named as {kind}: {', '.join(names)}",
        expected="one",
        action=f"name one; of {' and '.join(CHAIN_KINDS)} there may be several",
    )


def _none_named(registry: Registry, kind: str, where: str) -> Problem:
    known = ", ".join(map(repr, registry.components(kind)))
    return Problem(
        where=where,
        wrong=f"no {kind} is named, and none is installed that is taken by default",
        expected=f"one of {known}" if known else f"a plugin with a {kind}",
        action="; ".join(filter(None, (f"install {DEFAULT_EXTRA}, or name one", registry.repairs()))),
    )


def _follow_generator(registry: Registry, picked: PickedComponents) -> None:
    """Gives a generator the encoder and motion extractor of its family, where nobody named others."""
    generator = picked.ones.get(GENERATOR.kind)
    if generator is None:
        return
    family = family_of(generator.component)
    for kind in _FOLLOWS:
        own = picked.ones.get(kind)
        if picked.origins[f"components.{kind}"] != "default":
            continue
        if own is not None and family_of(own.component) == family:
            continue
        kin = [entry for entry in registry.components(kind).values() if family_of(entry.component) == family != ""]
        if len(kin) == 1:
            picked.ones[kind] = kin[0]
            picked.origins[f"components.{kind}"] = GENERATOR.kind


def _given(*givers: RegisteredComponent | None) -> frozenset[str] | None:
    """What is known to come from a detector and a landmarker after it; None where the detector does not say.

    What a landmarker gives replaces what the detector gave of the same subject.
    """
    stated: set[str] = set()
    for giver in givers:
        if giver is None:
            continue
        gives = giver.component.gives
        if not gives:
            return None
        subjects = {_subject(one) for one in gives}
        stated = {one for one in stated if _subject(one) not in subjects} | set(gives)
    return frozenset(stated)


def _subject(text: str) -> str:
    return text.partition("=")[0]


def _lacking(entry: RegisteredComponent, given: frozenset[str]) -> list[str]:
    """Needs of a component that nothing given meets; a need without a form is met by any."""
    known = given | {_subject(one) for one in given}
    return [need for need in entry.component.needs if need not in known]


def _take_landmarker(registry: Registry, picked: PickedComponents) -> None:
    """Puts a landmarker behind a detector that does not give what others need, where just one can supply it."""
    detector = picked.ones.get(DETECTOR.kind)
    given = _given(detector)
    if detector is None or given is None or LANDMARK.kind in picked.ones:
        return
    users = [entry for kind, entry in picked.entries if kind in _SEES_FACES and _lacking(entry, given)]
    if not users:
        return
    able = [
        entry
        for entry in registry.components(LANDMARK.kind).values()
        if not _lacking(entry, given) and not any(_lacking(user, _given(detector, entry) or given) for user in users)
    ]
    usual = [entry for entry in able if registry.is_default(entry)]
    chosen = able if len(able) == 1 else usual
    if len(chosen) == 1:
        picked.ones[LANDMARK.kind] = chosen[0]
        first = users[0].component
        picked.origins[f"components.{LANDMARK.kind}"] = f"needed by {first.kind} {first.name}"


def _unmet(registry: Registry, picked: PickedComponents, where: str) -> list[Problem]:
    """Needs that the detector and the landmarker are known not to meet."""
    detector, landmarker = picked.ones.get(DETECTOR.kind), picked.ones.get(LANDMARK.kind)
    if detector is None:
        return []
    problems = []
    users = [entry for kind, entry in picked.entries if kind in _SEES_FACES]
    for entry in ([landmarker] if landmarker is not None else []) + users:
        givers = [detector] if entry is landmarker or landmarker is None else [detector, landmarker]
        given = _given(*givers)
        lacking = _lacking(entry, given) if given is not None else []
        if lacking:
            problems.append(_mismatch(registry, entry, lacking, givers, where))
    return problems


def _mismatch(
    registry: Registry,
    entry: RegisteredComponent,
    lacking: Sequence[str],
    givers: Sequence[RegisteredComponent],
    where: str,
) -> Problem:
    giving = " and ".join(f"{giver.label} gives {', '.join(giver.component.gives)}" for giver in givers)
    offers = [
        f"{row.kind} {name!r}"
        for row in (LANDMARK, DETECTOR)
        for name, other in registry.components(row.kind).items()
        if set(lacking) <= set(other.component.gives)
    ]
    listed = f"what supplies it: {', '.join(offers)}"
    return Problem(
        where=where,
        wrong=f"{entry.label} needs {', '.join(lacking)}, and {giving}",
        expected=listed if offers else "a component that supplies it; none is installed",
        action=f"name one, or another {entry.component.kind}",
    )
