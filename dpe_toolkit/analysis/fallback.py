"""Components that go on on the CPU where their device lacks something."""

from __future__ import annotations

import dataclasses
import inspect
import logging
import re
import threading
from collections.abc import Callable, Sized
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.analysis.devices import empty_cache, is_lacking, is_out_of_memory
from dpe_toolkit.core.errors import PluginError, first_line
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.editing.handover import CPU, moved, taken_over
from dpe_toolkit.editing.pipeline import prepares_shots
from dpe_toolkit.editing.protocols import GenerateRequest, Generator, MotionExtractor, ShotMaterial
from dpe_toolkit.face.tracks import FaceBatch
from dpe_toolkit.plans.edit import ComponentChoice

__all__ = ["Fallen", "MovableFetch", "falling_back"]

Fetch = Callable[[npt.NDArray[np.int64]], FaceBatch]

_log = logging.getLogger(__name__)
C = TypeVar("C")
R = TypeVar("R")
_APART = re.compile(r"Expected all tensors to be on the same device|Placeholder storage has not been allocated")
"""PyTorch's words for tensors of two devices in one operation."""


@runtime_checkable
class MovableFetch(Protocol):
    """A fetch of native windows that can be told where they are wanted."""

    def __call__(self, rows: npt.NDArray[np.int64]) -> FaceBatch:
        """The windows of these rows."""
        ...

    def on(self, device: torch.device) -> Fetch:
        """The same fetch, whose windows lie on a device."""
        ...


@dataclass(slots=True)
class Fallen:
    """The components of one render that go on on the CPU."""

    told: set[tuple[str, ...]] = field(default_factory=set)
    """Kind and name of components, and what was said of them."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, choice: ComponentChoice, device: torch.device, error: BaseException) -> None:
        """Says that a component goes on on the CPU, once."""
        if self._is_new(choice, "fell"):
            words = "%s %r goes on on the CPU, since %s cannot run it: %s"
            _log.warning(words, choice.kind, choice.name, device, first_line(error))

    def note_apart(self, choice: ComponentChoice, device: torch.device) -> None:
        """Says that an extractor is given its codes on its device, as it was before they lay on the CPU, once."""
        if self._is_new(choice, "apart"):
            words = "%s %r is given its codes on %s, since it cannot take them on the CPU, where they lie now"
            _log.warning(words, choice.kind, choice.name, device)

    def _is_new(self, choice: ComponentChoice, what: str) -> bool:
        key = (choice.kind, choice.name, what)
        with self._lock:
            if key in self.told:
                return False
            self.told.add(key)
            return True


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a component that may fall back looks like from outside."""

    calls: tuple[str, ...]
    """Methods, each about the frames of its first argument."""
    says: tuple[str, ...] = ()
    """Properties."""
    shot: tuple[str, ...] = ()
    """Methods of what ``begin_shot`` gives."""
    on_cpu: bool = False
    """Arguments and results lie on the CPU, wherever the component runs."""

    @classmethod
    def of(cls, protocol: type[Any]) -> _Kind:
        members = {name: value for name, value in vars(protocol).items() if not name.startswith("_")}
        says = tuple(name for name, value in members.items() if isinstance(value, property))
        calls = tuple(name for name, value in members.items() if inspect.isfunction(value) and name != "begin_shot")
        shot = ("generate",) if protocol is Generator else calls
        return cls(calls, says, shot, on_cpu=protocol is MotionExtractor)


