"""Components made when first needed, and the guard around every call into a plugin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar, cast

import torch

from dpe_toolkit.analysis.devices import is_out_of_memory, no_room
from dpe_toolkit.analysis.fallback import Fallen, falling_back
from dpe_toolkit.core.errors import DpeError, PluginError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.components import ComponentContext
from dpe_toolkit.editing.measures import IdentityEmbedder
from dpe_toolkit.editing.protocols import Compositor, Detector, Encoder, Generator, MotionExtractor
from dpe_toolkit.editing.stages import Stage
from dpe_toolkit.plans.edit import ComponentChoice

__all__ = ["ComponentMaker", "ComponentPool", "describe_span", "guard_plugin"]

C = TypeVar("C")


class ComponentMaker(Protocol):
    """What is asked of the registry: to build what a plan chose."""

    def create(self, choice: ComponentChoice, context: ComponentContext) -> object:
        """The component of this choice."""
        ...


def describe_span(span: Span) -> str:
    """The span as people say it, first and last frame included."""
    return f"frame {span.start}" if len(span) == 1 else f"frames {span.start} to {span.stop - 1}"


@contextmanager
def guard_plugin(choice: ComponentChoice, clip: str, span: Span | None = None) -> Iterator[None]:
    """Turns whatever a plugin raises, or a check of its result, into a `PluginError` that says where.

    Errors of the toolkit's own tree pass: a plugin may raise them on purpose, and what it fetches may.
    """
    try:
        yield
    except DpeError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            doing = f"{choice.kind} {choice.name!r}"
            raise no_room(doing, error, clip=clip, plugin=f"{choice.plugin} {choice.version}") from error
        where = "" if span is None else f" on {describe_span(span)}"
        raise PluginError(
            f"{choice.kind} {choice.name!r} failed{where}: {type(error).__name__}: {error}",
            "a result as its protocol in dpe_toolkit.editing.components says",
            f"choose another {choice.kind}, or report this to the authors of the plugin",
            clip=clip,
            plugin=f"{choice.plugin} {choice.version}",
        ) from error


class ComponentPool:
    """The components of one render, each built once, when it is first asked for.

    Args:
        maker: the registry.
        device: where the components run; one that lacks what a component needs leaves it to the CPU.
    """

    def __init__(self, maker: ComponentMaker, device: torch.device) -> None:
        self.device = device
        self._maker = maker
        self._made: dict[str, object] = {}
        self._fallen = Fallen()

    def apart(self) -> ComponentPool:
        """A pool of components of its own, for another thread."""
        pool = ComponentPool(self._maker, self.device)
        pool._fallen = self._fallen
        return pool

    def get(self, stage: Stage[C], choice: ComponentChoice, clip: str) -> C:
        """The component of this choice, which is of that kind: ``pool.get(DETECTOR, choice, clip)``."""
        return self._get(choice, clip, stage.protocol)

    def detector(self, choice: ComponentChoice, clip: str) -> Detector:
        """The detector of this choice."""
        return self._get(choice, clip, Detector)  # type: ignore[type-abstract] # only asked isinstance

    def encoder(self, choice: ComponentChoice, clip: str) -> Encoder:
        """The encoder of this choice."""
        return self._get(choice, clip, Encoder)  # type: ignore[type-abstract] # only asked isinstance

    def motion(self, choice: ComponentChoice, clip: str) -> MotionExtractor:
        """The motion extractor of this choice."""
        return self._get(choice, clip, MotionExtractor)  # type: ignore[type-abstract] # only asked isinstance

    def generator(self, choice: ComponentChoice, clip: str) -> Generator:
        """The generator of this choice."""
        return self._get(choice, clip, Generator)  # type: ignore[type-abstract] # only asked isinstance

    def compositor(self, choice: ComponentChoice, clip: str) -> Compositor:
        """The compositor of this choice."""
        return self._get(choice, clip, Compositor)  # type: ignore[type-abstract] # only asked isinstance

    def identity(self, choice: ComponentChoice, clip: str) -> IdentityEmbedder:
        """What tells who a face is, of this choice."""
        return self._get(choice, clip, IdentityEmbedder)  # type: ignore[type-abstract] # only asked isinstance

    def _get(self, choice: ComponentChoice, clip: str, protocol: type[C]) -> C:
        key = choice.model_dump_json(exclude={"origins"})

        def make(device: torch.device) -> C:
            made = self._maker.create(choice, ComponentContext(device, choice.weights))
            if not isinstance(made, protocol):
                raise TypeError(f"create() gave a {type(made).__name__}, which is no {protocol.__name__}")
            return made

        with guard_plugin(choice, clip):
            if key not in self._made:
                self._made[key] = falling_back(protocol, choice, self.device, make, self._fallen)
            return cast("C", self._made[key])
