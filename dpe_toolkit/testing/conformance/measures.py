"""What the components promise that judge pictures: regressors, features, identities, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast
from unittest import SkipTest

import torch
from torch import Tensor
from torch.nn import functional as F

from dpe_toolkit.editing.handover import upload
from dpe_toolkit.editing.measures import (
    ExpressionRegressor,
    FaceReading,
    IdentityEmbedder,
    PerceptualFeatures,
    PictureMetric,
)
from dpe_toolkit.editing.stages import ComponentKind
from dpe_toolkit.testing.conformance.comparing import require
from dpe_toolkit.testing.conformance.suite import ComponentConformance, Rows
from dpe_toolkit.testing.footage import KnownClip

__all__ = ["FeaturesConformance", "IdentityConformance", "MetricConformance", "RegressorConformance"]


class _MeasureConformance(ComponentConformance):
    size_px: ClassVar[int] = 256
    """Side of the pictures."""

    def pictures(self, rows: Rows, clip: KnownClip | None = None) -> Tensor:
        """(N, 3, S, S) the face of these rows, cut out by its known place."""
        shown = clip or self.source_clip()
        cut = [_square(shown, int(row), self.size_px) for row in rows]
        empty = torch.zeros(0, 3, self.size_px, self.size_px)
        return upload(self.device, torch.cat(cut) if cut else empty)[0]

    def inputs(self, rows: Rows) -> tuple[object, ...]:
        """Pictures."""
        return (self.pictures(rows),)

    def expect_gradient(self, value: Tensor, pictures: Tensor, what: str) -> None:
        """Refuses a value from which no gradient reaches the pictures."""
        require(value.requires_grad, f"{what} carries no gradient; training needs one with respect to the pictures")
        (gradient,) = torch.autograd.grad(value.float().sum(), pictures, allow_unused=True)
        reached = gradient is not None and bool(gradient.isfinite().all()) and bool((gradient != 0).any())
        require(reached, f"no usable gradient flows from {what} to the pictures")


class RegressorConformance(_MeasureConformance):
    """Conformance of an expression regressor."""

    kind: ClassVar[ComponentKind] = "regressor"

    def call(self, made: object, *inputs: object) -> object:
        """``read``, without gradients."""
        (pictures,) = cast("tuple[Tensor]", inputs)
        with torch.no_grad():
            return cast("ExpressionRegressor", made).read(pictures)

    def test_readings_have_the_shapes_and_ranges_of_the_contract(self) -> None:
        """Every field has a row a picture; scores and blendshapes lie in [0, 1]."""
        reading = cast("FaceReading", self.run())
        size = cast("ExpressionRegressor", self.made()).expression_size
        for name, wanted in (("expression", (size,)), ("pose_deg", (3,)), ("place", (3,)), ("score", ())):
            shape = tuple(getattr(reading, name).shape)
            require(shape == (self.num_rows, *wanted), f"{name} is {shape}, expected {(self.num_rows, *wanted)}")
        for name in ("score", "blendshapes"):
            values = getattr(reading, name)
            require(bool(((values >= 0) & (values <= 1)).all()), f"{name} leaves [0, 1]")

    def test_another_expression_reads_otherwise(self) -> None:
        """A dropped jaw is seen."""
        row = self.rows[3:4]
        readings = [self.call(self.made(), self.pictures(row, clip)) for clip in (None, self.driver_clip())]
        first, second = (cast("FaceReading", reading).expression for reading in readings)
        require(not torch.equal(first, second), "a dropped jaw reads like a shut one")

    def test_expression_is_differentiable(self) -> None:
        """A loss on the expression reaches the pictures."""
        pictures = self.pictures(self.rows[:1]).requires_grad_()
        reading = cast("ExpressionRegressor", self.made()).read(pictures)
        self.expect_gradient(reading.expression, pictures, "the expression")


class FeaturesConformance(_MeasureConformance):
    """Conformance of a feature network."""

    kind: ClassVar[ComponentKind] = "features"

    def call(self, made: object, *inputs: object) -> object:
        """``features``, without gradients."""
        (pictures,) = cast("tuple[Tensor]", inputs)
        with torch.no_grad():
            maps = cast("PerceptualFeatures", made).features(pictures)
        return {f"level {level}": part for level, part in enumerate(maps)}

    def test_maps_go_from_fine_to_coarse(self) -> None:
        """(N, C, h, w) each, none larger than the one before."""
        maps = list(cast("dict[str, Tensor]", self.run()).values())
        require(maps, "features() gives no map")
        sizes = [tuple(part.shape[2:]) for part in maps]
        require(all(part.ndim == 4 and len(part) == self.num_rows for part in maps), "a map is not (N, C, h, w)")
        require(sizes == sorted(sizes, reverse=True), f"maps have the sizes {sizes}, expected the finest first")

    def test_features_are_differentiable(self) -> None:
        """A loss on the features reaches the pictures."""
        pictures = self.pictures(self.rows[:1]).requires_grad_()
        maps: Sequence[Tensor] = cast("PerceptualFeatures", self.made()).features(pictures)
        self.expect_gradient(maps[-1] ** 2, pictures, "the coarsest map")


class IdentityConformance(_MeasureConformance):
    """Conformance of an identity embedder."""

    kind: ClassVar[ComponentKind] = "identity"

    def call(self, made: object, *inputs: object) -> object:
        """``embed``, without gradients."""
        (pictures,) = cast("tuple[Tensor]", inputs)
        with torch.no_grad():
            return cast("IdentityEmbedder", made).embed(pictures)

    def test_vectors_have_length_1(self) -> None:
        """(N, K), so that their products are cosines."""
        vectors = cast("Tensor", self.run())
        require(vectors.ndim == 2 and len(vectors) == self.num_rows, f"vectors are {tuple(vectors.shape)}, not (N, K)")
        apart = float((vectors.norm(dim=1) - 1).abs().max())
        require(apart < 1e-3, f"vectors are up to {apart:.3g} off the length 1")

    def test_a_gradient_that_there_is_reaches_the_pictures(self) -> None:
        """A loss on the identity needs one; an embedder for evaluation alone may have none."""
        pictures = self.pictures(self.rows[:1]).requires_grad_()
        vectors = cast("IdentityEmbedder", self.made()).embed(pictures)
        if not vectors.requires_grad:
            raise SkipTest("it has no gradient, and serves evaluation alone")
        self.expect_gradient(vectors[:, 0], pictures, "the vectors")


class MetricConformance(_MeasureConformance):
    """Conformance of a metric."""

    kind: ClassVar[ComponentKind] = "metric"

    def inputs(self, rows: Rows) -> tuple[object, ...]:
        """Slightly wrong pictures, and the right ones."""
        pictures = self.pictures(rows)
        return (pictures * 0.9 + 0.02).clamp(0, 1), pictures

    def call(self, made: object, *inputs: object) -> object:
        """``compare``, without gradients."""
        results, references = cast("tuple[Tensor, Tensor]", inputs)
        with torch.no_grad():
            return cast("PictureMetric", made).compare(results, references)

    def test_there_is_a_value_a_picture(self) -> None:
        """(N,)."""
        shape = tuple(cast("Tensor", self.run()).shape)
        require(shape == (self.num_rows,), f"compare() gives {shape}, expected ({self.num_rows},)")

    def test_a_better_picture_has_the_better_value(self) -> None:
        """A small fault is better than a large one, in the direction of ``higher_is_better``."""
        right = self.pictures(self.rows)
        small, large = ((right + fault).clamp(0, 1) for fault in (0.02, 0.3))
        values = [cast("Tensor", self.call(self.made(), wrong, right)) for wrong in (small, large)]
        rises = cast("PictureMetric", self.made()).higher_is_better
        better = values[0] > values[1] if rises else values[0] < values[1]
        require(bool(better.all()), f"a larger fault is not worse ({'higher' if rises else 'lower'} is better)")


def _square(clip: KnownClip, row: int, size_px: int) -> Tensor:
    """(1, 3, S, S) a square of 1.6 times the face, resampled."""
    left, top, right, bottom = clip.boxes_px[row].tolist()
    half = 0.8 * max(right - left, bottom - top)
    x, y = (left + right) / 2, (top + bottom) / 2
    _, height, width, _ = clip.pictures.shape
    picture = torch.from_numpy(clip.pictures[row]).permute(2, 0, 1)[None].float() / 255
    steps = torch.linspace(-1, 1, size_px)
    across, down = (x + half * steps) / width * 2 - 1, (y + half * steps) / height * 2 - 1
    grid = torch.stack(torch.meshgrid(down, across, indexing="ij")[::-1], dim=-1)[None]
    return F.grid_sample(picture, grid, padding_mode="border", align_corners=False)
