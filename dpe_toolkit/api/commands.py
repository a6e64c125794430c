"""What a command of a plugin is made of, so that it reads, speaks and fails as the toolkit's own do.

A plugin adds commands by the hook ``dpe_register_commands(app)``, where ``app`` is a `typer.Typer`. The hook runs when
somebody asks ``dpe`` for help or for a command that is not the toolkit's own; import in it, and import what is heavy in
the command itself.

- Words: results go to standard output by `say` and `print_table`; everything else, to standard error, by `note`.
- Faults: raise an error of `dpe_toolkit.api`. `OptionsError` ends with exit code 2 and says that what was asked for is
  wrong and nothing was started; every other with 1. Nobody sees a traceback without ``--debug``.
- Progress: `counted_frames` for one loop over frames, `ProgressBars` where a function tells a progress sink.

Importing it loads neither torch nor PyAV nor OpenTimelineIO.
"""

from __future__ import annotations

from dpe_toolkit.cli.choices import WeightsDirOption
from dpe_toolkit.cli.counting import counted_frames
from dpe_toolkit.cli.expansion import expand_options
from dpe_toolkit.cli.progress import ProgressBars
from dpe_toolkit.cli.screen import help_text, note, notes_console, print_problems, print_table, say
from dpe_toolkit.delivery.allowed import allowed_registry
from dpe_toolkit.delivery.files import as_usage, refuse_output
from dpe_toolkit.delivery.folders import user_cache_dir, user_data_dir
from dpe_toolkit.delivery.ranges import parse_assignments

__all__ = [
    "ProgressBars",
    "WeightsDirOption",
    "allowed_registry",
    "as_usage",
    "counted_frames",
    "expand_options",
    "help_text",
    "note",
    "notes_console",
    "parse_assignments",
    "print_problems",
    "print_table",
    "refuse_output",
    "say",
    "user_cache_dir",
    "user_data_dir",
]
