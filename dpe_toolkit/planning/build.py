"""From a timeline's file to the plan of its render, with every problem listed at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from dpe_toolkit import __version__
from dpe_toolkit.components import KINDS
from dpe_toolkit.errors import nearest_names
from dpe_toolkit.plan import EditPlan, Problem, RenderPlan, ShotPlan
from dpe_toolkit.planning.components import check_targets, group_overrides
from dpe_toolkit.planning.driving import EditedShot
from dpe_toolkit.planning.edits import EditBuilder
from dpe_toolkit.planning.flatten import picture_clips
from dpe_toolkit.planning.layout import Cut, TimelineLayout
from dpe_toolkit.planning.media import Digest, MediaLibrary, Probe
from dpe_toolkit.planning.recover import FoundEdit, find_edits
from dpe_toolkit.planning.settings import EditSettings, read_project
from dpe_toolkit.planning.weights import WeightsPlaces
from dpe_toolkit.registry import Registry
from dpe_toolkit.timeline import Clip, TimelineDoc, check_model, read_sidecar, read_timeline

__all__ = ["build_plan"]


def build_plan(
    timeline: Path,
    *,
    registry: Registry,
    overrides: Mapping[tuple[str, str], object] | None = None,
    edit_overrides: Mapping[str, object] | None = None,
    components: Mapping[str, str] | None = None,
    project: Path | None = None,
    media_roots: Sequence[Path] = (),
    unpack_dir: Path | None = None,
    weights: str | None = None,
    weights_dir: Path | None = None,
    probe: Probe | None = None,
    digest: Digest | None = None,
) -> RenderPlan:
    """The plan of a timeline; whatever is wrong with its content stands in ``problems``.

    Args:
        timeline: .otio or .otioz file.
        registry: installed plugins.
        overrides: (component, option) to value, from the command line.
        edit_overrides: field of `EditSettings` to value, from the command line.
        components: kind to component name, from the command line.
        project: configuration; None takes ``dpe.toml`` beside the timeline.
        media_roots: where to look for media that are not where the timeline says.
        unpack_dir: where media of an .otioz go; None means a folder beside it.
        weights: name or path of the weights for every component that takes some, from the command line.
        weights_dir: folder of imported weights, for those that are named.
        probe: reads a media file's headers; by default `dpe_toolkit.video.probe`.
        digest: content digest of a file; by default `dpe_toolkit.video.file_digest`.

    Raises:
        TimelineError: the timeline cannot be read at all.
    """
    doc = read_timeline(timeline, unpack_dir=unpack_dir)
    config, problems = read_project(project, timeline)
    settings, setting_problems = check_model(
        EditSettings, edit_overrides or {}, where="command line", action="correct the option"
    )
    sidecar, sidecar_problems = read_sidecar(timeline)
    roots = (*media_roots, *config.media.roots)
    library = MediaLibrary(doc.folders, roots=roots, resolve=registry.resolve_media, probe=probe, digest=digest)
    clips = picture_clips(doc.stack)
    found, edit_problems = find_edits(clips, sidecar)
    builder = EditBuilder(
        registry=registry,
        library=library,
        project=config,
        overrides=settings or EditSettings(),
        components=components or {},
        options=group_overrides(overrides or {}),
        weights=WeightsPlaces(folder=weights_dir, base_dir=timeline.absolute().parent, named=weights),
    )
    layout = TimelineLayout(doc, clips, library)
    plan = _lay_out(doc, layout, found, builder)
    problems = (*doc.problems, *problems, *setting_problems, *sidecar_problems, *edit_problems)
    problems += (*layout.problems.items, *library.problems, *builder.problems.items, *_check_names(plan, builder))
    plan = plan.model_copy(update={"problems": tuple(dict.fromkeys(problems))})
    return plan.model_copy(update={"problems": tuple(dict.fromkeys((*plan.problems, *registry.check_plan(plan))))})


def _lay_out(
    doc: TimelineDoc, layout: TimelineLayout, found: Mapping[Clip, FoundEdit], builder: EditBuilder
) -> RenderPlan:
    """The plan, without problems."""
    cuts, num_frames = layout.cuts()
    edits = [_edit(cut, found, builder, layout.rate) for cut in cuts]
    return RenderPlan(
        toolkit_version=__version__,
        timeline=doc.name,
        timeline_path=doc.path.absolute(),
        rate=layout.rate,
        width=layout.size_px[0],
        height=layout.size_px[1],
        start_frame=max(0, round((doc.global_start_s or Fraction(0)) * layout.rate)),
        shots=tuple(_shots(cuts, edits, num_frames)),
    )


def _edit(cut: Cut, found: Mapping[Clip, FoundEdit], builder: EditBuilder, rate: Fraction) -> EditPlan | None:
    own = found.get(cut.piece.clip)
    if cut.media is None or (own is None and cut.piece.drive is None):
        return None
    return builder.build(EditedShot(cut.piece, own, cut.media, cut.source_span, rate))


def _shots(cuts: Sequence[Cut], edits: Sequence[EditPlan | None], num_frames: int) -> Iterable[ShotPlan]:
    """The shots in output order, holes filled with black."""
    names = _unique_names(cut.piece.clip for cut in cuts)
    position = 0
    for number, cut in enumerate(cuts):
        if cut.record.start > position:
            yield _gap(position, cut.record.start)
        edit = edits[number]
        if edit is not None:
            before = number > 0 and edits[number - 1] is None and _runs_on(cuts[number - 1], cut)
            behind = number + 1 < len(cuts) and edits[number + 1] is None and _runs_on(cut, cuts[number + 1])
            edit = edit.model_copy(update={"starts_inside": before, "ends_inside": behind})
        yield ShotPlan(
            name=names[cut.piece.clip],
            record_start=cut.record.start,
            num_frames=len(cut.record),
            source=cut.media.plan if cut.media is not None else None,
            source_start=cut.source_start,
            edit=edit,
        )
        position = cut.record.stop
    if num_frames > position:
        yield _gap(position, num_frames)


def _gap(start: int, stop: int) -> ShotPlan:
    return ShotPlan(name="gap", record_start=start, num_frames=stop - start, source=None)


def _runs_on(first: Cut, second: Cut) -> bool:
    """The second cut goes on where the first one ends, as if there were no cut."""
    joined = first.record.stop == second.record.start and first.source_span.stop == second.source_start
    same = first.media is not None and second.media is not None and first.media.plan.path == second.media.plan.path
    return joined and same


def _unique_names(clips: Iterable[Clip]) -> dict[Clip, str]:
    """A name for each clip: its own, with ``#2`` behind it at the second clip of that name."""
    seen: dict[str, int] = {}
    names: dict[Clip, str] = {}
    for clip in dict.fromkeys(clips):
        name = clip.name or "clip"
        seen[name] = seen.get(name, 0) + 1
        names[clip] = name if seen[name] == 1 else f"{name}#{seen[name]}"
    return names


def _check_names(plan: RenderPlan, builder: EditBuilder) -> list[Problem]:
    """Components and options named outside the timeline that nothing can claim."""
    entries = [entry.component for kind in KINDS for entry in builder.registry.components(kind).values()]
    families = {entry.name: entry.family for entry in entries if entry.family}
    installed = {entry.name for entry in entries} | set(families.values())
    chosen = [choice for shot in plan.shots if shot.edit for choice in shot.edit.components.values()]
    used = {choice.name for choice in chosen}
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
            expected=nearest_names(kind, KINDS),
            action="correct the kind",
        )
        for kind in builder.components
        if kind not in KINDS
    ]
    return problems
