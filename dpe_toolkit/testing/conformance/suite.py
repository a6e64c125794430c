"""What every component promises, whatever its kind; the suites of the kinds build on it.

A suite is a plain class of ``test_`` methods without arguments: pytest collects a subclass whose name starts
with ``Test``, and ``dpe plugins check`` runs the same methods without pytest.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import ClassVar
from unittest import SkipTest

import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.analysis import guard_plugin
from dpe_toolkit.core.errors import DpeError, OptionsError, PluginError
from dpe_toolkit.editing.components import Component, ComponentContext, weights_options
from dpe_toolkit.editing.options import PluginOptions
from dpe_toolkit.editing.protocols import Generated
from dpe_toolkit.editing.stages import ComponentKind
from dpe_toolkit.face.codes import CodeSpace
from dpe_toolkit.face.tracks import FaceBatch
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plugins import Registry
from dpe_toolkit.testing.accelerator import ACCELERATOR, pretend_accelerator
from dpe_toolkit.testing.conformance.comparing import (
    ConformanceError,
    advise,
    arrays_of,
    differing,
    differing_rows,
    require,
    rows_of,
    snapshot,
)
from dpe_toolkit.testing.conformance.spelling import spelled_ways, varied_options
from dpe_toolkit.testing.fakes import plugin_of
from dpe_toolkit.testing.footage import NUM_FRAMES, KnownClip, acted_clip, photograph_clip
from dpe_toolkit.testing.network import no_network

__all__ = ["PLUGIN_NAME", "ComponentConformance", "Rows"]

PLUGIN_NAME = "under_test"
_DARKEST = 0.4
"""Gain of the darkest row where rows are lit in turn."""
Rows = npt.NDArray[np.int64]


class ComponentConformance:
    """Base of the suites. A test class of a plugin sets ``component`` and, where it must, the rest."""

    kind: ClassVar[ComponentKind]
    component: ClassVar[Component[object]]
    """The component to test, as the plugin's hook gives it."""
    options: ClassVar[Mapping[str, object]] = {}
    """Options to test it with; partners of its family get those that they have too."""
    weights: ClassVar[Path | None] = None
    """Weights to test it with."""
    weights_named: ClassVar[Mapping[str, Path]] = {}
    """Files and folders to test it with, by the options that name them, which are marked `dpe_toolkit.api.Weights`."""
    partners: ClassVar[Sequence[Component[object]]] = ()
    """Components it cannot do without: a motion extractor's detector, a generator's encoder and motion
    extractor. Kinds not named here are taken from the installed plugins, by family and then by default."""
    installed: ClassVar[Registry | None] = None
    """Where partners are looked for that are not named; None takes what is installed here."""
    tolerance: ClassVar[float] = 2e-3
    """By how much results may differ between a batch and its parts; half a step of 8 bits."""
    device: ClassVar[str] = "cpu"
    also_on: ClassVar[tuple[str, ...]] = ()
    """Where else the results of its kind may lie."""
    num_rows: ClassVar[int] = NUM_FRAMES
    accelerated: ClassVar[bool] = True
    """False for what never runs on anything but a CPU, and says so."""

    @classmethod
    def source_clip(cls) -> KnownClip:
        """Footage with a face that the component can work on."""
        return photograph_clip()

    @classmethod
    def driver_clip(cls) -> KnownClip:
        """Footage of another expression."""
        return acted_clip()

    def inputs(self, rows: Rows) -> tuple[object, ...]:
        """What `call` takes for these rows of the source clip."""
        raise NotImplementedError

    def call(self, made: object, *inputs: object) -> object:
        """What the component says of these inputs."""
        raise NotImplementedError

    def ready(self, made: object) -> object:
        """The component after what must happen once before it is called."""
        return made

    @property
    def rows(self) -> Rows:
        """All rows."""
        return np.arange(self.num_rows, dtype=np.int64)

    @classmethod
    def context(cls) -> ComponentContext:
        """Where the component runs."""
        return cls.context_of(cls.component)

    @classmethod
    def context_of(cls, component: Component[object]) -> ComponentContext:
        """What the component, or a partner of its family, is made with: the weights that it has options for."""
        given = {**cls.weights_named, **({} if cls.weights is None else {"weights": cls.weights})}
        named = {option: given[option] for option in weights_options(component.options) if option in given}
        return ComponentContext(torch.device(cls.device), cls.weights, named)

    @classmethod
    def registry(cls) -> Registry:
        """A registry in which only the component is."""
        return Registry.of({PLUGIN_NAME: plugin_of(cls.component)}, version="0")

    @classmethod
    def choice(cls, options: Mapping[str, object] | None = None) -> ComponentChoice:
        """The component as a plan names it."""
        given = cls.options if options is None else options
        kind, name = cls.component.kind, cls.component.name
        return ComponentChoice(kind=kind, name=name, plugin=PLUGIN_NAME, version="0", options=dict(given))

    @classmethod
    def make(cls) -> object:
        """A component of its own, made from `options`."""
        return cls.registry().create(cls.choice(), cls.context())

    @classmethod
    @cache
    def made(cls) -> object:
        """One component for all tests that need no fresh one."""
        return cls.make()

    @classmethod
    @cache
    def _made_ready(cls) -> object:
        return cls().ready(cls.made())

    @classmethod
    def parsed_options(cls) -> PluginOptions:
        """The options, validated."""
        return cls.component.options.parse(cls.options, owner=cls.component.name)

    @classmethod
    def code_space(cls) -> CodeSpace | None:
        """The space that the component says it works in, for these options and weights."""
        component = cls.component
        if component.space_of is None:
            return component.space
        return component.space_of(cls.parsed_options(), cls.weights)

    def run(self, rows: Rows | None = None) -> object:
        """What the component says of these rows, of all where none are named."""
        return self.call(self._made_ready(), *self.inputs(self.rows if rows is None else rows))

    def test_the_record_is_complete(self) -> None:
        """Kind, name and summary are stated, and the registry takes it."""
        component = self.component
        require(component.kind == self.kind, f"the component is a {component.kind}, the suite is for a {self.kind}")
        (plugin,) = self.registry().plugins
        require(plugin.fault is None, f"the registry does not take it: {plugin.fault}")
        require(component.summary.strip(), f"{component.name} states no summary; fill it in its Component")

    def test_licence_source_and_fingerprint_are_stated(self) -> None:
        """What users ask for before they ship a result, and what keeps stored analyses apart; a warning where not."""
        for field in ("licence", "source", "fingerprint"):
            stated = getattr(self.component, field).strip()
            advise(stated, f"{self.component.name} states no {field}; fill it in its Component")

    def test_it_is_made_as_what_its_kind_promises(self) -> None:
        """``create`` gives an object with the methods of its protocol."""
        self.made()

    def test_options_say_what_they_do(self) -> None:
        """Each option has a description and a default, for help, tables and editors."""
        for name, field in self.component.options.model_fields.items():
            require(field.description, f"option {name!r} has no description; give its Field one")
            require(not field.is_required(), f"option {name!r} has no default; a component works when none is given")

    def test_options_mean_the_same_wherever_they_are_given(self) -> None:
        """On the command line, in a project's TOML, in a timeline's effect and in a plan, a value is one value."""
        for values in varied_options(self.component.options, self.options):
            wanted = self.component.options.parse(values, owner=self.component.name)
            for way, given in spelled_ways(self.component.name, values).items():
                got = self.component.options.parse(given, owner=self.component.name)
                require(got == wanted, f"options {dict(values)} given by {way} become {got!r}, expected {wanted!r}")

    def test_unknown_options_are_refused_by_name(self) -> None:
        """A misspelt option is never ignored, and the message names component and option."""
        try:
            self.component.options.parse({**self.options, "no_such_option": 1}, owner=self.component.name)
        except OptionsError as error:
            named = self.component.name in str(error) and "no_such_option" in str(error)
            require(named, f"the refusal of an unknown option names neither component nor option: {error}")
        else:
            require(False, "an unknown option is accepted; derive the options from PluginOptions and keep its config")

    def test_a_fault_names_the_plugin(self) -> None:
        """Whatever it raises at run time reaches the user with the plugin's name, and ends no process."""
        made = self._made_ready()
        broken: tuple[object, ...] = tuple(None for _ in self.inputs(self.rows))
        try:
            with guard_plugin(self.choice(), "conformance"):
                self.call(made, *broken)
        except PluginError as error:
            require(PLUGIN_NAME in str(error), f"the error does not name the plugin: {error}")
        except DpeError as error:
            require(str(error), "an error of the toolkit's tree says nothing")
        except BaseException as error:  # noqa: BLE001 - this is what is looked for
            require(False, f"a fault escapes as {type(error).__name__}, which no guard catches; raise an Exception")

    def test_it_needs_no_network(self) -> None:
        """Making and calling it reaches for no other machine."""
        with no_network() as tried:
            self.call(self.ready(self.make()), *self.inputs(self.rows[:1]))
        require(not tried, f"it tried to reach {', '.join(tried)}; ship what it needs, or let the user name a file")

    def test_listing_it_loads_no_torch(self) -> None:
        """Its module registers without torch, so that listings stay quick."""
        module = self.component.create.__module__
        loaded = None if module.startswith("dpe_toolkit.testing.") else _loads_torch(module)
        if loaded is None:
            raise SkipTest(f"module {module} cannot be imported by itself")
        require(not loaded, f"importing {module} imports torch; move that import into the function 'create'")

    def test_inputs_are_left_as_they_were(self) -> None:
        """What is handed in belongs to the caller."""
        inputs = self.inputs(self.rows)
        before = snapshot(inputs)
        self.call(self._made_ready(), *inputs)
        changed = differing_rows(before, snapshot(inputs), 0.0)
        require(not changed, f"it changes what it is given: {changed}; work on a copy")

    def test_the_same_input_gives_the_same_result(self) -> None:
        """Two components of the same options agree to the last bit."""
        results = [self.call(self.ready(self.make()), *self.inputs(self.rows)) for _ in range(2)]
        apart = differing(*results)
        require(not apart, f"two runs on the same input disagree: {apart}; seed what is random")

    def test_nothing_is_remembered_between_calls(self) -> None:
        """A result does not depend on what was asked before."""
        first = snapshot(self.run())
        self.run(self.rows[::-1].copy())
        self.run(self.rows[:1])
        apart = differing_rows(first, snapshot(self.run()), self.tolerance)
        require(not apart, f"the same call gives another result later: {apart}; keep no state between calls")

    def test_a_batch_is_its_rows_one_by_one(self) -> None:
        """Each row's result is the same alone and among others."""
        together = self.run()
        for row in self.rows.tolist():
            alone = self.run(self.rows[row : row + 1])
            kept = rows_of(together, self.num_rows, row)
            apart = differing_rows(kept, rows_of(alone, 1, 0), self.tolerance)
            require(kept, "the result has no rows; its first axis, or the list, stands for the frames")
            require(not apart, f"row {row} of a batch is not what it is alone: {apart}")

    def test_a_row_does_not_follow_the_light_of_other_rows(self) -> None:
        """Colour and contrast are taken from the row itself: of frames lit in turn, each comes out as it does alone."""
        gains = torch.linspace(_DARKEST, 1, self.num_rows, device=torch.device(self.device))
        lit, inputs = relit(self.inputs(self.rows), gains), self.inputs(self.rows)
        if not differing(lit, inputs):
            raise SkipTest("it is given no face windows")
        together = self.call(self._made_ready(), *lit)
        for row in (0, self.num_rows - 1):
            alone = self.call(self._made_ready(), *relit(self.inputs(self.rows[row : row + 1]), gains[row : row + 1]))
            kept = rows_of(together, self.num_rows, row)
            apart = differing_rows(kept, rows_of(alone, 1, 0), self.tolerance)
            require(not apart, f"row {row} follows the light of other rows: {apart}; measure colour row by row")

    def test_an_empty_batch_gives_an_empty_result(self) -> None:
        """No frame is a batch like another."""
        result = self.run(self.rows[:0])
        count = len(result) if isinstance(result, list) else next((len(array) for _, array, _ in arrays_of(result)), 0)
        require(count == 0, f"a batch without frames gives {count} results")

    def test_results_are_on_the_device_asked_for(self) -> None:
        """Tensors come back where the component was asked to run."""
        wanted = torch.device(self.device).type
        for path, _, device in arrays_of(self.run()):
            require(device in ("", wanted, *self.also_on), f"{path} is on {device}, asked for was {wanted}")

    def sample(self) -> object:
        """All that a render asks of the component, for comparing devices."""
        return self.run()

    def test_an_accelerator_gives_what_the_cpu_gives(self) -> None:
        """On a device that refuses what a GPU refuses it works, and comes to the same; see `pretend_accelerator`."""
        if not self.accelerated:
            raise SkipTest("it says that it runs on CPUs alone")
        there = type(f"{type(self).__name__}OnAccelerator", (type(self),), {"device": str(ACCELERATOR)})
        with pretend_accelerator():
            try:
                found = there().sample()
            except DpeError:
                raise
            except Exception as error:
                raise ConformanceError(f"on an accelerator it fails: {type(error).__name__}: {error}") from error
            places = ("", ACCELERATOR.type, *self.also_on)
            strayed = [path for path, _, device in arrays_of(found) if device not in places]
            require(not strayed, f"on an accelerator {', '.join(strayed)} stay behind; put results on context.device")
            got = snapshot(found)
        apart = differing_rows(got, snapshot(self.sample()), self.tolerance)
        require(not apart, f"an accelerator gives another result than the CPU: {apart}")

    def test_results_are_finite(self) -> None:
        """No result holds a NaN or an infinity."""
        for path, array, _ in arrays_of(self.run()):
            require(np.isfinite(array.astype(np.float64)).all(), f"{path or 'the result'} holds NaN or infinity")


def relit(inputs: tuple[object, ...], gains: torch.Tensor) -> tuple[object, ...]:
    """The inputs with each row of their windows, source and edited, multiplied by a gain of its own.

    Args:
        inputs: what a component is called with: dataclasses, face windows among them.
        gains: (N,) one for each row.
    """
    return tuple(_relit(value, gains) for value in inputs)


def _relit(value: object, gains: torch.Tensor) -> object:
    if isinstance(value, FaceBatch | Generated):
        return replace(value, pixels=value.pixels * gains[:, None, None, None])
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed = {field.name: _relit(getattr(value, field.name), gains) for field in fields(value)}
    return replace(value, **{name: new for name, new in changed.items() if new is not getattr(value, name)})


_LISTED = """
import importlib, sys
sys.path[:0] = {folders!r}


class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print("torch")
            raise SystemExit


sys.meta_path.insert(0, Stop())
importlib.import_module({module!r})
print("light")
"""


@cache
def _loads_torch(module: str) -> bool | None:
    """Whether importing the module imports torch, seen in a process of its own; None where it cannot be imported."""
    script = _LISTED.format(folders=[path for path in sys.path if path], module=module)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    return None if done.returncode else done.stdout.split()[-1] == "torch"
