"""What is done to one shot, with every name and number settled."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from pydantic import Field

from dpe_toolkit.core.framemap import ExactFraction
from dpe_toolkit.editing.keyframes import Key, PolygonKey
from dpe_toolkit.editing.settings import EditSettings, MatteEdge
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.problems import Frozen

__all__ = ["ComponentChoice", "EditPlan", "MattePlan"]


class ComponentChoice(Frozen):
    """A component picked by name, with every option spelled out."""

    kind: str
    name: str
    plugin: str
    version: str
    fingerprint: str = ""
    options: dict[str, object] = Field(default_factory=dict)
    origins: dict[str, str] = Field(default_factory=dict)
    """Where each option's value came from: ``default``, ``project``, ``effect`` or ``command line``."""
    weights: Path | None = None
    weights_named: dict[str, Path] = Field(default_factory=dict)
    """Option to file or folder, for options besides ``weights`` that name weights."""
    needs: tuple[str, ...] = ()
    """What it must be given, as its plugin states it; the analysis checks by it what a detector gave."""

    @property
    def provider(self) -> str:
        """Plugin and its version, as messages name them."""
        return f"{self.plugin} {self.version}".strip()

    @property
    def all_weights(self) -> dict[str, Path]:
        """Option to file or folder, ``weights`` included."""
        return {**({} if self.weights is None else {"weights": self.weights}), **self.weights_named}


class MattePlan(MatteEdge):
    """Where in the picture an edit may show: inside a polygon, or where a film is white."""

    polygons: tuple[PolygonKey, ...] = ()
    """In order, of equally many points; empty where ``media`` says it."""
    media: MediaPlan | None = None
    start: ExactFraction = Fraction(0)
    """Position in ``media``, in its frames, at the shot's first row."""
    step: ExactFraction = Fraction(1)
    """Frames of ``media`` in one row. Before its first and behind its last frame, that one holds."""


class EditPlan(EditSettings):
    """What is done to one shot: the settings that count, and what planning settles besides.

    ``regions`` names every region, and a face that is chosen by a picture has that picture's path.
    """

    id: str
    driver: MediaPlan
    driver_start_s: ExactFraction = Fraction(0)
    """Driver time, from the file's first frame, at the shot's first row."""
    retime: ExactFraction = Fraction(1)
    """Driver seconds that pass in one second of the shot's media; below 0 where these run against each other."""
    keys: dict[str, tuple[Key, ...]] = Field(default_factory=dict)
    """``expression``, ``pose`` or a region to its keys, in order, which go before the amount or weight of that name."""
    mattes: tuple[MattePlan, ...] = ()
    """Each takes its share away; none lets the edit show everywhere."""
    source_neutral_frame: int | None = None
    driver_neutral_frame: int | None = None
    starts_inside: bool = False
    """The same take runs without edit up to the shot's first frame, so that the edit must fade in."""
    ends_inside: bool = False
    """The same take runs on without edit behind the shot's last frame, so that the edit must fade out."""
    components: dict[str, ComponentChoice]
    """Kind to choice: each of `dpe_toolkit.editing.stages.KINDS`, and those optional ones that were chosen."""
    chains: dict[str, tuple[ComponentChoice, ...]] = Field(default_factory=dict)
    """Kind to choices in order, for each of `dpe_toolkit.editing.stages.CHAIN_KINDS` of which there are some."""
    origins: dict[str, str] = Field(default_factory=dict)
    """Where each of the fields above came from."""

    @property
    def choices(self) -> tuple[ComponentChoice, ...]:
        """Every component that takes part, those of lists included."""
        return (*self.components.values(), *(choice for chain in self.chains.values() for choice in chain))

    @property
    def changes_nothing(self) -> bool:
        """True where the amounts say that the picture must stay as it is."""
        weights = {region: self._most(region, weight) for region, weight in self.regions.items()}
        weightless = bool(weights) and not any(weights.values())
        expression, pose = self._most("expression", self.expression), self._most("pose", self.pose)
        return (expression == 0 or weightless) and pose == 0

    def _most(self, name: str, value: float) -> float:
        return max((key.value for key in self.keys.get(name, ())), default=value)
