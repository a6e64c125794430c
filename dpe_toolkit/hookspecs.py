"""Every hook that a plugin may implement. Hooks register and notify; none is called in the frame loop.

Each kind of component has a hook ``dpe_register_...`` of its own, made from its row in `dpe_toolkit.editing.stages`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

from dpe_toolkit.editing.stages import STAGES, Stage

if TYPE_CHECKING:
    import typer

    from dpe_toolkit.editing.components import CheckpointFormat, Component
    from dpe_toolkit.plans.model import RenderPlan
    from dpe_toolkit.plans.problems import Problem
    from dpe_toolkit.plans.shot import ShotPlan

__all__ = ["ENTRY_POINT_GROUP", "PROJECT", "HookSpecs", "hookimpl", "hookspec"]

PROJECT = "dpe_toolkit"
ENTRY_POINT_GROUP = "dpe_toolkit.plugins"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class HookSpecs:
    """The hooks, with the arguments an implementation may name; those of the kinds of component come below."""

    @hookspec
    def dpe_register_components(self) -> Iterable[Component[object]]:  # type: ignore[empty-body] # a spec
        """Components of this plugin, of any kinds; the hooks below take those of one kind each."""

    @hookspec
    def dpe_register_checkpoints(self) -> Iterable[CheckpointFormat]:  # type: ignore[empty-body] # a spec
        """Weights formats that this plugin reads."""

    @hookspec(firstresult=True)
    def dpe_resolve_media(self, reference: str, base_dir: Path) -> Path | None:
        """The local file that ``reference`` (a URL or path of a timeline) means, or None if not known."""

    @hookspec
    def dpe_check_plan(self, plan: RenderPlan) -> Iterable[Problem]:  # type: ignore[empty-body] # a spec
        """Problems that this plugin sees in a plan. Errors stop the render, warnings are printed."""

    @hookspec
    def dpe_shot_started(self, shot: ShotPlan) -> None:
        """A shot begins to render. A raise is logged, never fatal."""

    @hookspec
    def dpe_shot_finished(self, shot: ShotPlan, report: Mapping[str, object]) -> None:
        """A shot is rendered; ``report`` is its entry of the edits file."""

    @hookspec
    def dpe_register_commands(self, app: typer.Typer) -> None:
        """Adds commands to the ``dpe`` program."""


def _add_registration(row: Stage[object]) -> None:
    """Gives `HookSpecs` the hook of one kind."""

    def spec(self: HookSpecs) -> Iterable[Component[object]]:  # type: ignore[empty-body] # a spec
        ...

    spec.__name__ = row.hook
    # By the dot pluggy knows that the first argument is none of the hook's.
    spec.__qualname__ = f"{HookSpecs.__name__}.{row.hook}"
    spec.__doc__ = f"{row.plural} of this plugin."
    spec.__annotations__ = {"return": f"Iterable[Component[{row.protocol_name}]]"}
    setattr(HookSpecs, row.hook, hookspec(spec))


for _row in STAGES:
    _add_registration(_row)
