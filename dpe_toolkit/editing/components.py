"""What a plugin provides: a `Component` record to list. What its product does is in `dpe_toolkit.editing.protocols`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from dpe_toolkit.editing.options import NoOptions, PluginOptions
from dpe_toolkit.editing.stages import ComponentKind
from dpe_toolkit.face.codes import CodeSpace

if TYPE_CHECKING:
    import torch

__all__ = ["CheckpointFormat", "Component", "ComponentContext"]

T = TypeVar("T", covariant=True)


@dataclass(frozen=True, slots=True)
class ComponentContext:
    """Where a component runs."""

    device: torch.device
    weights: Path | None = None
    """Weights that the user named for this component, else None."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFormat:
    """A kind of weights file that a plugin can read."""

    name: str
    summary: str
    detect: Callable[[Path], bool]
    """True where the file's content (never its name alone) is of this format. Must not execute anything in it."""
    describe: Callable[[Path], dict[str, str]]
    """What people want to know of the file: sizes, branch, licence, training."""
