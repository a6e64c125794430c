"""From what a clip asks for to the edit of one shot, with every name and number settled."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fractions import Fraction

from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.settings import EditSettings, layer_settings
from dpe_toolkit.face.regions import REGIONS
from dpe_toolkit.planning.components import (
    IDENTITY,
    ChosenComponents,
    Options,
    choose_components,
    choose_identity,
)
from dpe_toolkit.planning.driving import Driven, EditedShot, check_length, find_driver, seconds_in
from dpe_toolkit.planning.identity import resolve_faces
from dpe_toolkit.planning.intervals import Drive
from dpe_toolkit.planning.keyed import build_keys, build_mattes
from dpe_toolkit.planning.media import KnownMedia, MediaLibrary, clip_label, media_origin_s
from dpe_toolkit.planning.picking import ComponentNames
from dpe_toolkit.planning.problems import ProblemList
from dpe_toolkit.planning.settings import ProjectConfig
from dpe_toolkit.planning.weights import WeightsPlaces
from dpe_toolkit.plans.edit import ComponentChoice, EditPlan
from dpe_toolkit.plugins import Registry
from dpe_toolkit.timeline import EffectSpec, MediaMoment, parse_effect

__all__ = ["EditBuilder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditBuilder:
    """Settles edits one by one; ``problems`` fills as it goes."""

    registry: Registry
    library: MediaLibrary
    project: ProjectConfig
    overrides: EditSettings
    """Settings from the command line."""
    components: ComponentNames
    """Kind to name, or to names, from the command line."""
    options: Options
    """Component options from the command line."""
    weights: WeightsPlaces = field(default_factory=WeightsPlaces)
    """Where weights are looked for."""
    problems: ProblemList = field(default_factory=ProblemList)

    def build(self, shot: EditedShot) -> EditPlan | None:
        """The edit of one shot, None where it lacks what no default can replace."""
        spec = self._spec(shot)
        if spec is None:
            return None
        layers = {"project": self.project.edit, "effect": spec.settings, "command line": self.overrides}
        settings, origins = layer_settings(layers)
        if not settings.consent.strip():
            action = "say in 'consent' (--consent) what the person shown agreed to"
            self.problems.warn(shot.where, "nothing is stated about consent", action)
        chosen = self._choose(spec, shot)
        driven = find_driver(shot, spec, self.library, self.problems)
        if driven is None:
            return None
        check_length(driven, shot, settings.when_short, self.problems)
        faces = resolve_faces(settings, self.library, self.problems, where=shot.where)
        identity, named_by = self._identity(spec, shot) if faces else ({}, {})
        regions = {region: settings.regions.get(region, 1.0) for region in REGIONS}
        # Every part is a model that was checked where it came in: nothing is checked again here.
        return EditPlan.model_construct(
            **dict(settings.model_copy(update={"regions": regions, **faces})),
            id=spec.id,
            driver=driven.media.plan,
            driver_start_s=driven.start_s,
            retime=driven.retime,
            source_neutral_frame=self._source_neutral(shot, spec),
            driver_neutral_frame=self._driver_neutral(shot, driven, spec),
            keys=build_keys(spec, shot, self.problems),
            mattes=build_mattes(spec, shot, self.library, self.problems),
            components=chosen.choices | identity,
            chains=chosen.chains,
            origins={**origins, **_timeline_origins(spec, shot), **chosen.origins, **named_by},
        )

    def _spec(self, shot: EditedShot) -> EffectSpec | None:
        """The clip's own effect, else that of the driver clip, else one of defaults."""
        drive = shot.drive
        if shot.found is not None or drive is None:
            return shot.found.spec if shot.found is not None else None
        records = [effect for effect in drive.clip.effects if effect.kind == "dpe"]
        metadata = {"id": _derived_id(shot, drive), **(records[0].metadata if records else {})}
        spec, problems = parse_effect(metadata, where=f"driver {clip_label(drive.clip.name)}")
        self.problems.items.extend(problems)
        return spec

    def _layers(self, spec: EffectSpec) -> tuple[dict[str, ComponentNames], dict[str, Options]]:
        """Names of components by kind, and options by component, by their origins, the weakest first."""
        names: dict[str, ComponentNames] = {
            "default": self.registry.defaults,
            "project": self.project.components,
            "effect": spec.components,
            "command line": self.components,
        }
        options: dict[str, Options] = {
            "project": self.project.options,
            "effect": spec.options,
            "command line": self.options,
        }
        return names, options

    def _identity(self, spec: EffectSpec, shot: EditedShot) -> tuple[dict[str, ComponentChoice], dict[str, str]]:
        """What tells who a face is, by its kind, and where its name came from."""
        names, options = self._layers(spec)
        choice, faults = choose_identity(self.registry, names, options, where=shot.where, weights=self.weights)
        self.problems.items.extend(faults)
        if choice is None:
            return {}, {}
        origin = [origin for origin, layer in names.items() if IDENTITY in layer][-1:] or ["default"]
        return {IDENTITY: choice}, {f"components.{IDENTITY}": origin[0]}

    def _choose(self, spec: EffectSpec, shot: EditedShot) -> ChosenComponents:
        names, options = self._layers(spec)
        chosen = choose_components(self.registry, names, options, where=shot.where, weights=self.weights)
        self.problems.items.extend(chosen.problems)
        return chosen

    def _source_neutral(self, shot: EditedShot, spec: EffectSpec) -> int | None:
        moment, media, clip = spec.neutral.source, shot.source, shot.clip
        if moment is None:
            return None
        stated_s = clip.media.available.start_s if clip.media.available is not None else None
        first_s = clip.range.start_s if clip.range is not None else moment.seconds
        origin_s = media_origin_s(stated_s, first_s, media.plan)
        return self._neutral(moment, media, origin_s, shot.source_span, where=shot.where)

    def _driver_neutral(self, shot: EditedShot, driven: Driven, spec: EffectSpec) -> int | None:
        if spec.neutral.driver is None:
            return None
        allowed = Span(0, driven.media.plan.num_frames)
        where = f"driver of {shot.where}"
        return self._neutral(spec.neutral.driver, driven.media, driven.origin_s, allowed, where=where)

    def _neutral(
        self, moment: MediaMoment, media: KnownMedia, origin_s: Fraction, allowed: Span, *, where: str
    ) -> int | None:
        seconds = seconds_in(moment, media, origin_s, where=where, problems=self.problems)
        if seconds is None:
            return None
        frame = round(seconds * media.plan.rate)
        if frame in allowed:
            return frame
        self.problems.refuse(
            where,
            f"the neutral frame is {frame} of {media.plan.path.name!r}",
            f"a frame from {allowed.start} to {allowed.stop - 1}",
            "correct 'neutral' in the effect",
        )
        return None


def _timeline_origins(spec: EffectSpec, shot: EditedShot) -> dict[str, str]:
    """Where the fields came from that only a timeline can state."""
    tracked = shot.drive is not None
    by = "driver track" if tracked else shot.found.by if shot.found is not None else "effect"
    stated = spec.driving.model_fields_set if spec.driving is not None else set()
    origins: dict[str, str] = {"driver": by}
    origins["driver_start_s"] = by if tracked or "start" in stated else "default"
    origins["retime"] = by if "retime" in stated and not tracked else "default"
    origins |= {name: "effect" for name in ("keys", "mattes") if getattr(spec, name)}
    for role in ("source", "driver"):
        origins[f"{role}_neutral_frame"] = "default" if getattr(spec.neutral, role) is None else "effect"
    return origins


def _derived_id(shot: EditedShot, drive: Drive) -> str:
    """An id that stays the same from plan to plan for an edit that a driver track alone describes."""
    text = f"{shot.clip.media.url}|{shot.source_span.start}|{drive.clip.media.url}"
    return hashlib.sha256(text.encode()).hexdigest()[:8]
