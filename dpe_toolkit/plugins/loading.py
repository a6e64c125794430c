"""Loading plugins one by one, each under guard, so that a broken one stops nobody else."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from importlib import metadata

import pluggy

from dpe_toolkit.core.errors import PluginError, nearest_names
from dpe_toolkit.core.version import API_VERSION, OLDEST_API_VERSION
from dpe_toolkit.editing.components import CheckpointFormat, Component
from dpe_toolkit.editing.options import PluginOptions
from dpe_toolkit.editing.stages import STAGES, ComponentKind, stage_of
from dpe_toolkit.hookspecs import ENTRY_POINT_GROUP, PROJECT, HookSpecs
from dpe_toolkit.plugins.usual import default_distributions, plain_name

__all__ = [
    "LoadedPlugin",
    "PluginInfo",
    "PluginSource",
    "RegisteredComponent",
    "installed_sources",
    "left_out",
    "load_plugin",
]

logger = logging.getLogger(__name__)

# A dot would make the ``component.option`` of --set ambiguous.
_COMPONENT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)?")


@dataclass(frozen=True, slots=True)
class PluginSource:
    """Where a plugin can be had; nothing is imported before ``load`` is called."""

    name: str
    load: Callable[[], object]
    """Returns a module or object with hook implementations."""
    distribution: str = ""
    version: str = ""
    licence: str = ""
    usual: bool = False
    """What its components are by default is taken where nobody names one; see `default_distributions`."""
    must_state_api: bool = False
    """It is refused where it does not say which version of the plugin API it was written for."""


@dataclass(frozen=True, slots=True)
class RegisteredComponent:
    """A component and who provides it."""

    component: Component[object]
    plugin: str
    version: str

    @property
    def full_name(self) -> str:
        """``plugin:name``, which is nobody else's."""
        return f"{self.plugin}:{self.component.name}"

    @property
    def provider(self) -> str:
        """Plugin and its version, as messages name them."""
        return f"{self.plugin} {self.version}".strip()

    @property
    def label(self) -> str:
        """Kind, name and plugin, as messages show them."""
        return f"{self.component.kind} {self.component.name!r} of plugin {self.provider!r}"


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One installed plugin, whether it works or not."""

    name: str
    distribution: str
    version: str
    fault: str | None = None
    """Why the plugin, or some of what it provides, cannot be used; None where all is well."""
    components: tuple[RegisteredComponent, ...] = ()
    checkpoint_formats: tuple[CheckpointFormat, ...] = ()
    api_version: int | None = None
    """Version of the plugin API that it states it was written for; None where it states none."""
    licence: str = ""
    """What its distribution states."""
    usual: bool = False
    """As in `PluginSource`."""
    hooks: tuple[str, ...] = ()
    """Hooks that it implements besides those that register components."""
    notes: tuple[str, ...] = ()
    """What is worth knowing, and keeps nothing from working, such as names that others claim too."""

    @property
    def label(self) -> str:
        """Name and version, as messages show them."""
        return f"{self.name} {self.version}".strip()

    def with_fault(self, fault: str) -> PluginInfo:
        """The same plugin with one more fault."""
        return replace(self, fault=f"{self.fault}; {fault}" if self.fault else fault)

    def with_note(self, note: str) -> PluginInfo:
        """The same plugin with one more note."""
        return replace(self, notes=(*self.notes, note))


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A plugin after loading; ``implementation`` is None where it failed."""

    info: PluginInfo
    implementation: object | None


