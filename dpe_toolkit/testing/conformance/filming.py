"""The kit's clips as components see them: tracked faces, native windows, motion codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch

from dpe_toolkit.analysis import WindowPlan, cut_faces, place_faces, plan_windows
from dpe_toolkit.core.errors import DpeError
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.editing.components import Component, ComponentContext
from dpe_toolkit.editing.handover import taken_codes, taken_motion
from dpe_toolkit.editing.protocols import Detector, Generated, MotionExtractor, WindowShape
from dpe_toolkit.editing.stages import ComponentKind
from dpe_toolkit.face.codes import MotionTrack
from dpe_toolkit.face.tracks import FaceBatch, FaceTrack
from dpe_toolkit.planning.picking import family_of
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plugins import Registry, load_registry
from dpe_toolkit.testing.conformance.comparing import advise, require
from dpe_toolkit.testing.conformance.suite import ComponentConformance, Rows
from dpe_toolkit.testing.fakes import plugin_of
from dpe_toolkit.testing.footage import KnownClip

__all__ = ["Filmed", "darkened", "find_partner", "make_partner", "moved", "named_detector", "seen_by"]


@dataclass(frozen=True, slots=True)
class Filmed:
    """A clip and the face that was tracked in it."""

    frames: FrameBatch
    track: FaceTrack
    windows: WindowPlan
    device: torch.device

    def faces(self, rows: Rows) -> FaceBatch:
        """Native windows of these rows."""
        return cut_faces(self.frames.take(rows), self.track, rows, self.windows, self.device)

    def places(self, rows: Rows) -> FaceBatch:
        """The same faces without their pixels, on the CPU."""
        return place_faces(self.track, rows, self.windows.placement(rows))

    def for_extractor(self, extractor: MotionExtractor, rows: Rows) -> FaceBatch:
        """These rows as a motion extractor is given them."""
        return self.faces(rows) if extractor.needs_pixels else self.places(rows)


def darkened(faces: FaceBatch) -> tuple[Generated, torch.Tensor]:
    """A smooth darkening of part of each face, as if a mouth had opened, and (N, 1, h, w) where it changed any."""
    height, width = faces.pixels.shape[2:]
    y = torch.arange(height, device=faces.pixels.device)[:, None] / height - 0.6
    x = torch.arange(width, device=faces.pixels.device)[None] / width - 0.5
    weight = (1 - (x / 0.16) ** 2 - (y / 0.12) ** 2).clamp_min(0)
    change = weight * torch.tensor([0.3, 0.4, 0.5], device=weight.device)[:, None, None]
    landmarks = faces.landmarks_px.clone()
    landmarks[:, :, 1] += 2
    changed = (weight > 0).expand(len(faces), 1, -1, -1)
    return Generated(torch.where(changed, faces.pixels - change, faces.pixels), landmarks), changed


def seen_by(
    detector: Detector | None, clip: KnownClip, shape: WindowShape | None = None, *, device: torch.device
) -> Filmed:
    """The clip with the face that ``detector`` sees in it; None takes what is known of the clip."""
    frames = clip.frames()
    track = clip.track() if detector is None else _tracked(detector, frames)
    return Filmed(frames, track, plan_windows(track, shape or WindowShape()), device)


def _tracked(detector: Detector, frames: FrameBatch) -> FaceTrack:
    found = detector.detect(frames, None)
    missed = [row for row, faces in enumerate(found) if not len(faces)]
    require(not missed, f"the detector sees no face in frames {missed} of the kit's clip; name another partner")
    values = {
        name: np.stack([getattr(faces, name)[0] for faces in found])
        for name in ("boxes_px", "landmarks_px", "scores", "blendshapes")
    }
    return FaceTrack(index=frames.index, present=np.ones(len(found), np.bool_), **values)


def moved(extractor: MotionExtractor, filmed: Filmed) -> MotionTrack:
    """The motion of a filmed face, on the CPU as in a render."""
    rows = np.arange(len(filmed.track), dtype=np.int64)
    codes = taken_codes("extract()", extractor.extract(filmed.for_extractor(extractor, rows)), len(rows))
    return taken_motion(extractor.settle(codes, filmed.track, filmed.frames.rate, None), filmed.track)


def find_partner(suite: type[ComponentConformance], kind: ComponentKind) -> Component[object] | None:
    """The component of ``kind`` to test with: named by the suite, else of the family, else the default installed."""
    for component in suite.partners:
        if component.kind == kind:
            return component
    registry = suite.installed or load_registry()
    entries = registry.components(kind)
    found = [entry.component for entry in entries.values()]
    family = family_of(suite.component)
    kin = [component for component in found if family and family_of(component) == family]
    if len(kin) > 1:
        # By name, for the order of registration never chooses; whoever wants the other names it in ``partners``.
        kin.sort(key=lambda component: (component.name != suite.component.name, component.name))
        names = ", ".join(repr(component.name) for component in kin)
        advise(False, f"its family has {len(kin)} of kind {kind}: {names}; tested with {kin[0].name!r}")
    usual = [entry.component for name, entry in entries.items() if name == registry.defaults.get(kind)]
    candidates = kin or (usual if kind == "detector" else [])
    return candidates[0] if candidates else None


def make_partner(suite: type[ComponentConformance], kind: ComponentKind) -> object | None:
    """That component, made with those of the suite's options and weights that it takes; None where there is none.

    Raises:
        DpeError: it cannot be made.
    """
    component = find_partner(suite, kind)
    if component is None:
        return None
    kin = component.family == suite.component.family != ""
    options = {name: value for name, value in suite.options.items() if name in component.options.model_fields}
    choice = ComponentChoice(
        kind=kind, name=component.name, plugin="partner", version="0", options=options if kin else {}
    )
    context = suite.context_of(component) if kin else ComponentContext(torch.device(suite.device))
    return Registry.of({"partner": plugin_of(component)}).create(choice, context)


def named_detector(suite: type[ComponentConformance]) -> Detector | None:
    """The detector among a suite's ``partners``; None where it names none, and what is known of its clip is used."""
    named = any(partner.kind == "detector" for partner in suite.partners)
    return cast("Detector | None", make_partner(suite, "detector")) if named else None


def partner_or_fail(suite: type[ComponentConformance], kind: ComponentKind) -> object:
    """As `make_partner`, where the suite cannot do without.

    Raises:
        ConformanceError: there is none.
    """
    try:
        made = make_partner(suite, kind)
    except DpeError as error:
        require(False, f"its partner, a {kind}, cannot be made: {error}")
        raise
    family = family_of(suite.component) or "no family"
    require(made is not None, f"there is no {kind} of its family ({family}) to test with; name one in 'partners'")
    return made
