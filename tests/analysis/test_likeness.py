"""A face chosen by a picture of the person."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dpe_toolkit.analysis import ClipRequest, ComponentPool, analyse_clip
from dpe_toolkit.core.errors import AnalysisError, PluginError
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.face.choice import FaceChoice
from dpe_toolkit.plans.media import MediaPlan
from tests.analysis.fakes import ANNA, BERT, CHOICES, Registry, Shelf, Square, choice, draw

CLIP, PICTURE = Path("clip"), Path("picture")


class Brightness:
    """Knows people by how bright they are."""

    def embed(self, pictures: torch.Tensor, near_px: torch.Tensor | None = None) -> torch.Tensor:
        assert near_px is not None
        assert float((near_px[..., :2].mean(dim=1) - pictures.shape[-1] / 2).abs().max()) < 12
        angle = pictures[:, 0].amax(dim=(1, 2)) * 3
        return torch.stack([angle.cos(), angle.sin()], dim=1)


class Broken:
    def embed(self, pictures: torch.Tensor, near_px: torch.Tensor | None = None) -> torch.Tensor:
        return pictures


def crowd(frame: int) -> list[Square]:
    return [Square(8, 10, who=ANNA), Square(60, 30, side=20, who=BERT)]


def chosen(picture: FrameBatch, embedder: object) -> float:
    """Where the chosen face is: x of its left edge."""
    shelf = Shelf({CLIP: draw(crowd, 12), PICTURE: picture})
    media = MediaPlan(path=CLIP, digest="sha256:c", width=96, height=64, num_frames=12, rate=25)
    request = ClipRequest(
        clip="shot",
        role="source",
        media=media,
        span=Span(0, 12),
        detector=CHOICES["detector"],
        motion=CHOICES["motion"],
        identity=choice("identity"),
        face=FaceChoice(by="reference", reference=str(PICTURE)),
    )
    pool = ComponentPool(Registry(identity=embedder), torch.device("cpu"))
    return float(analyse_clip(request, pool, open_reader=shelf).track.boxes_px[0, 0])


@pytest.mark.parametrize(("who", "x"), [(ANNA, 8), (BERT, 60)])
def test_who_looks_like_the_picture_is_chosen_whatever_his_size(who: int, x: float) -> None:
    picture = draw(lambda frame: [Square(40, 24, side=24, who=who)], 1)
    assert chosen(picture, Brightness()) == x


def test_a_picture_without_a_face_is_refused() -> None:
    with pytest.raises(AnalysisError, match="file 'picture': no face is found in the reference picture"):
        chosen(draw(lambda frame: [], 1), Brightness())


def test_an_embedder_that_breaks_its_contract_is_named() -> None:
    with pytest.raises(PluginError, match=r"identity 'square' failed: ValueError: embed\(\) gave \(1, 3, 224, 224\)"):
        chosen(draw(lambda frame: [Square(40, 24)], 1), Broken())