def installed_sources(allow: Collection[str] | None = None) -> list[PluginSource]:
    """The plugins that installed distributions announce, by name; only those in ``allow`` if given."""
    found = []
    usual = default_distributions()
    for entry in sorted(metadata.entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
        if allow is None or entry.name in allow:
            distribution = entry.dist
            name = distribution.name if distribution else ""
            version = distribution.version if distribution else ""
            found.append(
                PluginSource(
                    entry.name,
                    entry.load,
                    name,
                    version,
                    _licence(distribution),
                    usual=plain_name(name) in usual,
                    must_state_api=True,
                )
            )
    return found


def left_out(allow: Collection[str] | None) -> tuple[str, ...]:
    """The installed plugins that ``allow`` leaves out, by name."""
    if allow is None:
        return ()
    names = {entry.name for entry in metadata.entry_points(group=ENTRY_POINT_GROUP)}
    return tuple(sorted(names - set(allow)))


def load_plugin(source: PluginSource) -> LoadedPlugin:
    """The plugin with its components, or with the fault that keeps it from working. Never raises."""
    info = PluginInfo(source.name, source.distribution, source.version, licence=source.licence, usual=source.usual)
    try:
        # What a stranger prints must not end up in our --json.
        with contextlib.redirect_stdout(sys.stderr):
            implementation = source.load()
            info = replace(info, api_version=_checked_api(implementation, source.must_state_api))
            manager = _own_manager(implementation)
            hooks = manager.hook
            info = replace(info, hooks=_other_hooks(manager))
            listed = [(component, row.kind) for row in STAGES for component in _flat(getattr(hooks, row.hook)())]
            listed += [(component, _stated_kind(component)) for component in _flat(hooks.dpe_register_components())]
            components = tuple(
                RegisteredComponent(_checked(component, kind), source.name, source.version)
                for component, kind in listed
            )
            _refuse_repeats(components)
            formats = tuple(_checked_format(item) for item in _flat(hooks.dpe_register_checkpoints()))
    except (Exception, SystemExit) as error:
        logger.debug("plugin %s failed to load", source.name, exc_info=True)
        return LoadedPlugin(info.with_fault(_describe(error)), None)
    return LoadedPlugin(replace(info, components=components, checkpoint_formats=formats), implementation)


def _licence(distribution: metadata.Distribution | None) -> str:
    """What a distribution states of its licence, as SPDX where it does."""
    if distribution is None:
        return ""
    stated = distribution.metadata.json
    return str(stated.get("license_expression") or stated.get("license") or "")


def _checked_api(implementation: object, must_state: bool) -> int | None:
    stated = getattr(implementation, "DPE_API_VERSION", None)
    if stated is None:
        if must_state:
            raise PluginError(
                "it does not say which plugin API it was written for",
                f"DPE_API_VERSION = {API_VERSION} in its module",
                "add that line, or ask its author to",
            )
        return None
    if not isinstance(stated, int) or not OLDEST_API_VERSION <= stated <= API_VERSION:
        oldest = "" if OLDEST_API_VERSION == API_VERSION else f"{OLDEST_API_VERSION} to "
        raise PluginError(
            f"it was written for plugin API {stated}",
            f"API {oldest}{API_VERSION}, which this toolkit has",
            "install a version of the plugin made for this toolkit",
        )
    return stated


def _own_manager(implementation: object) -> pluggy.PluginManager:
    """A manager with this plugin alone: its misspelt hooks and results cannot be taken for another's."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(HookSpecs)
    manager.register(implementation)
    manager.check_pending()
    return manager


def _other_hooks(manager: pluggy.PluginManager) -> tuple[str, ...]:
    """Names of the hooks that the one plugin implements, without those that register components."""
    registering = {*(row.hook for row in STAGES), "dpe_register_components"}
    (plugin,) = manager.get_plugins()
    found = (caller.name for caller in manager.get_hookcallers(plugin) or ())
    return tuple(sorted(name for name in found if name not in registering))


def _flat(results: Iterable[Iterable[object] | None]) -> list[object]:
    return [item for items in results for item in (items or ())]


def _stated_kind(value: object) -> ComponentKind:
    """The kind that a component says it is of; one that is no component is told so where it is checked."""
    stated = getattr(value, "kind", "component")
    if isinstance(value, Component) and stage_of(stated) is None:
        raise PluginError(
            f"component {value.name!r} is of kind {stated!r}, which there is not",
            nearest_names(str(stated), [row.kind for row in STAGES]),
            "correct the plugin",
        )
    return str(stated)


def _checked(value: object, kind: ComponentKind) -> Component[object]:
    if not isinstance(value, Component):
        raise PluginError(f"its list of {kind}s holds {value!r}", "a Component", "correct the plugin")
    if value.kind != kind:
        raise PluginError(f"its list of {kind}s holds {value.name!r}, a {value.kind}", f"only {kind}s there")
    if not _COMPONENT_NAME.fullmatch(value.name):
        raise PluginError(
            f"{kind} {value.name!r} has a name that timelines cannot use",
            "lower-case letters, digits, dashes and underscores, in one part or two with a slash between",
            "rename the component",
        )
    if not (isinstance(value.options, type) and issubclass(value.options, PluginOptions)):
        raise PluginError(f"options of {kind} {value.name!r} are {value.options!r}", "a subclass of PluginOptions")
    if not isinstance(value.summary, str):
        raise PluginError(f"summary of {kind} {value.name!r} is {value.summary!r}", "one line of text")
    try:
        value.options()
        value.options.model_json_schema()
    except Exception as error:
        raise PluginError(
            f"options of {kind} {value.name!r} have no usable defaults or schema: {_first_line(error)}",
            "fields with a default each, of types that JSON has",
            "correct the options model",
        ) from error
    return value


def _checked_format(value: object) -> CheckpointFormat:
    if not isinstance(value, CheckpointFormat):
        raise PluginError(f"its list of checkpoint formats holds {value!r}", "a CheckpointFormat", "correct the plugin")
    return value


def _refuse_repeats(components: Iterable[RegisteredComponent]) -> None:
    seen = set()
    for entry in components:
        key = (entry.component.kind, entry.component.name)
        if key in seen:
            raise PluginError(f"it registers {key[0]} {key[1]!r} twice", "names that are unique in their kind")
        seen.add(key)


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _describe(error: BaseException) -> str:
    if isinstance(error, PluginError):
        return str(error).rstrip(".")
    if isinstance(error, pluggy.PluginValidationError):
        return str(error.args[0] if error.args else error).replace("\n", " ")
    return f"{type(error).__name__}: {error}"
