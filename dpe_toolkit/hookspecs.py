"""Every hook that a plugin may implement. Hooks register and notify; none is called in the frame loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import typer

    from dpe_toolkit.editing.components import CheckpointFormat, Component
    from dpe_toolkit.editing.measures import ExpressionRegressor, IdentityEmbedder, PerceptualFeatures, PictureMetric
    from dpe_toolkit.editing.protocols import Compositor, Detector, Encoder, Generator, MotionExtractor
    from dpe_toolkit.plans.model import RenderPlan
    from dpe_toolkit.plans.problems import Problem
    from dpe_toolkit.plans.shot import ShotPlan

__all__ = ["ENTRY_POINT_GROUP", "PROJECT", "HookSpecs", "hookimpl", "hookspec"]

PROJECT = "dpe_toolkit"
ENTRY_POINT_GROUP = "dpe_toolkit.plugins"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class HookSpecs:
    """The hooks, with the arguments an implementation may name."""

    @hookspec
    def dpe_register_detectors(self) -> Iterable[Component[Detector]]:  # type: ignore[empty-body] # a spec
        """Face detectors of this plugin."""

    @hookspec
    def dpe_register_encoders(self) -> Iterable[Component[Encoder]]:  # type: ignore[empty-body] # a spec
        """Encoders of this plugin."""

    @hookspec
    def dpe_register_motion_extractors(self) -> Iterable[Component[MotionExtractor]]:  # type: ignore[empty-body] # a spec
        """Motion extractors of this plugin."""

    @hookspec
    def dpe_register_generators(self) -> Iterable[Component[Generator]]:  # type: ignore[empty-body] # a spec
        """Generators of this plugin."""

    @hookspec
    def dpe_register_compositors(self) -> Iterable[Component[Compositor]]:  # type: ignore[empty-body] # a spec
        """Compositors of this plugin."""

    @hookspec
    def dpe_register_regressors(self) -> Iterable[Component[ExpressionRegressor]]:  # type: ignore[empty-body] # a spec
        """Expression regressors of this plugin, for the expression loss and for measuring."""

    @hookspec
    def dpe_register_features(self) -> Iterable[Component[PerceptualFeatures]]:  # type: ignore[empty-body] # a spec
        """Feature networks of this plugin, for the perceptual loss."""

    @hookspec
    def dpe_register_identities(self) -> Iterable[Component[IdentityEmbedder]]:  # type: ignore[empty-body] # a spec
        """Identity embedders of this plugin."""

    @hookspec
    def dpe_register_metrics(self) -> Iterable[Component[PictureMetric]]:  # type: ignore[empty-body] # a spec
        """Metrics of this plugin that compare a result with a reference."""

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
