"""One video: what its file can hold, and the render into it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dpe_toolkit import rendering
from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.delivery.choices import RunChoices
from dpe_toolkit.delivery.files import as_usage
from dpe_toolkit.delivery.plan import refuse_faults
from dpe_toolkit.editing.checking import read_model
from dpe_toolkit.media import (
    ENCODERS,
    WITH_PRESET,
    WITHOUT_QUALITY,
    CodecSupport,
    OutputSettings,
    choose_codec,
    written_codecs,
)
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.rendering import RenderRegistry, RenderReport
from dpe_toolkit.rendering.checks import check_output, output_problems

__all__ = ["RenderReport", "check_settings", "render_into", "settings_of", "usable_codecs", "write_video"]


def settings_of(given: OutputSettings | Mapping[str, object] | None) -> OutputSettings:
    """How to encode.

    Raises:
        OptionsError: a setting is none, or its value is not accepted.
    """
    if isinstance(given, OutputSettings):
        return given
    return read_model(OutputSettings, given or {}, action="correct the settings of the output")


def usable_codecs() -> list[CodecSupport]:
    """The codecs that this machine can write, in the order in which they are shown."""
    return [codec for codec in written_codecs() if codec.available]


def check_settings(output: Path, settings: OutputSettings) -> None:
    """Refuses settings that ``output`` cannot be encoded with.

    Raises:
        OptionsError: its suffix is unknown, or cannot hold the codec asked for, or the codec takes no such option.
    """
    with as_usage():
        codec = choose_codec(output, settings)
    for name, value, takers in (
        ("crf", settings.crf, ENCODERS.keys() - WITHOUT_QUALITY),
        ("preset", settings.preset, WITH_PRESET),
    ):
        if name in settings.model_fields_set and codec not in takers:
            raise OptionsError(
                f"--{name} {value} changes nothing of {codec}",
                f"a codec that takes it: {', '.join(sorted(takers))}",
                f"leave --{name} out, or choose another with --codec",
                path=output,
            )


def write_video(
    plan: RenderPlan, output: Path, *, registry: RenderRegistry, settings: OutputSettings, run: RunChoices
) -> RenderReport:
    """Renders the plan into ``output``, after everything was looked at that can be known before.

    Raises:
        PlanError: the plan has errors.
        OptionsError: the output cannot be written, or not as what was asked for.
        DpeError: whatever stops a render.
    """
    refuse_faults(plan, tell=run.tell)
    check_settings(output, settings)
    with as_usage():
        check_output(plan, output, settings)
        refuse_faults(plan.model_copy(update={"problems": output_problems(plan, output, settings)}), tell=run.tell)
    return render_into(plan, output, registry=registry, settings=settings, run=run)


def render_into(
    plan: RenderPlan, output: Path, *, registry: RenderRegistry, settings: OutputSettings, run: RunChoices
) -> RenderReport:
    """Renders a plan that was looked at before.

    Raises:
        DpeError: whatever stops a render.
    """
    return rendering.render_plan(
        plan,
        output,
        registry=registry,
        device=run.device,
        settings=settings,
        cache_dir=run.cache_folder,
        progress=run.progress,
        colour=run.colour,
    )
