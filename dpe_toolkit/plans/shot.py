"""A shot: a run of output frames that show one image."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Self

from pydantic import Field

from dpe_toolkit.core.framemap import FrameMap
from dpe_toolkit.core.timing import Span
from dpe_toolkit.plans.edit import EditPlan
from dpe_toolkit.plans.former import Mix, below_of, inner_of, mix_of, warn_former
from dpe_toolkit.plans.images import Dissolve, Gap, Image, Over, Show, first_leaf, leaves_of, map_image, own_image
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.problems import Frozen
from dpe_toolkit.plans.take import Take

__all__ = ["GAP_NAME", "ShotPlan"]

GAP_NAME = "gap"
_START = FrameMap(start=Fraction(0))


class ShotPlan(Frozen):
    """One run of output frames that show one image: a take alone, takes that meet, or nothing.

    What is said of media and rows below is said of the take that the shot shows itself, without what that dissolves
    into or lies over; of a shot out of `leaves` it is all that is seen.
    """

    name: str
    record_start: int = Field(ge=0)
    """First output frame."""
    num_frames: int = Field(gt=0)
    image: Annotated[Show | Gap | Dissolve[Show] | Over[Show], Field(discriminator="kind")]
    skipped: int = Field(default=0, ge=0)
    """Frames before its first that `trim` has cut off."""

    @classmethod
    def of(cls, take: Take, record_start: int = 0) -> Self:
        """A shot that shows all of a take, and nothing else."""
        return cls(name=take.name, record_start=record_start, num_frames=take.num_frames, image=Show(take=take))

    @property
    def record(self) -> Span:
        """Output frames of the shot."""
        return Span(self.record_start, self.record_start + self.num_frames)

    @property
    def is_plain(self) -> bool:
        """True where a take, or nothing, is shown alone."""
        return isinstance(self.image, Show | Gap)

    def leaves(self) -> Iterator[ShotPlan]:
        """Every take that is shown in it, each as a shot of its own."""
        return (self.showing(show) for show in leaves_of(self.image))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what is seen: its own, or those of the takes that meet in it."""
        return tuple(dict.fromkeys(show.take.name for show in leaves_of(self.image))) or (self.name,)

    def showing(self, image: Image[Show]) -> ShotPlan:
        """A shot of the same frames that shows another image."""
        leaf = first_leaf(image)
        name = GAP_NAME if leaf is None else leaf.take.name
        return ShotPlan(
            name=name, record_start=self.record_start, num_frames=self.num_frames, image=image, skipped=self.skipped
        )

    def trim(self, span: Span) -> ShotPlan:
        """The part of the shot inside ``span`` of output frames, which must touch it."""
        kept = self.record.intersect(span)
        cut = kept.start - self.record_start
        image = map_image(
            self.image,
            lambda show: Show(take=show.take, start=show.start + cut),
            lambda start, step: (start + cut * step, step),
        )
        return ShotPlan(
            name=self.name, record_start=kept.start, num_frames=len(kept), image=image, skipped=self.skipped + cut
        )

    def shift(self, frames: int) -> ShotPlan:
        """The same shot, later in the output."""
        return self.model_copy(update={"record_start": self.record_start + frames})

    @property
    def show(self) -> Show | None:
        """The part of a take that it shows itself."""
        own = own_image(self.image)
        return own if isinstance(own, Show) else None

    @property
    def take(self) -> Take | None:
        """The take that it shows itself."""
        return None if self.show is None else self.show.take

    @property
    def source(self) -> MediaPlan | None:
        """The take's media; None where there is no take."""
        return None if self.take is None else self.take.source

    @property
    def clip_index(self) -> int | None:
        """As `Take.clip_index`."""
        return None if self.take is None else self.take.clip_index

    @property
    def edit(self) -> EditPlan | None:
        """The take's edit, with the driver's time at the lowest row that the shot shows as that of its start."""
        return None if self.take is None else self.take.edit_from(self.rows.start)

    @property
    def frame_map(self) -> FrameMap:
        """Media position of each output frame, counted from ``record_start``."""
        return _START if self.show is None else self.show.take.time.later(self.show.start)

    @property
    def source_start(self) -> int:
        """0-based frame of the media shown at ``record_start``."""
        return self.frame_map.frame(0)

    @property
    def media_frames(self) -> tuple[int, ...]:
        """The media frame of each output frame."""
        return self.frame_map.frames(Span(0, self.num_frames))

    @property
    def source_span(self) -> Span:
        """Media frames from the lowest to the highest shown."""
        return self.frame_map.covers(self.num_frames)

    @property
    def rows(self) -> Span:
        """The take's rows from the lowest to the highest shown."""
        show = self.show
        if show is None:
            return Span(0, self.num_frames)
        if show.take.held_rate is not None:
            return Span(show.start, show.start + self.num_frames)
        return self.source_span.shift(-show.take.source_span.start)

    @property
    def shown_rows(self) -> tuple[int, ...]:
        """The take's row of each output frame."""
        show = self.show
        if show is None:
            return tuple(range(self.num_frames))
        return show.take.shown_rows(Span(show.start, show.start + self.num_frames))

    @property
    def row_rate(self) -> Fraction:
        """As `Take.row_rate`."""
        return Fraction(1) if self.take is None else self.take.row_rate

    @property
    def held_rate(self) -> Fraction | None:
        """As `Take.held_rate`."""
        return None if self.take is None else self.take.held_rate

    @property
    def inner(self) -> ShotPlan | None:
        """Of schema 1: a tree whose image stands for media of its own."""
        warn_former("inner", "ShotPlan.image")
        return inner_of(self)

    @property
    def mix(self) -> Mix | None:
        """Of schema 1: the dissolve out of the shot."""
        warn_former("mix", "ShotPlan.image, which is a Dissolve then")
        return mix_of(self)

    @property
    def below(self) -> ShotPlan | None:
        """Of schema 1: what shows through."""
        warn_former("below", "ShotPlan.image, which is an Over then")
        return below_of(self)

    @property
    def time(self) -> FrameMap | None:
        """Of schema 1: ``frame_map``, None where frames follow each other."""
        warn_former("time", "ShotPlan.frame_map")
        return None if self.frame_map.is_plain else self.frame_map

    @property
    def alone(self) -> ShotPlan:
        """Of schema 1: the shot without what it meets."""
        warn_former("alone", "ShotPlan.leaves()")
        return self.showing(own_image(self.image))

    @property
    def whole(self) -> ShotPlan:
        """Of schema 1: the shot as the timeline has it, without what it meets."""
        warn_former("whole", "ShotPlan.take")
        return self._whole()

    @property
    def uncut(self) -> ShotPlan | None:
        """Of schema 1: the shot before `trim`, None if all of it is shown."""
        warn_former("uncut", "ShotPlan.take")
        whole = self._whole()
        return None if whole.record == self.record else whole

    def _whole(self) -> ShotPlan:
        show = self.show
        if show is None:
            return self.showing(own_image(self.image))
        return ShotPlan.of(show.take, max(0, self.record_start - show.start))
