"""From a timeline's file to the plan of its render, with every problem listed at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from dpe_toolkit import __version__
from dpe_toolkit.core.errors import nearest_names
from dpe_toolkit.editing.options import OptionValue, group_options
from dpe_toolkit.editing.settings import EditSettings
from dpe_toolkit.editing.stages import SHOT_KINDS
from dpe_toolkit.planning.components import check_targets
from dpe_toolkit.planning.driving import EditedShot
from dpe_toolkit.planning.edits import EditBuilder
from dpe_toolkit.planning.flatten import picture_clips
from dpe_toolkit.planning.layout import TimelineLayout
from dpe_toolkit.planning.media import Digest, MediaLibrary, Probe, clip_label
from dpe_toolkit.planning.picking import ComponentNames
from dpe_toolkit.planning.recover import FoundEdit, find_edits
from dpe_toolkit.planning.settings import read_project
from dpe_toolkit.planning.shots import PlacedTake, mark_edges, place_takes, plan_shots
from dpe_toolkit.planning.weights import WeightsPlaces
from dpe_toolkit.plans.edit import EditPlan
from dpe_toolkit.plans.model import Fit, Gaps, RenderPlan
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.plugins import Registry
from dpe_toolkit.timeline import Clip, TimelineDoc, read_sidecar, read_timeline, walk_clips

__all__ = ["build_plan"]


def build_plan(
    timeline: Path,
    *,
    registry: Registry,
    overrides: Iterable[OptionValue] = (),
    edit_overrides: EditSettings | None = None,
    components: ComponentNames | None = None,
    project: Path | None = None,
    media_roots: Sequence[Path] = (),
    unpack_dir: Path | None = None,
    weights: str | None = None,
    weights_dir: Path | None = None,
    fit: Fit | None = None,
    gaps: Gaps | None = None,
    probe: Probe | None = None,
    digest: Digest | None = None,
) -> RenderPlan:
    """The plan of a timeline; whatever is wrong with its content stands in ``problems``.

    Args:
        timeline: as `dpe_toolkit.timeline.read_timeline` takes it.
        registry: installed plugins.
        overrides: options of components, from the command line; the last of two for one option counts.
        edit_overrides: what the command line states of the edits.
        components: kind to component name, or to names, from the command line.
        project: configuration; None takes ``dpe.toml`` beside the timeline.
        media_roots: where to look for media that are not where the timeline says.
        unpack_dir: where media of an .otioz go; None means a folder beside it.
        weights: name or path of the weights for every component that takes some, from the command line.
        weights_dir: folder of imported weights, for those that are named.
        fit: how images of another size come into the frame; None takes the project's word, and so with ``gaps``.
        probe: reads a media file's headers; by default `dpe_toolkit.media.probe`.
        digest: content digest of a file; by default `dpe_toolkit.media.file_digest`.

    Raises:
        TimelineError: the timeline cannot be read at all.
    """
    doc = read_timeline(timeline, unpack_dir=unpack_dir)
    config, problems = read_project(project, timeline)
    sidecar, sidecar_problems = read_sidecar(timeline)
    roots = (*media_roots, *config.media.roots)
    library = MediaLibrary(doc.folders, roots=roots, resolve=registry.resolve_media, probe=probe, digest=digest)
    clips = picture_clips(doc.stack)
    found, edit_problems = find_edits(clips, sidecar)
    builder = EditBuilder(
        registry=registry,
        library=library,
        project=config,
        overrides=edit_overrides or EditSettings(),
        components=components or {},
        options=group_options(overrides),
        weights=WeightsPlaces(folder=weights_dir, base_dir=timeline.absolute().parent, named=weights),
    )
    layout = TimelineLayout(doc, clips, library, fit=fit or config.picture.fit)
    plan = _flatten(doc, layout, found, builder)
    problems = (*doc.problems, *problems, *sidecar_problems, *edit_problems, *_unseen_edits(found))
    problems += (*layout.problems.items, *library.problems, *builder.problems.items, *_check_names(plan, builder))
    shown = {"gaps": gaps or config.picture.gaps, "problems": tuple(dict.fromkeys(problems))}
    return _checked(plan.model_copy(update=shown), registry)


def _unseen_edits(found: Iterable[Clip]) -> list[Problem]:
    """Edited clips that have no length: nothing of them is left to say that they are not edited."""
    return [
        Problem(
            severity="warning",
            where=clip_label(clip.name),
            wrong="it has no length, so that its edit is seen nowhere",
            expected="a frame or more",
            action="give the clip a length, or take its edit out",
        )
        for clip in found
        if clip.range is not None and clip.range.duration_s == 0
    ]


def _checked(plan: RenderPlan, registry: Registry) -> RenderPlan:
    """The plan with what plugins find wrong with it."""
    return plan.model_copy(update={"problems": tuple(dict.fromkeys((*plan.problems, *registry.check_plan(plan))))})


def _flatten(
    doc: TimelineDoc, layout: TimelineLayout, found: Mapping[Clip, FoundEdit], builder: EditBuilder
) -> RenderPlan:
    """The plan, without problems."""
    flat = layout.flatten()
    places = {clip: place for place, clip in enumerate(walk_clips(doc.stack))}
    placed = place_takes(flat.runs, places, layout.rate)
    takes = mark_edges(placed, [_edit(one, found, builder, layout.rate) for one in placed])
    return RenderPlan(
        toolkit_version=__version__,
        timeline=doc.name,
        timeline_path=doc.path.absolute(),
        rate=layout.rate,
        width=layout.size_px[0],
        height=layout.size_px[1],
        start_frame=max(0, round((doc.global_start_s or Fraction(0)) * layout.rate)),
        fit=layout.fit,
        shots=tuple(plan_shots(flat, takes, layout.rate)),
        sound=flat.sound,
    )


def _edit(placed: PlacedTake, found: Mapping[Clip, FoundEdit], builder: EditBuilder, rate: Fraction) -> EditPlan | None:
    media, run = placed.run.media, placed.run.run
    own, drive = found.get(run.clip), run.drive(rate)
    if media is None or placed.take is None or (own is None and drive is None):
        return None
    return builder.build(
        EditedShot(run.clip, drive, own, media, placed.take, rate, placed.run.in_s, run.skip_s, run.line.speed)
    )


def _check_names(plan: RenderPlan, builder: EditBuilder) -> list[Problem]:
    """Components and options named outside the timeline that nothing can claim."""
    entries = [entry for kind in SHOT_KINDS for entry in builder.registry.components(kind).values()]
    families = {entry.component.name: entry.component.family for entry in entries if entry.component.family}
    installed = {name for entry in entries for name in (entry.component.name, entry.full_name)} | set(families.values())
    chosen = [choice for take in plan.takes if take.edit for choice in take.edit.choices]
    used = {name for choice in chosen for name in (choice.name, f"{choice.plugin}:{choice.name}")}
    used |= {families[name] for name in used if name in families}
    problems = check_targets(builder.project.options, installed, where="project file")
    problems += check_targets(builder.options, used or installed, where="command line")
    if builder.weights.named is not None and chosen and not any("weights" in choice.options for choice in chosen):
        problems.append(
            Problem(
                where="command line",
                wrong=f"weights {builder.weights.named!r} are given, and no shot's components take any",
                action="name a generator that has weights, or leave them out",
            )
        )
    problems += [
        Problem(
            where="command line",
            wrong=f"there is no kind of component {kind!r}",
            expected=nearest_names(kind, SHOT_KINDS),
            action="correct the kind",
        )
        for kind in builder.components
        if kind not in SHOT_KINDS
    ]
    return problems
