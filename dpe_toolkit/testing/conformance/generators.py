"""What generators promise."""

from __future__ import annotations

from functools import cache
from typing import ClassVar, cast

import numpy as np
import torch

from dpe_toolkit.analysis import window_shape
from dpe_toolkit.editing.handover import taken_over
from dpe_toolkit.editing.pipeline import Guarded, retarget
from dpe_toolkit.editing.protocols import (
    Detector,
    Encoder,
    Generated,
    GenerateRequest,
    Generator,
    MotionExtractor,
    ShotGenerator,
    ShotMaterial,
)
from dpe_toolkit.editing.stages import ComponentKind
from dpe_toolkit.face.codes import MixRequest, MotionTrack
from dpe_toolkit.testing.conformance.comparing import differing, differing_rows, require, snapshot
from dpe_toolkit.testing.conformance.filming import Filmed, make_partner, moved, partner_or_fail, seen_by
from dpe_toolkit.testing.conformance.suite import ComponentConformance, Rows

__all__ = ["GeneratorConformance"]

_LOWEST, _HIGHEST = -1.0, 2.0


class GeneratorConformance(ComponentConformance):
    """Conformance of a generator, with the encoder and motion extractor of its family and a detector."""

    kind: ClassVar[ComponentKind] = "generator"
    amounts: ClassVar[tuple[float, float]] = (1.0, 1.0)
    """Shares of the driver's expression and pose that are sure to change a picture."""

    @classmethod
    @cache
    def encoder(cls) -> Encoder:
        """The encoder of its family."""
        return cast("Encoder", partner_or_fail(cls, "encoder"))

    @classmethod
    @cache
    def extractor(cls) -> MotionExtractor:
        """The motion extractor of its family."""
        return cast("MotionExtractor", partner_or_fail(cls, "motion"))

    @classmethod
    @cache
    def filmed(cls, role: str = "source", *, by: str = "encoder") -> Filmed:
        """The source or driver clip in windows of the shape that the encoder, or the motion extractor, asks for."""
        clip = cls.source_clip() if role == "source" else cls.driver_clip()
        detector = cast("Detector | None", make_partner(cls, "detector"))
        shape = window_shape(cls.encoder() if by == "encoder" else cls.extractor())
        return seen_by(detector, clip, shape, device=torch.device(cls.device))

    @classmethod
    @cache
    def motion(cls, role: str = "source") -> MotionTrack:
        """The motion of the source or driver clip."""
        return moved(cls.extractor(), cls.filmed(role, by="motion"))

    def material(self, share: torch.Tensor) -> ShotMaterial:
        """A shot whose rows ask for these shares of `amounts`."""
        source, driver = self.motion(), self.motion("driver")
        request = MixRequest(share * self.amounts[0], share * self.amounts[1])
        target = retarget(Guarded(self.extractor()), source, driver, driver.codes, request)
        fetches = (self.filmed().faces, self.filmed("driver").faces)
        rows = np.arange(self.num_rows, dtype=np.float64)
        material = ShotMaterial(source, driver, rows, target, request, *fetches)
        return taken_over(material, torch.device(self.device))

    def request(self, rows: Rows, material: ShotMaterial) -> GenerateRequest:
        """What a render would ask for these rows."""
        wanted = cast("Generator", self.made()).wants_driver_pixels
        return GenerateRequest(
            rows,
            self.encoder().encode(self.filmed().faces(rows)),
            material.source.codes.take(rows),
            material.target.take(rows),
            self.filmed("driver").faces(rows) if wanted else None,
            material.request.take(rows),
        )

    def ready(self, made: object) -> object:
        """The shot's generator."""
        return cast("Generator", made).begin_shot(self.material(torch.ones(self.num_rows)))

    def inputs(self, rows: Rows) -> tuple[object, ...]:
        """A request."""
        return (self.request(rows, self.material(torch.ones(self.num_rows))),)

    def call(self, made: object, *inputs: object) -> object:
        """``generate``."""
        (request,) = cast("tuple[GenerateRequest]", inputs)
        return cast("ShotGenerator", made).generate(request)

    def shown(self, share: torch.Tensor) -> Generated:
        """All rows of a shot with these shares."""
        material = self.material(share)
        shot = cast("Generator", self.made()).begin_shot(material)
        return shot.generate(self.request(self.rows, material))

    def test_results_have_the_shapes_and_types_of_the_contract(self) -> None:
        """Pixels and landmarks of each window, float32; confidence in [0, 1] where there is some."""
        faces, result = self.filmed().faces(self.rows), cast("Generated", self.run())
        wanted = tuple(faces.pixels.shape)
        require(tuple(result.pixels.shape) == wanted, f"pixels are {tuple(result.pixels.shape)}, expected {wanted}")
        require(result.pixels.dtype == torch.float32, f"pixels are {result.pixels.dtype}, expected torch.float32")
        points = tuple(result.landmarks_px.shape)
        fits = len(points) == 3 and points[0] == self.num_rows and points[2] == 3
        require(fits, f"landmarks_px are {points}, expected ({self.num_rows}, P, 3)")
        if result.confidence is not None:
            shape = tuple(result.confidence.shape)
            require(shape == (wanted[0], 1, *wanted[2:]), f"confidence is {shape}, expected (N, 1, h, w)")
            inside = bool(((result.confidence >= 0) & (result.confidence <= 1)).all())
            require(inside, "confidence leaves [0, 1]")

    def test_pixels_are_rgb_in_about_0_to_1(self) -> None:
        """Neither code values nor [-1, 1]."""
        pixels = cast("Generated", self.run()).pixels
        low, high = float(pixels.min()), float(pixels.max())
        require(low >= _LOWEST and high <= _HIGHEST, f"pixels go from {low:.3g} to {high:.3g}, expected about 0 to 1")

    def test_an_amount_of_0_shows_the_source(self) -> None:
        """Where nothing is asked for, the source's own pixels come back to the last bit."""
        apart = differing(self.filmed().faces(self.rows).pixels, self.shown(torch.zeros(self.num_rows)).pixels)
        require(not apart, f"with amount 0 the picture is not the source's: {apart}")

    def test_rows_of_amount_0_show_the_source_among_others(self) -> None:
        """A row that asks for nothing is left alone though its neighbours ask."""
        share = torch.zeros(self.num_rows)
        share[1::2] = 1
        still = np.arange(0, self.num_rows, 2)
        shown = self.shown(share).pixels[still.tolist()]
        apart = differing(self.filmed().faces(self.rows).pixels[still.tolist()], shown)
        require(not apart, f"rows of amount 0 among others are not the source's pixels: {apart}")

    def test_an_edit_changes_the_picture(self) -> None:
        """A full amount of a driver who acts is seen."""
        apart = differing(self.filmed().faces(self.rows).pixels, cast("Generated", self.run()).pixels)
        require(apart, "a full amount changes no pixel, though the driver's jaw drops")

    def test_frames_may_be_asked_for_in_any_order(self) -> None:
        """The last row first gives what it gives last."""
        forward = cast("Generated", self.run()).pixels
        backward = cast("Generated", self.run(self.rows[::-1].copy())).pixels.flip(0)
        apart = differing(forward, backward, tolerance=self.tolerance)
        require(not apart, f"rows asked for in another order give other pixels: {apart}")

    def test_two_shots_do_not_disturb_each_other(self) -> None:
        """A shot begun meanwhile changes nothing in the one before."""
        generator = cast("Generator", self.made())
        material = self.material(torch.ones(self.num_rows))
        first = generator.begin_shot(material)
        before = snapshot(first.generate(self.request(self.rows, material)).pixels)
        other = self.material(torch.full((self.num_rows,), 0.5))
        generator.begin_shot(other).generate(self.request(self.rows, other))
        after = snapshot(first.generate(self.request(self.rows, material)).pixels)
        apart = differing_rows(before, after, self.tolerance)
        require(not apart, f"a second shot changes the first: {apart}; keep what belongs to a shot in its own object")

    def test_preparing_a_shot_leaves_its_material_as_it_was(self) -> None:
        """Tracks and codes belong to the caller."""
        material = self.material(torch.ones(self.num_rows))
        before = snapshot(material)
        cast("Generator", self.made()).begin_shot(material)
        changed = differing_rows(before, snapshot(material), 0.0)
        require(not changed, f"begin_shot() changes what it is given: {changed}")
