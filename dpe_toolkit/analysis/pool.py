"""Components made when first needed, and the guard around every call into a plugin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeVar, cast, runtime_checkable

import torch

from dpe_toolkit.analysis.devices import is_out_of_memory, no_room
from dpe_toolkit.analysis.fallback import Fallen, falling_back
from dpe_toolkit.core.errors import DeviceMemoryError, DpeError, MediaError, PluginError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.components import ComponentContext
from dpe_toolkit.editing.stages import Stage
from dpe_toolkit.plans.edit import ComponentChoice

__all__ = ["ComponentMaker", "ComponentPool", "describe_span", "guard_plugin"]

C = TypeVar("C")


class ComponentMaker(Protocol):
    """What is asked of the registry: to build what a plan chose."""

    def create(self, choice: ComponentChoice, context: ComponentContext) -> object:
        """The component of this choice."""
        ...


@runtime_checkable
class ComponentChooser(Protocol):
    """What a registry can besides, where components ask for others."""

    def choose(self, kind: str, name: str, options: Mapping[str, object] | None = None) -> ComponentChoice:
        """The component of that kind and name, every option spelled out."""
        ...


@dataclass(frozen=True, slots=True)
class _Lender:
    """Gives one component others, and notes that it did."""

    pool: ComponentPool
    borrower: ComponentChoice

    def component(self, kind: str, name: str, options: Mapping[str, object], context: ComponentContext) -> object:
        return self.pool.lend(self.borrower, kind, name, options, context)


def _key(choice: ComponentChoice) -> str:
    return choice.model_dump_json(exclude={"origins"})


def describe_span(span: Span) -> str:
    """The span as people say it, first and last frame included."""
    return f"frame {span.start}" if len(span) == 1 else f"frames {span.start} to {span.stop - 1}"


@contextmanager
def guard_plugin(choice: ComponentChoice, clip: str, span: Span | None = None) -> Iterator[None]:
    """Turns whatever a plugin raises, or a check of its result, into a `PluginError` that says where.

    Errors of the toolkit's own tree pass, and say where too: a plugin may raise them on purpose. Those of media that it
    fetches are no fault of the plugin's.
    """
    try:
        yield
    except (MediaError, DeviceMemoryError):
        raise
    except DpeError as error:
        frame = span.start if span is not None and len(span) == 1 else None
        error.add_context(clip=clip, plugin=choice.provider, frame=frame)
        raise
    except Exception as error:
        if is_out_of_memory(error):
            doing = f"{choice.kind} {choice.name!r}"
            raise no_room(doing, error, clip=clip, plugin=choice.provider) from error
        where = "" if span is None else f" on {describe_span(span)}"
        raise PluginError(
            f"{choice.kind} {choice.name!r} failed{where}: {type(error).__name__}: {error}",
            "a result as its protocol in dpe_toolkit.api says",
            f"choose another {choice.kind}, or report this to the authors of the plugin",
            clip=clip,
            plugin=choice.provider,
        ) from error


class ComponentPool:
    """The components of one render, each built once, when it is first asked for.

    Args:
        maker: the registry.
        device: where the components run; one that lacks what a component needs leaves it to the CPU.
        precision: how networks should calculate, as components are told.
        seed: where their chance starts.
    """

    def __init__(
        self,
        maker: ComponentMaker,
        device: torch.device,
        *,
        precision: Literal["auto", "half", "single"] = "auto",
        seed: int = 0,
    ) -> None:
        self.device = device
        self._maker = maker
        self._precision: Literal["auto", "half", "single"] = precision
        self._seed = seed
        self._made: dict[str, object] = {}
        self._fallen = Fallen()
        self._borrowed: dict[str, list[ComponentChoice]] = {}

    def apart(self) -> ComponentPool:
        """A pool of components of its own, for another thread."""
        pool = ComponentPool(self._maker, self.device, precision=self._precision, seed=self._seed)
        pool._fallen, pool._borrowed = self._fallen, self._borrowed
        return pool

    def borrowed_by(self, choices: Iterable[ComponentChoice]) -> tuple[ComponentChoice, ...]:
        """The components that these asked for when they were made, each once, and what those asked for."""
        found: dict[str, ComponentChoice] = {}
        waiting = list(choices)
        while waiting:
            fresh = [one for one in self._borrowed.get(_key(waiting.pop(0)), ()) if _key(one) not in found]
            found |= {_key(one): one for one in fresh}
            waiting += fresh
        return tuple(found.values())

    def lend(
        self, borrower: ComponentChoice, kind: str, name: str, options: Mapping[str, object], context: ComponentContext
    ) -> object:
        """A component for another one, made for the device that that one is made for.

        Raises:
            PluginError: who makes components cannot find them by name.
        """
        if not isinstance(self._maker, ComponentChooser):
            raise PluginError(f"{kind} {name!r} cannot be asked for", "a registry that finds components by name")
        choice = self._maker.choose(kind, name, options)
        known = self._borrowed.setdefault(_key(borrower), [])
        if choice not in known:
            known.append(choice)
        source = _Lender(self, choice)
        given = replace(context, weights=choice.weights, weights_named=choice.all_weights, source=source)
        return self._maker.create(choice, given)

    def get(self, stage: Stage[C], choice: ComponentChoice, clip: str) -> C:
        """The component of this choice, which is of that kind: ``pool.get(DETECTOR, choice, clip)``."""
        protocol = stage.protocol
        key = _key(choice)

        def make(device: torch.device) -> C:
            context = ComponentContext(
                device,
                choice.weights,
                weights_named=choice.all_weights,
                precision=self._precision,
                seed=self._seed,
                source=_Lender(self, choice),
            )
            made = self._maker.create(choice, context)
            if not isinstance(made, protocol):
                raise TypeError(f"create() gave a {type(made).__name__}, which is no {protocol.__name__}")
            return made

        with guard_plugin(choice, clip):
            if key not in self._made:
                self._made[key] = falling_back(protocol, choice, self.device, make, self._fallen)
            return cast("C", self._made[key])