def falling_back(
    protocol: type[C],
    choice: ComponentChoice,
    device: torch.device,
    make: Callable[[torch.device], C],
    fallen: Fallen,
) -> C:
    """A component that goes on on the CPU from where the device lacks what it needs; a plain one where that is the CPU.

    Its results lie on the device all the same. Of what one frame is too much for, the CPU takes over as well.

    Args:
        protocol: what it must be.
        choice: what the plan calls it.
        device: where it runs.
        make: makes it for a device.
        fallen: where it is said.
    """
    if device.type == "cpu":
        return make(device)
    cause: BaseException | None = None
    try:
        made = make(device)
    except PluginError as error:
        cause = error.__cause__
        if cause is None or not (is_lacking(cause) or is_out_of_memory(cause)):
            raise
        made = make(CPU)
        fallen.note(choice, device, cause)
    kind = _Kind.of(protocol)
    methods = {name: _call(name) for name in kind.calls} | {name: _said(name) for name in kind.says}
    if protocol is Generator or prepares_shots(made):
        methods["begin_shot"] = _begin
    shape = cast("type[_Falling]", type(f"Falling{protocol.__name__}", (_Falling,), methods))
    return cast("C", shape(made, _Origin(kind, choice, device, make, fallen), fell=cause is not None))


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a component that may fall back comes from."""

    kind: _Kind
    choice: ComponentChoice
    device: torch.device
    make: Callable[[torch.device], Any]
    fallen: Fallen


class _Falling:
    """A component that may have fallen back. `falling_back` gives it the methods of its protocol."""

    def __init__(self, wrapped: Any, origin: _Origin, *, fell: bool) -> None:
        self.wrapped = wrapped
        """The component in use, which says what it wants to see: `dpe_toolkit.analysis.window_shape` asks it."""
        self.origin = origin
        self.fell = fell
        """It is the CPU's."""
        self._wants_codes_there = False

    def run(self, name: str, args: tuple[Any, ...]) -> Any:
        """What a method gives, for the component on the device or for the one on the CPU."""

        def call(made: Any) -> Any:
            return self._codes_there(made, name, args) if self.origin.kind.on_cpu else getattr(made, name)(*args)

        result = self.choose(call, lambda made: getattr(made, name)(*moved(args, CPU)), rows=_num_frames(args))
        return result if self.origin.kind.on_cpu else moved(result, self.origin.device)

    def choose(self, call: Callable[[Any], R], retry: Callable[[Any], R], *, rows: int = 1) -> R:
        """What ``call`` gives for the component on the device, else ``retry`` for the one on the CPU.

        Args:
            call: the call.
            retry: the same with everything moved to the CPU.
            rows: frames that the call is about.
        """
        if self.fell:
            return retry(self.wrapped)
        try:
            return call(self.wrapped)
        except Exception as error:
            if not is_lacking(error) and (rows > 1 or not is_out_of_memory(error)):
                raise
            cause = error.with_traceback(None)
        made = self.origin.make(CPU)
        result = retry(made)
        # Not before it worked there: what fails on a CPU too is the component's own fault.
        # What it had on the device goes; what it wants to see it says as well on the CPU.
        self.wrapped, self.fell = made, True
        empty_cache(self.origin.device)
        self.origin.fallen.note(self.origin.choice, self.origin.device, cause)
        return result

    def _codes_there(self, made: Any, name: str, args: tuple[Any, ...]) -> Any:
        """The call of an extractor with its codes on the CPU, or on the device where it was written for that."""
        if not self._wants_codes_there:
            try:
                return getattr(made, name)(*args)
            except RuntimeError as error:
                if _APART.search(str(error)) is None:
                    raise
            self.origin.fallen.note_apart(self.origin.choice, self.origin.device)
            self._wants_codes_there = True
        return getattr(made, name)(*moved(args, self.origin.device))


class _FallingShot:
    """A component made ready for one shot; it begins again on the CPU where it must."""

    def __init__(self, component: _Falling, shot: Any, material: ShotMaterial) -> None:
        self._component = component
        self._material = material
        self._shot = shot
        self._on_cpu = component.fell

    def run(self, name: str, args: tuple[Any, ...]) -> Any:
        """What a method gives, for the shot on the device or for the one on the CPU."""

        def retry(made: Any) -> Any:
            if not self._on_cpu:
                self._shot, self._on_cpu = made.begin_shot(_material(self._material)), True
            return getattr(self._shot, name)(*moved(args, CPU))

        component = self._component
        result = component.choose(lambda _: getattr(self._shot, name)(*args), retry, rows=_num_frames(args))
        return moved(result, component.origin.device)


def _call(name: str) -> Callable[..., Any]:
    def method(self: _Falling | _FallingShot, *args: Any) -> Any:
        return self.run(name, args)

    return method


def _said(name: str) -> Any:
    return property(lambda self: getattr(self.wrapped, name))


def _begin(self: _Falling, material: ShotMaterial) -> Any:
    """``begin_shot``; what it gives that is no component for a shot is handed on, to be refused by who asked."""
    shot = self.choose(lambda made: made.begin_shot(material), lambda made: made.begin_shot(_material(material)))
    if not all(hasattr(shot, name) for name in self.origin.kind.shot):
        return shot
    methods = {name: _call(name) for name in self.origin.kind.shot}
    return cast("type[_FallingShot]", type("FallingShot", (_FallingShot,), methods))(self, shot, material)


def _num_frames(args: tuple[Any, ...]) -> int:
    """How many frames a call is about; 1 where it is about a whole clip, which nobody asks about in halves."""
    first = args[0]
    if isinstance(first, GenerateRequest):
        return len(first.rows)
    return len(cast("Sized", first)) if isinstance(first, (FaceBatch, FrameBatch, torch.Tensor)) else 1


def _material(material: ShotMaterial) -> ShotMaterial:
    """The material on the CPU, and what it fetches too."""
    return dataclasses.replace(
        taken_over(material, CPU),
        fetch_source=_fetching_to_cpu(material.fetch_source),
        fetch_driver=_fetching_to_cpu(material.fetch_driver),
    )


def _fetching_to_cpu(fetch: Fetch) -> Fetch:
    # A render's own windows are cut on the CPU in the first place, so that the device needs no room for them.
    if isinstance(fetch, MovableFetch):
        return fetch.on(CPU)
    return lambda rows: moved(fetch(rows), CPU)
