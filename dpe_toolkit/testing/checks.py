"""The suites of whole plugins: do their components keep what they promise, and how fast are they."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dpe_toolkit.core.errors import DpeError, OptionsError, nearest_names
from dpe_toolkit.delivery.allowed import allowed_plugins, allowed_registry
from dpe_toolkit.editing.components import weights_options
from dpe_toolkit.planning.weights import WeightsPlaces
from dpe_toolkit.plugins import RegisteredComponent, Registry
from dpe_toolkit.plugins.folder import folder_sources
from dpe_toolkit.plugins.loading import installed_sources, load_plugin
from dpe_toolkit.rendering.device import resolve_device
from dpe_toolkit.testing.conformance import ms_per_frame, run_suite, suite_for

__all__ = ["CheckedComponent", "PluginChecks", "check_plugins"]


@dataclass(frozen=True, slots=True)
class CheckedComponent:
    """One component after its suite."""

    plugin: str
    kind: str
    component: str
    passed: int
    failed: int
    skipped: int
    ms_per_frame: float | None
    """None where a check failed, or nothing was run."""
    faults: tuple[str, ...]
    advice: tuple[str, ...] = ()
    """What holds with a reserve, such as a licence that is not stated."""
    lacking: str = ""
    """What it needs to be checked at all."""


@dataclass(frozen=True, slots=True)
class PluginChecks:
    """The components of the plugins that were asked for, after their suites."""

    components: tuple[CheckedComponent, ...]
    faults: tuple[str, ...]
    """Of plugins as a whole, such as one that does not load."""
    targeted: bool = False
    """A plugin, component or folder was asked for, and not all that is installed."""

    @property
    def unchecked(self) -> tuple[CheckedComponent, ...]:
        """What could not be checked, for want of weights."""
        return tuple(one for one in self.components if one.lacking)

    @property
    def is_well(self) -> bool:
        """True where every check held, every plugin loads, and what was asked for could be checked."""
        if self.targeted and self.unchecked:
            return False
        return not self.faults and not any(one.failed for one in self.components)


@dataclass(frozen=True, slots=True)
class _Settings:
    """How components are checked."""

    options: Mapping[tuple[str, str], object]
    weights: str | None
    """A name or file for everything that takes some."""
    places: WeightsPlaces
    device: str
    limit_s: float | None

    def weights_for(self, entry: RegisteredComponent) -> dict[str, Path]:
        """Option to the file or folder that it names, for the options of a component that name weights.

        Raises:
            CheckpointError: there is none of that name.
        """
        given = _given(entry, self.options)
        found: dict[str, Path] = {}
        for option, mark in weights_options(entry.component.options).items():
            value = self.weights if option == "weights" and self.weights is not None else given.get(option)
            path = self.places.find(str(value), "command line", folder=mark.folder) if value else None
            found |= {} if path is None else {option: path}
        return found


def check_plugins(
    target: str | None = None,
    *,
    kinds: Collection[str] = (),
    device: str = "cpu",
    options: Mapping[tuple[str, str], object] | None = None,
    weights: str | None = None,
    weights_dir: Path,
    limit_s: float | None = None,
    begun: Callable[[str, int], None] = lambda name, total: None,
    ended: Callable[[CheckedComponent], None] = lambda checked: None,
) -> PluginChecks:
    """Runs the conformance suite of each component, on short clips that are made for it.

    Args:
        target: a plugin or component, or the folder of a distribution, whose code is then run; None checks all.
        kinds: only components of these kinds; empty means all.
        device: as for `dpe_toolkit.rendering.resolve_device`.
        options: (component or kind, option) to value to check with; what names weights may be a name, file or folder.
        weights: name or file of the weights to check with, for everything whose option ``weights`` takes some.
        weights_dir: folder of imported weights.
        limit_s: seconds that one check may take, after which it fails; None sets no limit.
        begun: told the component that is next and how many there are.
        ended: told each component as its suite ends.

    Raises:
        OptionsError: nothing is called that, no component is of these kinds, or an option is not accepted.
        CheckpointError: there are no such weights.
    """
    registry, names = _registry(target)
    entries = _of_kinds(_entries(registry, target, names), kinds)
    if target is not None and names is None:
        named = {info.name for info in registry.plugins if target in (info.name, info.distribution)}
        names = named | {entry.plugin for entry in entries}
    infos = [info for info in registry.plugins if names is None or info.name in names]
    _check_options(entries, options or {})
    places = WeightsPlaces(folder=weights_dir, base_dir=Path.cwd(), named=weights)
    settings = _Settings(options or {}, weights, places, str(resolve_device(device)), limit_s)
    for entry in entries:
        settings.weights_for(entry)
    checked = []
    for entry in entries:
        begun(f"{entry.component.kind} {entry.component.name}", len(entries))
        checked.append(_check(registry, entry, settings))
        ended(checked[-1])
    faults = [f"plugin {info.label}: {info.fault}" for info in infos if info.fault]
    faults += [
        f"plugin {info.label} does not state DPE_API_VERSION; write DPE_API_VERSION = 1 in its module"
        for info in infos
        if info.api_version is None and info.components
    ]
    return PluginChecks(tuple(checked), tuple(faults), target is not None)


def _registry(target: str | None) -> tuple[Registry, set[str] | None]:
    """The plugins to work with, and the names of those to check; None for all."""
    if target is None or not Path(target).is_dir():
        return allowed_registry(), None
    sources = folder_sources(Path(target))
    names = {source.name for source in sources}
    others = [source for source in installed_sources(allowed_plugins()) if source.name not in names]
    return Registry(load_plugin(source) for source in [*sources, *others]), names


def _entries(registry: Registry, target: str | None, names: set[str] | None) -> list[RegisteredComponent]:
    """The components to check.

    Raises:
        OptionsError: nothing is called that.
    """
    every = [entry for plugin in registry.plugins for entry in plugin.components]
    if names is not None or target is None:
        return [entry for entry in every if names is None or entry.plugin in names]
    owners = {plugin.name for plugin in registry.plugins if target in (plugin.name, plugin.distribution)}
    found = [entry for entry in every if entry.plugin in owners] or [
        entry for entry in every if entry.component.name == target
    ]
    if not found and not owners:
        known = {plugin.name for plugin in registry.plugins} | {entry.component.name for entry in every}
        raise OptionsError(
            f"no plugin or component is called {target!r}, and it is no folder",
            nearest_names(target, known),
            "run 'dpe plugins list'",
        )
    return found


def _of_kinds(entries: Sequence[RegisteredComponent], kinds: Collection[str]) -> Sequence[RegisteredComponent]:
    """The components of these kinds.

    Raises:
        OptionsError: there is none of one of them.
    """
    held = {entry.component.kind for entry in entries}
    for kind in kinds:
        if kind not in held:
            raise OptionsError(
                f"there is no component of kind {kind!r} to check", nearest_names(kind, held), "correct --kind"
            )
    return [entry for entry in entries if not kinds or entry.component.kind in kinds]


def _check_options(entries: Sequence[RegisteredComponent], options: Mapping[tuple[str, str], object]) -> None:
    """One message for what would fail every check.

    Raises:
        OptionsError: an option of nothing that is checked, or one that its component does not take.
    """
    for target, _ in options:
        names = {name for entry in entries for name in (entry.component.name, entry.component.kind)}
        if target not in names:
            wrong = f"--set names {target!r}, which is not among what is checked"
            raise OptionsError(wrong, nearest_names(target, names), "correct the --set")
    for entry in entries:
        entry.component.options.parse(_given(entry, options), owner=entry.component.name)


def _given(entry: RegisteredComponent, options: Mapping[tuple[str, str], object]) -> dict[str, object]:
    named = {entry.component.name, entry.component.kind}
    return {option: value for (target, option), value in options.items() if target in named}


def _check(registry: Registry, entry: RegisteredComponent, settings: _Settings) -> CheckedComponent:
    component = entry.component
    kin = [other.component for info in registry.plugins if info.name == entry.plugin for other in info.components]
    partners = [other for other in kin if [one.kind for one in kin].count(other.kind) == 1 and other is not component]
    weights = settings.weights_for(entry)
    suite = suite_for(
        component,
        options=_given(entry, settings.options),
        weights=weights.get("weights"),
        weights_named=weights,
        partners=partners,
        device=settings.device,
        installed=registry,
    )
    identity = (entry.plugin, component.kind, component.name)
    try:
        suite.code_space()
        if weights_options(component.options).keys() - weights.keys():
            suite.make()
    except DpeError as error:
        # What cannot be made without weights is no fault of it.
        return CheckedComponent(*identity, 0, 0, 0, None, (), lacking=f"{error.wrong}; {error.action}")
    results = list(run_suite(suite, limit_s=settings.limit_s))
    faults, advice = (
        tuple(f"{result.check}: {result.detail}" for result in results if result.state == state)
        for state in ("failed", "warned")
    )
    held, skipped = (sum(result.state in states for result in results) for states in (("ok", "warned"), ("skipped",)))
    speed = None if faults else ms_per_frame(suite)
    return CheckedComponent(*identity, held, len(faults), skipped, speed, faults, advice)
