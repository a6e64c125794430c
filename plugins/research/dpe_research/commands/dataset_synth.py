"""``dpe dataset synth``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from dpe_toolkit.api import OptionsError
from dpe_toolkit.api.commands import counted_frames, help_text, note

__all__ = ["HELP", "run"]

Repertoire: TypeAlias = Literal["all", "strong"]

HELP = help_text(
    "Render a set of synthetic faces whose pose, expression and mesh are known exactly.",
    "Each person is shown with every expression in every pose, so that what an edit should have given exists as a "
    "picture. Training learns from it and evaluation measures on it; it claims no realism. Stop it at any time: the "
    "same command goes on where it stopped, and with larger numbers of people it adds to the set.",
    examples=(
        "dpe dataset synth -o synthetic",
        "dpe dataset synth -o small --repertoire strong --reach 0.6 --face-size 0.8",
        "dpe dataset synth -o large --identities 400 --size 256 --jobs 8",
        "dpe dataset show synthetic -o sheet.png",
    ),
)


def run(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the set.")],
    identities: Annotated[int, typer.Option(min=0, max=99999, metavar="N", help="People to train on.")] = 48,
    test_identities: Annotated[
        int, typer.Option(min=0, max=99999, metavar="N", help="Further people, held out for evaluation.")
    ] = 8,
    poses: Annotated[
        int, typer.Option(min=1, max=1000, metavar="P", help="Poses of each person; the first is frontal.")
    ] = 9,
    expressions: Annotated[
        int, typer.Option(min=1, max=1000, metavar="E", help="Expressions of each person; the first is neutral.")
    ] = 9,
    size: Annotated[int, typer.Option(min=16, max=1024, metavar="PX", help="Side of the pictures.")] = 64,
    reach: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            metavar="R",
            help="How far heads turn and move; 1 turns them by up to 30, 20 and 15 degrees.",
        ),
    ] = 1.0,
    face_size: Annotated[
        float, typer.Option(min=0.2, max=0.8, metavar="W", help="Usual width of the face, in widths of the picture.")
    ] = 0.54,
    repertoire: Annotated[
        Repertoire, typer.Option(help="Expressions: all, or the nine kinds that small pictures still show.")
    ] = "all",
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, help="Another seed gives other people, poses and expressions.")
    ] = 0,
    jobs: Annotated[int, typer.Option(min=1, max=256, metavar="N", help="Processes.")] = 2,
) -> None:
    """Renders what is missing, and says what the set holds."""
    from dpe_research.dataset.synth.making import make_synthetic
    from dpe_research.dataset.synth.settings import SynthSettings, people

    settings = SynthSettings(
        seed=seed,
        poses=poses,
        expressions=expressions,
        size_px=size,
        reach=reach,
        face_size=face_size,
        repertoire=repertoire,
    )
    everybody = people(settings, identities, test_identities)
    if not everybody:
        raise OptionsError(
            "a set of no people is asked for", "--identities or --test-identities above 0", "correct one of them"
        )
    with counted_frames("render", len(everybody) * poses * expressions) as advanced:
        try:
            index = make_synthetic(output, settings, everybody, jobs=jobs, advanced=advanced)
        except KeyboardInterrupt as interrupt:
            note(f"stopped; the same command goes on in {output}", label="interrupted", style="yellow")
            raise typer.Exit(1) from interrupt
    frames = sum(clip.num_frames for clip in index.clips)
    note(f"{output} ({len(index.clips)} people, {frames} pictures)", label="wrote", style="green")
