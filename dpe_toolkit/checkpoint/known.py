"""Published weights that the toolkit knows of, and how their publishers license them."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from dpe_toolkit.checkpoint.reading import WeightsFormat

__all__ = ["KNOWN_WEIGHTS", "KnownWeights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWeights:
    """One published file."""

    name: str
    summary: str
    source: str
    """Page of its publisher."""
    licence: str
    """What the publisher says, in short; nothing is granted by its standing here."""
    format: WeightsFormat
    address: str | None = None
    """Where the file itself lies, None where only a page for people is known."""
    sha256: str | None = None
    """None where no digest was published or measured."""


_ENTRIES = (
    KnownWeights(
        name="dpe",
        summary="Released generator of the DPE paper (dpe.pt), 256 px.",
        source="https://github.com/OpenTalker/DPE",
        licence="code MIT; its README allows personal, research and non-commercial use only",
        format="released",
    ),
    KnownWeights(
        name="lia-vox",
        summary="LIA trained on VoxCeleb (vox.pt), which initialises training.",
        source="https://github.com/wyhsirius/LIA",
        licence="code MIT; nothing is stated for the weights",
        format="lia",
    ),
)
KNOWN_WEIGHTS = MappingProxyType({entry.name: entry for entry in _ENTRIES})
"""By name."""
