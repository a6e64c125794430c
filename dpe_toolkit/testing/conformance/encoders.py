"""What encoders promise."""

from __future__ import annotations

from functools import cache
from typing import ClassVar, cast

import torch

from dpe_toolkit.analysis import window_shape
from dpe_toolkit.editing.protocols import Encoder
from dpe_toolkit.editing.stages import ComponentKind
from dpe_toolkit.face.codes import Appearance
from dpe_toolkit.face.tracks import FaceBatch
from dpe_toolkit.testing.conformance.comparing import differing, require
from dpe_toolkit.testing.conformance.filming import Filmed, named_detector, seen_by
from dpe_toolkit.testing.conformance.suite import ComponentConformance, Rows

__all__ = ["EncoderConformance"]


class EncoderConformance(ComponentConformance):
    """Conformance of an encoder; without a detector among ``partners`` the face's known place is used."""

    kind: ClassVar[ComponentKind] = "encoder"

    @classmethod
    @cache
    def filmed(cls) -> Filmed:
        """The clip in windows of the shape that the encoder asks for."""
        shape = window_shape(cls.made())
        return seen_by(named_detector(cls), cls.source_clip(), shape, device=torch.device(cls.device))

    def inputs(self, rows: Rows) -> tuple[object, ...]:
        """Windows."""
        return (self.filmed().faces(rows),)

    def call(self, made: object, *inputs: object) -> object:
        """``encode``."""
        (faces,) = cast("tuple[FaceBatch]", inputs)
        return cast("Encoder", made).encode(faces)

    def test_the_appearance_keeps_the_windows(self) -> None:
        """``Appearance.faces`` are the windows that were encoded."""
        faces = self.filmed().faces(self.rows)
        looks = self.call(self.made(), faces)
        require(isinstance(looks, Appearance), f"encode() gives a {type(looks).__name__}, expected an Appearance")
        apart = differing(faces, cast("Appearance", looks).faces)
        require(not apart, f"the appearance holds other windows than were encoded: {apart}")

    def test_the_appearance_is_of_the_space_that_is_stated(self) -> None:
        """The space of what it gives is the one that planning was told."""
        got, wanted = cast("Appearance", self.run()).space, self.code_space()
        require(wanted is None or got == wanted, f"encode() gives codes of {got.id!r}, its Component says {wanted}")
