"""Choosing a shot's components and their options by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dpe_toolkit.core.errors import DpeError, nearest_names
from dpe_toolkit.editing import stages
from dpe_toolkit.editing.components import Component, weights_options
from dpe_toolkit.editing.options import PluginOptions, read_options
from dpe_toolkit.editing.stages import KINDS, SHOT_KINDS, STAGES, ComponentKind
from dpe_toolkit.face.codes import CodeSpace
from dpe_toolkit.planning.media import problem_of
from dpe_toolkit.planning.picking import ComponentNames, PickedComponents, listed_names, pick_components
from dpe_toolkit.planning.weights import WeightsPlaces, digest_of
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.plugins import RegisteredComponent, Registry

__all__ = [
    "IDENTITY",
    "ChosenComponents",
    "Options",
    "check_targets",
    "choose_components",
    "choose_identity",
]

IDENTITY: ComponentKind = stages.IDENTITY.kind
"""Kind of what tells who a face is: a shot needs one where a face is chosen by a picture."""
Options = Mapping[str, Mapping[str, object]]
"""Component (by name, kind or family) to option to value."""
_TIED = tuple(row.kind for row in STAGES if row.tied)
"""Kinds that share a code space."""


@dataclass(frozen=True, slots=True)
class ChosenComponents:
    """One shot's components."""

    choices: dict[str, ComponentChoice]
    """Kind to choice; kinds that failed are left out."""
    chains: dict[str, tuple[ComponentChoice, ...]]
    """Kind to choices in order, of kinds of which a shot has a list."""
    origins: dict[str, str]
    """``components.<kind>`` to where the name came from."""
    problems: tuple[Problem, ...]


def choose_components(
    registry: Registry,
    names: Mapping[str, ComponentNames],
    options: Mapping[str, Options],
    *,
    where: str,
    weights: WeightsPlaces | None = None,
) -> ChosenComponents:
    """The components of one shot, and every fault in the choice.

    Args:
        registry: what is installed.
        names: origin to names by kind, the weakest origin first.
        options: origin to options, the weakest first.
        where: the clip, for messages.
        weights: where weights are looked for.
    """
    places = weights or WeightsPlaces()
    picked = pick_components(registry, names, where)
    problems = [*picked.problems]
    choices: dict[str, ComponentChoice] = {}
    chains: dict[str, tuple[ComponentChoice, ...]] = {}
    spaces: dict[str, CodeSpace] = {}
    for kind, entry in picked.entries:
        values = _values_for(entry, picked.ones, options, places)
        choice, parsed, faults = _configure(entry, values, where)
        problems += faults
        if parsed is not None:
            choice, space, faults = _resolve_space(entry.component, parsed, choice, places, where)
            problems += faults
            spaces |= {} if space is None else {kind: space}
        if kind in picked.ones:
            choices[kind] = choice
        else:
            chains[kind] = (*chains.get(kind, ()), choice)
    others = registry.components(IDENTITY)
    fitting = {
        origin: {target: given for target, given in layer.items() if target not in others}
        for origin, layer in options.items()
    }
    problems += _unclaimed(picked, fitting, where)
    problems += _check_spaces(picked.ones, spaces, where)
    return ChosenComponents(choices, chains, picked.origins, tuple(dict.fromkeys(problems)))


def choose_identity(
    registry: Registry,
    names: Mapping[str, ComponentNames],
    options: Mapping[str, Options],
    *,
    where: str,
    weights: WeightsPlaces | None = None,
) -> tuple[ComponentChoice | None, list[Problem]]:
    """What tells who a face is, and every fault in the choice. Arguments as for `choose_components`.

    Where none is named, the one that needs no weights is taken.
    """
    entries = registry.components(IDENTITY)
    named = [name for layer in names.values() if IDENTITY in layer for name in listed_names(layer[IDENTITY])][-1:]
    ready = [name for name, entry in entries.items() if "weights" not in entry.component.options.model_fields]
    if not named and len(ready) != 1:
        wrong = f"a face is chosen by a picture, and {len(ready)} components that can tell who a face is are ready"
        action = f"name one under 'components', as {IDENTITY}, or choose the face in another way"
        return None, [Problem(where=where, wrong=wrong, expected=nearest_names("", entries), action=action)]
    try:
        entry = registry.find(IDENTITY, (named or ready)[0])
    except DpeError as error:
        return None, [problem_of(error, where)]
    choice, parsed, problems = _configure(entry, _values_for(entry, {}, options, WeightsPlaces()), where)
    if parsed is None:
        return None, problems
    settled, _, faults = _resolve_space(entry.component, parsed, choice, weights or WeightsPlaces(), where)
    return settled, problems + faults


def check_targets(options: Options, known: Iterable[str], *, where: str) -> list[Problem]:
    """Options that are meant for a component that is not among ``known``."""
    names = {*known, *SHOT_KINDS}
    return [
        Problem(
            where=where,
            wrong=f"options are given for {target!r}, which no shot uses",
            expected=nearest_names(target, {name for name in names if ":" in target or ":" not in name}),
            action="correct the component's name",
        )
        for target in options
        if target not in names
    ]


