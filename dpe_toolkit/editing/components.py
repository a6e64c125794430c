"""What a plugin provides: a `Component` record to list. What its product does is in `dpe_toolkit.editing.protocols`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

from dpe_toolkit.core.errors import PluginError
from dpe_toolkit.editing.options import NoOptions, PluginOptions
from dpe_toolkit.editing.stages import ComponentKind
from dpe_toolkit.face.codes import CodeSpace

if TYPE_CHECKING:
    import torch

__all__ = ["CheckpointFormat", "Component", "ComponentContext", "ComponentSource", "Weights", "weights_options"]

T = TypeVar("T", covariant=True)


@dataclass(frozen=True, slots=True)
class Weights:
    """Marks an option whose value names weights, as ``weights`` does without a mark.

    For instance ``decoder: Annotated[str, Weights()] = ""``. What it names, a name that `dpe weights list` shows or a
    path, is found while planning and arrives as ``ComponentContext.weights_named["decoder"]``.
    """

    folder: bool = False
    """It may name a folder, whose files all count as the weights."""


def weights_options(options: type[PluginOptions]) -> dict[str, Weights]:
    """The options of a model that name weights, with their marks."""
    found = {"weights": Weights()} if "weights" in options.model_fields else {}
    for name, held in options.model_fields.items():
        for mark in held.metadata:
            if isinstance(mark, Weights):
                found[name] = mark
    return found


class ComponentSource(Protocol):
    """Who makes further components for one that is being made."""

    def component(self, kind: str, name: str, options: Mapping[str, object], context: ComponentContext) -> object:
        """The component of that kind and name, made for the context's device."""
        ...


@dataclass(frozen=True, slots=True)
class ComponentContext:
    """What a component is made with."""

    device: torch.device
    """Where it runs."""
    weights: Path | None = None
    """Weights that the user named for this component, else None."""
    weights_named: Mapping[str, Path] = field(default_factory=dict)
    """Option to the file or folder that it names, for ``weights`` and for options that are marked `Weights`."""
    precision: Literal["auto", "half", "single"] = "auto"
    """How networks should calculate; ``auto`` leaves it to the component."""
    seed: int = 0
    """Where chance is needed, it starts here, so that a render comes out the same again."""
    source: ComponentSource | None = None
    """Who makes what `component` asks for."""

    def component(self, kind: str, name: str, options: Mapping[str, object] | None = None) -> object:
        """Another installed component, such as a detector that a matte maker asks; it is named in the edits file.

        Args:
            kind: its kind.
            name: its name, or ``plugin:name``.
            options: as in a timeline; checked by its own model.

        Raises:
            PlanError: it is not installed.
            OptionsError: an option is not accepted.
            PluginError: it cannot be made, or nobody is there to make it.
        """
        if self.source is None:
            raise PluginError(
                f"{kind} {name!r} is asked for where no components are made",
                "a context of a render, of the kit or of a registry",
                "make the component by a registry, or hand the context a source",
            )
        return self.source.component(kind, name, options or {}, self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component(Generic[T]):
    """One entry of a plugin's list. Listing costs nothing: ``create`` is called when a plan needs it.

    The module that builds the list should import torch only inside ``create``.
    """

    kind: ComponentKind
    name: str
    """What timelines and flags call it: lower case, unique in its kind over all plugins."""
    summary: str
    """One line for listings."""
    create: Callable[[PluginOptions, ComponentContext], T]
    """Builds the component from validated options."""
    options: type[PluginOptions] = NoOptions
    space: CodeSpace | None = None
    """Code space of encoders, motion extractors and generators; None fits every space."""
    space_of: Callable[[PluginOptions, Path | None], CodeSpace] | None = None
    """Where options and weights decide the space: the space of these, in place of ``space``. Planning calls
    it with the validated options and the file that their ``weights`` name; it may read that file, and
    raises a `DpeError` where there is none that it can use."""
    family: str = ""
    """What encoders, motion extractors and generators made for each other share; empty takes the space's id.
    A shot that names a generator alone gets encoder and motion of its family, and what options of a family
    have in common (such as ``weights``) need be given for one of them only."""
    licence: str = ""
    """SPDX expression of code and weights."""
    source: str = ""
    """Paper, address or words that say where the method comes from."""
    fingerprint: str = ""
    """Changes whenever results change for the same input; part of cache keys (e.g. a model's sha256)."""
    gives: tuple[str, ...] = ()
    """What others may count on in its results, as in ``needs``. Nothing stated means that it is not known."""
    needs: tuple[str, ...] = ()
    """What it must be given, compared while planning with what the components before it give: ``boxes``,
    ``landmarks=mediapipe/478``, ``landmarks=points/5``, ``blendshapes=arkit/52``; any ``subject=form``, where
    ``landmarks`` alone needs some, of whatever form."""
    default: bool = False
    """What is taken where nobody names a component of the kind. Counts only for plugins that the toolkit's own
    extra ``default`` installs: what a stranger installs beside them never changes a render."""
    default_for: tuple[str, ...] = ()
    """Uses besides a shot's in which it is taken where nobody names another, under the same rule; ``still`` is that of
    `dpe animate`, where the head moves as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFormat:
    """A kind of weights that a plugin can read: of one file, or of the files of a folder."""

    name: str
    summary: str
    detect: Callable[[Path], bool]
    """True where the content (never the name alone) is of this format. Must not execute anything in it."""
    describe: Callable[[Path], dict[str, str]]
    """What people want to know of the weights: sizes, branch, licence, training."""
    folders: bool = False
    """The weights are a folder of files: ``detect`` and ``describe`` are given folders, and files where it is False."""
