"""``dpe doctor``: what this machine can do."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from dpe_toolkit.cli.screen import help_text, note, print_table, say

__all__ = ["HELP", "run"]

HELP = help_text(
    "Show what this machine can do: device, codecs, plugins, model files.",
    "Every component is made once, which checks the files it needs. Exits with 1 where something is broken.",
    examples=("dpe doctor", "dpe doctor --json"),
)

_BROKEN = 1


def run(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs and bug reports.")] = False,
) -> None:
    """Looks at everything and prints it."""
    from dpe_toolkit.delivery.allowed import allowed_registry
    from dpe_toolkit.delivery.doctor import examine

    findings = examine(allowed_registry())
    if as_json:
        say(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        print_table(
            ("topic", "what", "state", "detail"),
            [(finding.topic, finding.name, finding.state, finding.detail) for finding in findings],
        )
    broken = [finding for finding in findings if finding.state == "broken"]
    for finding in broken:
        note(f"{finding.topic} {finding.name}: {finding.detail}", label="error", style="bold red")
    if broken:
        raise typer.Exit(_BROKEN)
