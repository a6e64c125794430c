"""Pictures in which pose and expression can be read off: the left half tells the pose, the right the expression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

from dpe_research.dataset import ClipDraft, ClipMotion, DatasetWriter
from dpe_research.evaluation import FaceReader, Measures, picture_metrics
from dpe_research.evaluation.cases import Case
from dpe_research.evaluation.methods import Edited
from dpe_toolkit.api import Component, FaceReading, NoOptions, hookimpl

SIZE = 32
DEGREES = 0.4
"""Of yaw in one code value of the left half."""


def picture(pose: int, expression: int, person: int = 40) -> Tensor:
    """(3, S, S) uint8: code values ``pose`` and ``expression`` in the halves, the person in the blue channel."""
    shown = torch.full((3, SIZE, SIZE), person, dtype=torch.uint8)
    shown[:2, :, : SIZE // 2] = pose
    shown[:2, :, SIZE // 2 :] = expression
    return shown


def values_of(shown: Tensor) -> tuple[int, int, int]:
    """What `picture` was given."""
    return int(shown[0, 0, 0]), int(shown[0, 0, -1]), int(shown[2, 0, 0])


@dataclass(frozen=True)
class FakeClip:
    id: str
    identity: str
    num_frames: int
    grid: tuple[int, int] | None = None


@dataclass
class FakeFootage:
    """Clips in memory; grid clips show pose p and expression e at frame p * E + e."""

    records: list[FakeClip]
    pictures: dict[str, Tensor]
    size_px: int = SIZE
    asked: list[str] = field(default_factory=list)

    def clips(self, split: str | None = None) -> Sequence[FakeClip]:
        return tuple(self.records)

    def frames(self, clip_id: str, rows: Sequence[int]) -> Tensor:
        self.asked.append(clip_id)
        return self.pictures[clip_id][list(rows)]

    def motion(self, clip_id: str) -> SimpleNamespace:
        shown = self.pictures[clip_id]
        drawn = shown[:, 0, 0, -1:].numpy().astype(np.float32) / 255
        return SimpleNamespace(mesh_px=np.zeros((len(shown), 2, 3), np.float32), blendshapes=drawn)


def grid_pictures(poses: int = 3, expressions: int = 4, person: int = 40) -> Tensor:
    return torch.stack([picture(20 + 30 * p, 30 + 20 * e, person) for p in range(poses) for e in range(expressions)])


def grid_footage(num_clips: int = 2) -> FakeFootage:
    records = [FakeClip(f"face{n}", f"face{n}", 12, (3, 4)) for n in range(num_clips)]
    return FakeFootage(records, {clip.id: grid_pictures(person=40 + 40 * n) for n, clip in enumerate(records)})


def video_footage() -> FakeFootage:
    records = [FakeClip("anna", "anna", 6), FakeClip("bert", "bert", 4), FakeClip("carl", "carl", 5)]
    shown = {
        clip.id: torch.stack([picture(20 + 10 * row, 60 + 5 * row, 40 + 60 * n) for row in range(clip.num_frames)])
        for n, clip in enumerate(records)
    }
    return FakeFootage(records, shown)


class FakeRegressor:
    """Reads the halves; sees no face in a picture without blue."""

    expression_size = 1

    def read(self, pictures: Tensor, near_px: Tensor | None = None) -> FaceReading:
        half = pictures.shape[-1] // 2
        codes = pictures * 255
        pose, face = codes[:, 0, :, :half].mean((1, 2)), codes[:, 0, :, half:].mean((1, 2))
        count, zero = len(pictures), pictures.new_zeros(len(pictures))
        shape = pictures.new_zeros(count, 2, 3)
        shape[:, :, 0] = (face / 100)[:, None]
        return FaceReading(
            expression=(face / 20)[:, None],
            pose_deg=torch.stack([pose * DEGREES, zero, zero], 1),
            place=pictures.new_zeros(count, 3),
            shape=shape,
            points_px=pictures.new_zeros(count, 2, 3),
            blendshapes=(face / 255)[:, None],
            score=(codes[:, 2].mean((1, 2)) > 1).float(),
        )


class FakeIdentity:
    """Persons are angles."""

    def embed(self, pictures: Tensor, near_px: Tensor | None = None) -> Tensor:
        angle = pictures[:, 2].mean((1, 2)) * 255 / 100
        return torch.stack([angle.cos(), angle.sin()], 1)


class FakeMetric:
    """Mean absolute difference in code values."""

    higher_is_better = False

    def compare(self, results: Tensor, references: Tensor) -> Tensor:
        return 255 * (results - references).abs().mean((1, 2, 3))


class FakePlugin:
    """Offers what measures."""

    @hookimpl
    def dpe_register_regressors(self) -> list[Component[object]]:
        return [_component("regressor", "mesh", FakeRegressor)]

    @hookimpl
    def dpe_register_identities(self) -> list[Component[object]]:
        return [_component("identity", "dlib", FakeIdentity)]

    @hookimpl
    def dpe_register_metrics(self) -> list[Component[object]]:
        return [_component("metric", "difference", FakeMetric)]


def _component(kind: str, name: str, made: type) -> Component[object]:
    return Component(
        kind=kind, name=name, summary="reads halves", options=NoOptions, create=lambda options, context: made()
    )


class Editor:
    """A method that knows how the pictures are made; edits as its name says."""

    has_amounts = True
    note = "made up"

    def __init__(
        self, name: str, *, swapped: bool = False, leak: float = 0.0, blind: bool = False, strength: float = 1.0
    ) -> None:
        self.name = name
        self._swapped = swapped
        self._leak = leak
        self._blind = blind
        self._strength = strength

    def edit(self, cases: Sequence[Case], true: Sequence[Tensor | None], *, amount: float = 1.0) -> Edited:
        made = [self._one(case, true[0][row], true[1][row], amount) for row, case in enumerate(cases)]
        return Edited(torch.stack(made), np.ones(len(cases), np.bool_))

    def _one(self, case: Case, source: Tensor, driver: Tensor, amount: float) -> Tensor:
        (pose, face, person), (wanted_pose, wanted_face, _) = values_of(source), values_of(driver)
        edit = {"expression": "pose", "pose": "expression"}.get(case.edit, case.edit) if self._swapped else case.edit
        amount *= self._strength
        pose_share = {"expression": self._leak, "pose": 1.0}.get(edit, 1.0) * amount
        face_share = {"pose": self._leak, "expression": 1.0}.get(edit, 1.0) * amount
        return picture(
            round(pose + pose_share * (wanted_pose - pose)),
            round(face + face_share * (wanted_face - face)),
            0 if self._blind else person,
        )


def measures(*, identity: bool = True, lpips: str = "no weights were given") -> Measures:
    metrics, columns, absent = picture_metrics(lpips, {"difference": FakeMetric()})
    reader = FaceReader(FakeRegressor(), FakeIdentity() if identity else None, torch.device("cpu"), 5)
    if not identity:
        absent["csim"] = "no identity embedder is installed"
    return Measures(metrics, reader, "mesh", "fake" if identity else "", absent, columns)


def write_dataset(folder: Path, footage: FakeFootage) -> Path:
    """The same clips as a dataset on disk."""
    kind = "synthetic" if footage.records[0].grid else "video"
    with DatasetWriter(folder, kind, SIZE, pictures="png") as writer:
        for clip in footage.records:
            count = clip.num_frames
            draft = ClipDraft(
                id=clip.id,
                identity=clip.identity,
                split="test",
                rate=Fraction(25),
                source=f"{clip.id}.mp4",
                box_px=(0, 0, SIZE, SIZE),
                grid=clip.grid,
            )
            motion = ClipMotion(
                np.zeros((count, 2, 3), np.float32),
                np.zeros((count, 3), np.float32),
                np.zeros((count, 3), np.float32),
                np.zeros((count, 0), np.float32),
                np.ones(count, np.float32),
            )
            shown = [np.ascontiguousarray(rgb.permute(1, 2, 0).numpy()) for rgb in footage.pictures[clip.id]]
            writer.add(draft, shown, motion)
    return folder