def _claims(entry: RegisteredComponent, target: str) -> bool:
    component = entry.component
    return target in {component.name, entry.full_name, component.kind, component.family or component.name}


def _values_for(
    entry: RegisteredComponent,
    picked: Mapping[str, RegisteredComponent],
    options: Mapping[str, Options],
    places: WeightsPlaces,
) -> dict[str, tuple[str, object]]:
    """Option to origin and value, for one component.

    A name may be shared by components of several kinds: then an option goes to those that have it. Where
    encoder and motion extractor are of the generator's family, what is given for the generator is given
    for them, unless they have a value of their own.
    """
    fields = entry.component.options.model_fields
    values: dict[str, tuple[str, object]] = {}
    generator = picked.get("generator")
    if generator is not None and entry is not generator and entry.component.family == generator.component.family != "":
        values = {field: value for field, value in _given(generator, options).items() if field in fields}
    values |= {field: value for field, value in _given(entry, options).items() if field in fields}
    if places.named is not None and "weights" in fields:
        values["weights"] = ("command line", places.named)
    return values


def _given(entry: RegisteredComponent, options: Mapping[str, Options]) -> dict[str, tuple[str, object]]:
    """Option to origin and value, for what is given under one of a component's names."""
    return {
        option.replace("-", "_"): (origin, value)
        for origin, layer in options.items()
        for target, given in layer.items()
        if _claims(entry, target)
        for option, value in given.items()
    }


def _unclaimed(picked: PickedComponents, options: Mapping[str, Options], where: str) -> list[Problem]:
    """Options that no chosen component has, and in effects those of components that are not chosen."""
    problems = []
    entries = [entry for _, entry in picked.entries]
    for origin, layer in options.items():
        for target, given in layer.items():
            claimants = [entry for entry in entries if _claims(entry, target)]
            fields = {field for entry in claimants for field in entry.component.options.model_fields}
            if not claimants and origin == "effect" and set(KINDS) <= picked.ones.keys():
                problems += check_targets({target: given}, [entry.component.name for entry in entries], where=where)
            problems += [
                Problem(
                    where=where,
                    wrong=f"{target} has no option {option!r} ({origin})",
                    expected=nearest_names(option, fields),
                    action="correct the option's name",
                )
                for option in given
                if claimants and option.replace("-", "_") not in fields
            ]
    return problems


def _configure(
    entry: RegisteredComponent, values: Mapping[str, tuple[str, object]], where: str
) -> tuple[ComponentChoice, PluginOptions | None, list[Problem]]:
    component = entry.component
    parsed, problems = _parse_all(component.options, values, component.name, where)
    origins = {field: values[field][0] if field in values else "default" for field in component.options.model_fields}
    choice = ComponentChoice(
        kind=component.kind,
        name=component.name,
        plugin=entry.plugin,
        version=entry.version,
        fingerprint=component.fingerprint,
        options=parsed.model_dump(mode="json") if parsed else {},
        origins=origins,
        needs=component.needs,
    )
    return choice, parsed, problems


def _resolve_space(
    component: Component[object], options: PluginOptions, choice: ComponentChoice, places: WeightsPlaces, where: str
) -> tuple[ComponentChoice, CodeSpace | None, list[Problem]]:
    """The choice with its weights found, and the space it works in."""
    found: dict[str, Path] = {}
    try:
        for option, mark in weights_options(component.options).items():
            value = getattr(options, option)
            path = places.find(str(value), choice.origins[option], folder=mark.folder) if value else None
            found |= {} if path is None else {option: path}
        named = {option: path for option, path in found.items() if option != "weights"}
        path = found.get("weights")
        space = component.space if component.space_of is None else component.space_of(options, path)
        marks = [component.fingerprint]
        if path is not None:
            # A space that knows its checkpoint says it; of other components the file itself tells.
            known = space.checkpoint_digest if space is not None else ""
            marks.append((known or digest_of(path))[:16])
        marks += [f"{option} {digest_of(named[option])[:16]}" for option in sorted(named)]
    except DpeError as error:
        return choice, None, [problem_of(error, where)]
    update = {"weights": path, "weights_named": named, "fingerprint": " ".join(filter(None, marks))}
    return choice.model_copy(update=update), space, []


def _parse_all(
    model: type[PluginOptions], values: Mapping[str, tuple[str, object]], owner: str, where: str
) -> tuple[PluginOptions | None, list[Problem]]:
    """The options, or every fault in them."""
    parsed, faults = read_options(model, {field: value for field, (_, value) in values.items()}, owner=owner)
    return parsed, [problem_of(fault, where) for fault in faults]


def _check_spaces(
    picked: Mapping[str, RegisteredComponent], settled: Mapping[str, CodeSpace], where: str
) -> list[Problem]:
    spaces = {kind: settled[kind] for kind in _TIED if kind in settled}
    if len(set(spaces.values())) < 2:
        return []
    listed = ", ".join(f"{kind} {picked[kind].component.name!r} in {space.id!r}" for kind, space in spaces.items())
    return [
        Problem(
            where=where,
            wrong=f"its components work in different code spaces: {listed}",
            expected="encoder, motion and generator of one space, made for each other",
            action="choose components of one plugin and one checkpoint",
        )
    ]
