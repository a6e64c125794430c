"""Options of where and how the work is done, for `expand_options`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_toolkit.core.errors import OptionsError

if TYPE_CHECKING:
    from dpe_toolkit.delivery.render import ColourChoice

__all__ = ["MachineChoices"]

_WHERE = "Where it runs"
_COLOUR = "Colour"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineChoices:
    """Where and how the work is done."""

    device: Annotated[
        str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=_WHERE)
    ] = "auto"
    cache_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="DPE_CACHE_DIR",
            metavar="FOLDER",
            help="Where analysis results are kept, for the next render; by default the user's cache folder.",
            rich_help_panel=_WHERE,
        ),
    ] = None
    ocio: Annotated[
        str | None,
        typer.Option(
            metavar="CONFIG",
            help="OpenColorIO config, a file or ocio://NAME: faces are found and drawn in its --ocio-working space. "
            "Without it they see the encoded values as they are. What is not edited stays as it is either way.",
            rich_help_panel=_COLOUR,
        ),
    ] = None
    ocio_source: Annotated[
        str | None,
        typer.Option(
            metavar="SPACE",
            help="Colour space of the footage; by default what the config's rules say of its file name.",
            rich_help_panel=_COLOUR,
        ),
    ] = None
    ocio_working: Annotated[
        str | None,
        typer.Option(
            metavar="SPACE",
            help="Colour space or role that faces are shown in; by default the config's role color_picking.",
            rich_help_panel=_COLOUR,
        ),
    ] = None
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no summary.", rich_help_panel=_WHERE)
    ] = False

    @property
    def colour(self) -> ColourChoice | None:
        """How colours are shown to analysis and networks, None for the encoded values.

        Raises:
            OptionsError: a colour space without a config.
        """
        if self.ocio is None:
            if self.ocio_source is not None or self.ocio_working is not None:
                raise OptionsError("a colour space is named without a config", "--ocio CONFIG", "add it")
            return None
        from dpe_toolkit.delivery.render import ColourChoice

        return ColourChoice(self.ocio, self.ocio_source, self.ocio_working)
