"""Choosing a shot's components and their options by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dpe_toolkit.components import KINDS
from dpe_toolkit.errors import DpeError, OptionsError, nearest_names
from dpe_toolkit.options import PluginOptions
from dpe_toolkit.plan import ComponentChoice, Problem
from dpe_toolkit.planning.media import problem_of
from dpe_toolkit.registry import RegisteredComponent, Registry

__all__ = ["ChosenComponents", "Options", "check_targets", "choose_components", "group_overrides"]

Options = Mapping[str, Mapping[str, object]]
"""Component (by name or kind) to option to value."""


@dataclass(frozen=True, slots=True)
class ChosenComponents:
    """One shot's components."""

    choices: dict[str, ComponentChoice]
    """Kind to choice; kinds that failed are left out."""
    origins: dict[str, str]
    """``components.<kind>`` to where the name came from."""
    problems: tuple[Problem, ...]


def group_overrides(overrides: Mapping[tuple[str, str], object]) -> dict[str, dict[str, object]]:
    """Overrides by component, from pairs of component and option."""
    grouped: dict[str, dict[str, object]] = {}
    for (component, option), value in overrides.items():
        grouped.setdefault(component, {})[option] = value
    return grouped


def choose_components(
    registry: Registry,
    names: Mapping[str, Mapping[str, str]],
    options: Mapping[str, Options],
    *,
    where: str,
) -> ChosenComponents:
    """The components of one shot, and every fault in the choice.

    Args:
        registry: what is installed.
        names: origin to names by kind, the weakest origin first.
        options: origin to options, the weakest first.
        where: the clip, for messages.
    """
    problems: list[Problem] = []
    picked: dict[str, RegisteredComponent] = {}
    origins: dict[str, str] = {}
    for kind in KINDS:
        origin, name = next((origin, layer[kind]) for origin, layer in reversed(list(names.items())) if kind in layer)
        origins[f"components.{kind}"] = origin
        try:
            picked[kind] = registry.find(kind, name)
        except DpeError as error:
            problems.append(problem_of(error, where))
    choices: dict[str, ComponentChoice] = {}
    for chosen, entry in picked.items():
        choices[chosen], faults = _configure(entry, _values_for(entry, picked, options), where)
        problems += faults
    problems += _unclaimed(picked, options, where)
    problems += _check_spaces(picked, where)
    return ChosenComponents(choices, origins, tuple(problems))


def check_targets(options: Options, known: Iterable[str], *, where: str) -> list[Problem]:
    """Options that are meant for a component that is not among ``known``."""
    names = {*known, *KINDS}
    return [
        Problem(
            where=where,
            wrong=f"options are given for {target!r}, which no shot uses",
            expected=nearest_names(target, names),
            action="correct the component's name",
        )
        for target in options
        if target not in names
    ]


def _claims(entry: RegisteredComponent, target: str) -> bool:
    return target in {entry.component.name, entry.component.kind}


def _values_for(
    entry: RegisteredComponent, picked: Mapping[str, RegisteredComponent], options: Mapping[str, Options]
) -> dict[str, tuple[str, object]]:
    """Option to origin and value, for one component.

    A name may be shared by components of several kinds: then an option goes to those that have it.
    """
    values: dict[str, tuple[str, object]] = {}
    for origin, layer in options.items():
        for target, given in layer.items():
            if not _claims(entry, target):
                continue
            for option, value in given.items():
                field = option.replace("-", "_")
                if field in entry.component.options.model_fields:
                    values[field] = (origin, value)
    return values


def _unclaimed(picked: Mapping[str, RegisteredComponent], options: Mapping[str, Options], where: str) -> list[Problem]:
    """Options that no chosen component has, and in effects those of components that are not chosen."""
    problems = []
    for origin, layer in options.items():
        for target, given in layer.items():
            claimants = [entry for entry in picked.values() if _claims(entry, target)]
            fields = {field for entry in claimants for field in entry.component.options.model_fields}
            if not claimants and origin == "effect" and len(picked) == len(KINDS):
                problems += check_targets(
                    {target: given}, [entry.component.name for entry in picked.values()], where=where
                )
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
) -> tuple[ComponentChoice, list[Problem]]:
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
    )
    return choice, problems


def _parse_all(
    model: type[PluginOptions], values: Mapping[str, tuple[str, object]], owner: str, where: str
) -> tuple[PluginOptions | None, list[Problem]]:
    """The options, or every fault in them: alone first, then together."""
    problems = []
    for field, (_, value) in values.items():
        fault = _try_parse(model, {field: value}, owner, where)[1]
        problems += [fault] if fault else []
    if problems:
        return None, problems
    parsed, fault = _try_parse(model, {field: value for field, (_, value) in values.items()}, owner, where)
    return parsed, [fault] if fault else []


def _try_parse(
    model: type[PluginOptions], values: Mapping[str, object], owner: str, where: str
) -> tuple[PluginOptions | None, Problem | None]:
    try:
        return model.parse(values, owner=owner), None
    except OptionsError as error:
        return None, problem_of(error, where)


def _check_spaces(picked: Mapping[str, RegisteredComponent], where: str) -> list[Problem]:
    tied: Sequence[tuple[str, RegisteredComponent]] = [
        (kind, picked[kind]) for kind in ("encoder", "motion", "generator") if kind in picked
    ]
    spaces = {kind: entry.component.space for kind, entry in tied if entry.component.space is not None}
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
