"""Finding and making components by kind and name. Names choose; the order of plugins never does."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import cache
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Self

import pluggy

from dpe_toolkit.core.errors import CheckpointError, DpeError, PlanError, PluginError, nearest_names
from dpe_toolkit.editing.components import CheckpointFormat, ComponentContext, weights_options
from dpe_toolkit.editing.stages import KINDS, STAGES, ComponentKind, stage_of
from dpe_toolkit.hookspecs import PROJECT, HookSpecs
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.plugins.loading import (
    LoadedPlugin,
    PluginInfo,
    PluginSource,
    RegisteredComponent,
    installed_sources,
    left_out,
    load_plugin,
)

__all__ = ["Registry", "load_registry"]

logger = logging.getLogger(__name__)


def load_registry(*, allow: Collection[str] | None = None) -> Registry:
    """The plugins installed here.

    Args:
        allow: names of the only plugins to load; None loads all.
    """
    registry = Registry((load_plugin(source) for source in installed_sources(allow)), left_out=left_out(allow))
    for info in registry.plugins:
        if info.fault is not None:
            _say_once(info.label, info.fault)
    return registry


@cache
def _say_once(plugin: str, fault: str) -> None:
    """One line a process, however often plugins are looked up."""
    logger.warning("plugin %s is left out: %s", plugin, fault)


class Registry:
    """Plugins with what they provide.

    Args:
        loaded: plugins after `load_plugin`, broken ones included.
        left_out: names of plugins that are installed and may not be loaded.
    """

    def __init__(self, loaded: Iterable[LoadedPlugin], *, left_out: Iterable[str] = ()) -> None:
        self.left_out = tuple(left_out)
        plugins = _refuse_shared_names(sorted(loaded, key=lambda plugin: plugin.info.name))
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(HookSpecs)
        infos = {plugin.info.name: plugin.info for plugin in plugins}
        for plugin in plugins:
            # One object under two names shows up below as components that two plugins claim.
            if plugin.implementation is not None and not self._manager.is_registered(plugin.implementation):
                self._manager.register(plugin.implementation, name=plugin.info.name)
        self._providers: dict[tuple[str, str], list[RegisteredComponent]] = defaultdict(list)
        for info in infos.values():
            for entry in info.components:
                self._providers[entry.component.kind, entry.component.name].append(entry)
        for (kind, name), entries in self._providers.items():
            for entry in entries if len(entries) > 1 else ():
                others = " and ".join(repr(other.plugin) for other in entries if other is not entry)
                note = f"{kind} {name!r} is registered by {others} too; ask for it as {entry.full_name!r}"
                infos[entry.plugin] = infos[entry.plugin].with_note(note)
        self._plugins = tuple(infos.values())

    @classmethod
    def of(cls, plugins: Mapping[str, object], *, version: str = "0") -> Self:
        """A registry of these objects alone, by plugin name: for tests and for programs of one's own.

        What they mark as default is, since whoever names them means them.
        """
        sources = [
            PluginSource(name, lambda held=held: held, name, version, usual=True)  # type: ignore[misc] # a bound default
            for name, held in plugins.items()
        ]
        return cls(load_plugin(source) for source in sources)

    @property
    def plugins(self) -> tuple[PluginInfo, ...]:
        """Every plugin found, by name."""
        return self._plugins

    @property
    def checkpoint_formats(self) -> tuple[CheckpointFormat, ...]:
        """Every weights format that some plugin reads."""
        return tuple(item for plugin in self._plugins for item in plugin.checkpoint_formats)

    def describe_weights(self, path: Path) -> tuple[str, dict[str, str]] | None:
        """The name of the registered format that a weights file or folder is of, and what its plugin says of it.

        Returns:
            None where no plugin takes it for its own. A plugin that fails at it is passed over.

        Raises:
            CheckpointError: plugins take it for several formats, of which none is better than the others.
        """
        claimed: dict[str, dict[str, str]] = {}
        for info in self._plugins:
            for item in info.checkpoint_formats:
                try:
                    if item.folders == path.is_dir() and item.detect(path):
                        claimed[item.name] = {str(key): str(value) for key, value in item.describe(path).items()}
                except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
                    self._log_failure(info.name, f"weights format {item.name!r}", error)
        if len(claimed) > 1:
            raise CheckpointError(
                f"plugins take it for weights of {len(claimed)} formats: {', '.join(sorted(claimed))}",
                "one that knows it",
                "load only the plugin that is meant (DPE_PLUGINS)",
                path=path,
            )
        return next(iter(claimed.items()), None)

    def components(self, kind: ComponentKind) -> Mapping[str, RegisteredComponent]:
        """The components of one kind by the name to ask for; one that two plugins claim is ``plugin:name``."""
        usable = {
            name if len(entries) == 1 else entry.full_name: entry
            for (held, name), entries in self._providers.items()
            for entry in entries
            if held == kind
        }
        return MappingProxyType(dict(sorted(usable.items())))

    @property
    def defaults(self) -> Mapping[str, str]:
        """Kind to the name of the component that is taken, where nobody names one of a kind that a shot needs.

        The claim counts of what the toolkit itself installs along, so that no stranger's plugin changes a render.
        """
        return self._only(lambda entry: entry.component.default)

    def defaults_for(self, use: str) -> Mapping[str, str]:
        """As `defaults`, for another use than a shot's: see ``Component.default_for``."""
        return self._only(lambda entry: use in entry.component.default_for)

    def _only(self, marked: Callable[[RegisteredComponent], bool]) -> Mapping[str, str]:
        """Kind to name, of kinds of which just one component is marked by a plugin whose mark counts."""
        usual = {info.name for info in self._plugins if info.usual}
        found: dict[str, str] = {}
        for kind in KINDS:
            names = [name for name, one in self.components(kind).items() if one.plugin in usual and marked(one)]
            found |= {kind: names[0]} if len(names) == 1 else {}
        return MappingProxyType(found)

    def is_default(self, entry: RegisteredComponent) -> bool:
        """A component is marked as its kind's default by a plugin whose mark counts."""
        return entry.component.default and any(info.usual and info.name == entry.plugin for info in self._plugins)

    def find(self, kind: str, name: str) -> RegisteredComponent:
        """The component of that kind and name.

        Args:
            kind: kind of component.
            name: its name, or ``plugin:name``.

        Raises:
            PlanError: there is none; the nearest names and the faults of broken plugins are told. Or two plugins claim
                the name, and it does not say whose is meant.
        """
        plugin, colon, bare = name.rpartition(":")
        entries = [entry for entry in self._providers.get((kind, bare), []) if not colon or entry.plugin == plugin]
        if len(entries) == 1:
            return entries[0]
        if entries:
            owners = " and ".join(f"{entry.plugin!r}" for entry in entries)
            raise PlanError(
                f"{kind} {name!r} is registered by {owners}",
                " or ".join(repr(entry.full_name) for entry in entries),
                "say which is meant, or uninstall the other plugin",
            )
        known = self.components(kind)
        raise PlanError(
            f"there is no {kind} {name!r}",
            nearest_names(name, known) if stage_of(kind) else f"kinds are {', '.join(row.kind for row in STAGES)}",
            self._advice(name),
        )

    def _chosen(self, choice: ComponentChoice) -> RegisteredComponent:
        """What a plan's choice means: its own plugin's, else that of whoever has the name now."""
        entries = self._providers.get((choice.kind, choice.name), [])
        own = [entry for entry in entries if entry.plugin == choice.plugin]
        return own[0] if len(own) == 1 else self.find(choice.kind, choice.name)

    def _advice(self, name: str) -> str:
        """What to do about a component that is not there: it may be one of a plugin that is out of use."""
        return self.repairs(name) or "correct the name, or install its plugin"

    def repairs(self, name: str = "") -> str:
        """What to repair or allow where a component is missing; empty where every installed plugin works.

        Args:
            name: the component, to speak of the plugins alone that sound like it, where there are some.
        """
        broken = [info for info in self._plugins if _is_out(info)]
        near = [info for info in broken if _alike(info.name, name)]
        told = "; ".join(f"plugin {info.label!r} is out of use ({info.fault})" for info in near or broken)
        parts = [f"repair or reinstall: {told}"] if told else []
        if self.left_out:
            parts.append(f"not allowed here: {', '.join(map(repr, self.left_out))}")
        return "; ".join(parts)

    def choose(
        self, kind: str, name: str, options: Mapping[str, object] | None = None, *, weights: Path | None = None
    ) -> ComponentChoice:
        """The component of that kind and name as `create` and plans take it, every option spelled out.

        Raises:
            PlanError: it is not installed, or two plugins claim the name.
            OptionsError: an option is not accepted.
        """
        entry = self.find(kind, name)
        component = entry.component
        parsed = component.options.parse(options or {}, owner=name)
        stated = {option: getattr(parsed, option) for option in weights_options(component.options)}
        named = {option: Path(value) for option, value in stated.items() if value and Path(value).exists()}
        return ComponentChoice(
            kind=kind,
            name=component.name,
            plugin=entry.plugin,
            version=entry.version,
            fingerprint=component.fingerprint,
            options=parsed.model_dump(mode="json"),
            weights=named.get("weights") if weights is None else weights,
            weights_named={option: path for option, path in named.items() if option != "weights"},
            needs=component.needs,
        )

    def create(self, choice: ComponentChoice, context: ComponentContext) -> object:
        """The component that ``choice`` means, made from its options.

        Raises:
            PlanError: it is not installed.
            OptionsError: an option is not accepted.
            PluginError: its plugin raised, or returned something that is no component of that kind.
        """
        entry = self._chosen(choice)
        if isinstance(context, ComponentContext) and context.source is None:
            context = replace(context, source=self)
        options = entry.component.options.parse(choice.options, owner=choice.name)
        protocol = next(row.protocol for row in STAGES if row.kind == entry.component.kind)
        try:
            product = entry.component.create(options, context)
            fits = isinstance(product, protocol)
        except DpeError:
            raise
        except Exception as error:
            raise PluginError(
                f"{choice.kind} {choice.name!r} could not be made: {type(error).__name__}: {error}",
                action="report this to the plugin's author, or choose another component",
                plugin=entry.provider,
            ) from error
        if not fits:
            raise PluginError(
                f"{choice.kind} {choice.name!r} made a {type(product).__name__}",
                f"an object with the methods of {protocol.__name__}",
                "report this to the plugin's author",
                plugin=entry.provider,
            )
        return product

    def component(self, kind: str, name: str, options: Mapping[str, object], context: ComponentContext) -> object:
        """What ``context.component`` gives a component that was made by this registry alone; raises as `create`."""
        choice = self.choose(kind, name, options)
        return self.create(choice, replace(context, weights=choice.weights, weights_named=choice.all_weights))

    def notify(self, hook: str, **arguments: object) -> None:
        """Calls a notice hook of each plugin; a raise is logged and goes no further."""
        for name, caller in self.callers(hook):
            try:
                caller(**arguments)
            except Exception as error:  # noqa: BLE001 - a notice must never stop a render
                self._log_failure(name, hook, error)

    def _label(self, plugin: str) -> str:
        """Name and version of a plugin, as messages show them."""
        return next((info.label for info in self._plugins if info.name == plugin), plugin)

    def _log_failure(self, plugin: str, hook: str, error: Exception) -> None:
        """One line for everybody; the traceback for whoever asks for the log."""
        logger.warning("plugin %s failed in %s: %s: %s", self._label(plugin), hook, type(error).__name__, error)
        logger.debug("plugin %s failed in %s", plugin, hook, exc_info=error)

    def check_plan(self, plan: RenderPlan) -> tuple[Problem, ...]:
        """What plugins find wrong with ``plan``; one that fails at it is a problem itself, an error if it is needed."""
        problems: list[Problem] = []
        edits = [take.edit for take in plan.takes if take.edit is not None]
        used = {choice.plugin for edit in edits for choice in edit.choices}
        for name, caller in self.callers("dpe_check_plan"):
            try:
                found = [item for items in caller(plan=plan) for item in (items or ())]
            except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
                problems.append(self._failed_check(name, f"raised {type(error).__name__}: {error}", name in used))
                continue
            for item in found:
                fault = f"returned {item!r}, which is no Problem"
                problems.append(item if isinstance(item, Problem) else self._failed_check(name, fault, name in used))
        return tuple(problems)

    def _failed_check(self, plugin: str, fault: str, used: bool) -> Problem:
        """A check that did not work: an error where the plan needs that plugin, else worth a warning."""
        return Problem(
            severity="error" if used else "warning",
            where=f"plugin {self._label(plugin)!r}",
            wrong=f"its check of the plan {fault}",
            action="report this to the plugin's author",
        )

    def resolve_media(self, reference: str, base_dir: Path) -> Path | None:
        """The local file that some plugin says ``reference`` means; a plugin that fails at it is passed over."""
        for name, caller in self.callers("dpe_resolve_media"):
            try:
                found = caller(reference=reference, base_dir=base_dir)
            except Exception as error:  # noqa: BLE001 - the media stays unknown, which planning reports
                self._log_failure(name, "dpe_resolve_media", error)
                continue
            if isinstance(found, Path):
                return found
        return None

    def callers(self, hook: str) -> Iterable[tuple[str, pluggy.HookCaller]]:
        """Plugin and caller of ``hook`` for each that implements it, by name, so that each can be guarded alone."""
        implementers = [item.plugin for item in getattr(self._manager.hook, hook).get_hookimpls()]
        for plugin in sorted(implementers, key=lambda plugin: self._manager.get_name(plugin) or ""):
            others = [other for other in self._manager.get_plugins() if other is not plugin]
            yield self._manager.get_name(plugin) or "", self._manager.subset_hook_caller(hook, others)


def _refuse_shared_names(plugins: list[LoadedPlugin]) -> list[LoadedPlugin]:
    """The same plugins, but where several share a name one that is out of use: order must not choose."""
    kept = []
    for name, group in groupby(plugins, key=lambda plugin: plugin.info.name):
        first, *rest = group
        if rest:
            owners = ", ".join(f"{plugin.info.distribution} {plugin.info.version}" for plugin in (first, *rest))
            info = PluginInfo(name, first.info.distribution, first.info.version)
            first = LoadedPlugin(info.with_fault(f"several distributions call a plugin {name!r}: {owners}"), None)
        kept.append(first)
    return kept


def _is_out(info: PluginInfo) -> bool:
    return info.fault is not None and not info.components


def _alike(plugin: str, component: str) -> bool:
    """The plugin's name and the component's have a word in common."""
    words = [set(re.split(r"[^a-z0-9]+", text.lower())) for text in (plugin, component)]
    return bool(words[0] & words[1] - {""})
