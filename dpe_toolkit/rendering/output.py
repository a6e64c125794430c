"""The format of the output: what holds all of its sources, and what of them a codec cannot hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import ColorInfo, PixelLayout
from dpe_toolkit.media import (
    CodecName,
    HdrInfo,
    MediaInfo,
    OutputSettings,
    choose_codec,
    fit_format,
    joined_layout,
    with_alpha,
    without_alpha,
)
from dpe_toolkit.media.color import color_name, same_light, same_meaning
from dpe_toolkit.media.write.output_format import check_container, lossless_codecs, unmet_wishes
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.rendering.readers import probe_media

__all__ = ["CommonFormat", "common_format", "format_problems"]

_BLACK_LAYOUT = PixelLayout("yuv420p", "yuv", 8, (1, 1))
_BLACK_COLOR = ColorInfo(matrix=1, transfer=1, primaries=1, range=1, chroma_location=1)


@dataclass(frozen=True, slots=True)
class CommonFormat:
    """What the frames of the output are, before a codec has its say."""

    layout: PixelLayout
    color: ColorInfo
    sample_aspect: Fraction
    hdr: HdrInfo | None = None
    """HDR metadata that all sources have in common."""


def common_format(plan: RenderPlan) -> CommonFormat:
    """Planes that hold every source: the deepest values and the finest colour of all. Tags are the first source's.

    Alpha is kept where a transparent image is shown alone, or where nothing is to be transparent.
    """
    uses = [(use, probe_media(use.media)) for use in plan.source_uses]
    infos = [info for _, info in uses]
    if not infos:
        layout = _BLACK_LAYOUT
        return CommonFormat(_transparent(layout, plan), _BLACK_COLOR, Fraction(1))
    layout = joined_layout([info.layout for info in infos])
    if not any(info.layout.alpha and use.alone for use, info in uses):
        layout = without_alpha(layout)
    shared = infos[0].hdr if all(info.hdr == infos[0].hdr for info in infos) else None
    return CommonFormat(_transparent(layout, plan), infos[0].color, infos[0].sample_aspect, shared)


def _transparent(layout: PixelLayout, plan: RenderPlan) -> PixelLayout:
    return with_alpha(layout) if plan.gaps == "transparent" else layout


def format_problems(plan: RenderPlan, output: Path, settings: OutputSettings) -> tuple[Problem, ...]:
    """What an output cannot hold of the sources, and sources that do not go together.

    Losses are warnings, or errors where the settings want strict colour. Frames of PQ, HLG or wide primaries
    beside ordinary ones are errors: nothing here converts between them.

    Args:
        plan: the plan, without errors of its own.
        output: the file or folder to be written.
        settings: how it is encoded.

    Raises:
        MediaError: the output's name and codec do not go together.
    """
    codec = choose_codec(output, settings)
    common = common_format(plan)
    found = list(_strangers(plan, common))
    try:
        check_container(output, codec, common.sample_aspect)
    except MediaError as error:
        found.append(Problem(where=str(output), wrong=error.wrong, expected=error.expected, action=error.action))
    size = (plan.width, plan.height)
    fitted = fit_format(codec, common.layout, common.color, size, settings)
    losses = fitted.losses
    if wishes := unmet_wishes(common.layout, fitted.layout, settings):
        wrong = f"{', '.join(wishes)}: the sources have no more"
        action = "leave the wish out, or choose a codec that always has as much"
        found.append(Problem(severity="warning", where=str(output), wrong=wrong, action=action))
    dropped = tuple(_dropped_hdr(plan, common, codec))
    if losses or dropped:
        holders = lossless_codecs(common.layout, common.color, size, settings)
        keep = " or ".join(name for name in holders if not any(_dropped_hdr(plan, common, name)))
        losses += dropped
        action = f"to keep them, choose {keep}" if keep else "no codec that is written here keeps all of them"
        found.append(
            Problem(
                severity="error" if settings.strict_colour else "warning",
                where=str(output),
                wrong=f"{codec} cannot hold what the source has: {', '.join(losses)}",
                action=action,
            )
        )
    return tuple(found)


def _dropped_hdr(plan: RenderPlan, common: CommonFormat, codec: CodecName) -> Iterator[str]:
    """HDR metadata of the sources that an output will not have."""
    found = [info.hdr for _, info in _sources(plan) if info.hdr is not None]
    if any(hdr.is_static for hdr in found) and (common.hdr is None or codec != "h265"):
        yield "the mastering display and light levels of HDR10 are dropped"
    for kind in dict.fromkeys(kind for hdr in found for kind in hdr.dynamic):
        yield f"the metadata of {kind} is dropped"


def _strangers(plan: RenderPlan, common: CommonFormat) -> Iterator[Problem]:
    for name, info in _sources(plan):
        if not same_light(info.color, common.color):
            yield Problem(
                where=f"shot {name!r}",
                wrong=f"its colour is {color_name(info.color)}, that of the output {color_name(common.color)}, "
                "and nothing here converts between them",
                expected="shots of one curve and one set of primaries",
                action="convert its media first, or render it by itself with --shot",
            )
        elif info.sample_aspect != common.sample_aspect:
            yield Problem(
                where=f"shot {name!r}",
                wrong=f"its pixels have the shape {info.sample_aspect}, those of the output {common.sample_aspect}",
                expected="pixels of one shape",
                action="convert its media first, or render it by itself with --shot",
            )
        elif info.layout.family != common.layout.family or not same_meaning(info.color, common.color, info.layout):
            yield Problem(
                severity="warning",
                where=f"shot {name!r}",
                wrong=f"its pixels ({info.layout.name}, {color_name(info.color)}) are converted to those of the output "
                f"({common.layout.name}, {color_name(common.color)}), which rounds them",
            )


def _sources(plan: RenderPlan) -> Iterator[tuple[str, MediaInfo]]:
    """Every source once, with the first shot that shows it, in output order."""
    seen: set[Path] = set()
    for shot in plan.leaves():
        if shot.source is not None and shot.source.path not in seen:
            seen.add(shot.source.path)
            yield shot.name, probe_media(shot.source)
