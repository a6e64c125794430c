"""What motion extractors promise."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import ClassVar, cast

import numpy as np
import torch

from dpe_toolkit.analysis import window_shape
from dpe_toolkit.editing.handover import taken_codes
from dpe_toolkit.editing.pipeline import Guarded, retarget
from dpe_toolkit.editing.protocols import Detector, MotionExtractor
from dpe_toolkit.editing.stages import ComponentKind
from dpe_toolkit.face.codes import MixRequest, MotionCode, MotionTrack
from dpe_toolkit.face.tracks import FaceBatch
from dpe_toolkit.testing.conformance.comparing import differing, differing_rows, require, snapshot
from dpe_toolkit.testing.conformance.filming import Filmed, make_partner, moved, seen_by
from dpe_toolkit.testing.conformance.suite import ComponentConformance, Rows

__all__ = ["MotionConformance"]

_HIDDEN = (2, 3)


class MotionConformance(ComponentConformance):
    """Conformance of a motion extractor, over the landmarks of a detector: one of ``partners``, else the default."""

    kind: ClassVar[ComponentKind] = "motion"
    also_on: ClassVar[tuple[str, ...]] = ("cpu",)

    @classmethod
    @cache
    def filmed(cls, role: str = "source") -> Filmed:
        """The source or driver clip in windows of the shape that the extractor asks for."""
        clip = cls.source_clip() if role == "source" else cls.driver_clip()
        detector = cast("Detector | None", make_partner(cls, "detector"))
        return seen_by(detector, clip, window_shape(cls.made()), device=torch.device(cls.device))

    @classmethod
    @cache
    def track(cls, role: str = "source") -> MotionTrack:
        """The motion of the source or driver clip."""
        return moved(cls.extractor(), cls.filmed(role))

    @classmethod
    def extractor(cls) -> MotionExtractor:
        """The component."""
        return cast("MotionExtractor", cls.made())

    def inputs(self, rows: Rows) -> tuple[object, ...]:
        """Faces, with pixels where they are needed."""
        filmed = self.filmed()
        return (filmed.for_extractor(self.extractor(), rows),)

    def call(self, made: object, *inputs: object) -> object:
        """``extract``."""
        (faces,) = cast("tuple[FaceBatch]", inputs)
        return cast("MotionExtractor", made).extract(faces)

    def mixed(self, expression: torch.Tensor, pose: torch.Tensor, **more: object) -> MotionCode:
        """The source's codes mixed with the driver's, row by row."""
        driver = self.track("driver")
        request = MixRequest(expression, pose, **more)  # type: ignore[arg-type] # fields by name
        return retarget(Guarded(self.extractor()), self.track(), driver, driver.codes, request)

    def sample(self) -> object:
        """Codes, both tracks, and a mix."""
        whole = torch.ones(self.num_rows)
        return self.run(), self.track(), self.track("driver"), self.mixed(whole, whole)

    def test_codes_are_of_the_space_that_is_stated(self) -> None:
        """The space of what it gives is the one that planning was told."""
        got, wanted = cast("MotionCode", self.run()).space, self.code_space()
        require(wanted is None or got == wanted, f"extract() gives codes of {got.id!r}, its Component says {wanted}")

    def test_codes_are_float32(self) -> None:
        """Expression and pose are float32."""
        codes = cast("MotionCode", self.run())
        found = {codes.expression.dtype, codes.pose.dtype}
        require(found == {torch.float32}, f"codes are {found}, expected torch.float32")

    def test_a_settled_track_has_a_row_a_frame_and_one_neutral(self) -> None:
        """T rows of codes, one neutral row, ``present`` and ``start`` as in the track."""
        motion, track = self.track(), self.filmed().track
        require(len(motion) == len(track), f"settle() gives {len(motion)} rows for {len(track)} frames")
        require(len(motion.neutral) == 1, f"settle() gives {len(motion.neutral)} neutral rows, expected one")
        require(np.array_equal(motion.present, track.present), "settle() changes which frames show the face")
        require(motion.start == int(track.index[0]), f"settle() starts at {motion.start}, the track does not")

    def test_a_frame_that_a_person_names_is_the_neutral(self) -> None:
        """Two named rows of different faces give different neutrals, unless all faces are alike."""
        extractor, filmed = self.extractor(), self.filmed("driver")
        faces = filmed.for_extractor(extractor, self.rows)
        codes = taken_codes("extract()", extractor.extract(faces), len(faces))
        first, middle = (extractor.settle(codes, filmed.track, filmed.frames.rate, row) for row in (0, 3))
        require(len(first.neutral) == 1, "settle() gives no neutral for a named row")
        apart = differing(first.neutral, middle.neutral)
        require(apart, "settle() takes no notice of the row that is named as neutral")

    def test_gaps_are_bridged_whatever_their_rows_hold(self) -> None:
        """Rows in which the face was not seen may hold anything, NaN too, and come out finite."""
        extractor, filmed = self.extractor(), self.filmed()
        codes = taken_codes("extract()", cast("MotionCode", self.run()), self.num_rows)
        expression, pose = codes.expression.clone(), codes.pose.clone()
        expression[list(_HIDDEN)] = pose[list(_HIDDEN)] = float("nan")
        present = np.ones(len(filmed.track), np.bool_)
        present[list(_HIDDEN)] = False
        track = replace(filmed.track, present=present)
        settled = extractor.settle(MotionCode(codes.space, expression, pose), track, filmed.frames.rate, None)
        for name, values in (("expression", settled.codes.expression), ("pose", settled.codes.pose)):
            require(bool(values.isfinite().all()), f"{name} of a bridged gap is not finite; read only present rows")
        require(bool(settled.neutral.expression.isfinite().all()), "a gap makes the neutral not finite")

    def test_amounts_of_0_keep_the_sources_codes(self) -> None:
        """Where both amounts of a row are 0, its codes are the source's to the last bit, whatever other rows ask."""
        own = self.track().codes
        for mode in ("absolute", "relative"):
            amounts = torch.ones(self.num_rows)
            amounts[::2] = 0
            codes = self.mixed(amounts, torch.zeros(self.num_rows), mode=mode)
            still = np.arange(0, self.num_rows, 2)
            apart = differing(own.take(still), codes.take(still))
            require(not apart, f"{mode}: rows of amount 0 are not the source's own codes: {apart}")

    def test_an_amount_of_1_takes_the_drivers_expression(self) -> None:
        """A driver who acts changes the expression code of some row."""
        codes = self.mixed(torch.ones(self.num_rows), torch.zeros(self.num_rows))
        require(differing(self.track().codes, codes), "an amount of 1 changes nothing, though the driver's jaw drops")

    def test_mixing_leaves_both_tracks_as_they_were(self) -> None:
        """Tracks belong to the caller."""
        tracks = (self.track(), self.track("driver"))
        before = snapshot(tracks)
        self.mixed(torch.ones(self.num_rows), torch.ones(self.num_rows))
        changed = differing_rows(before, snapshot(tracks), 0.0)
        require(not changed, f"mix() changes what it is given: {changed}")
