"""What a render sends to a device and fetches from it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import torch

from dpe_toolkit.editing.handover import download, upload
from dpe_toolkit.testing import ACCELERATOR, PretendAccelerator, pretend_accelerator
from dpe_toolkit.testing.transfers import Transfer, counted_transfers
from tests.cli.conftest import Dpe, cache, dpe, media  # noqa: F401 - fixtures

SPANS = 2
"""Ten frames, eight and two."""


def test_tensors_that_go_together_go_in_one_transfer_and_come_back_as_they_were(
    dpe_accelerator: PretendAccelerator,
) -> None:
    parts = (torch.rand(2, 3), torch.zeros(0, 5), torch.rand(4))
    with counted_transfers() as seen:
        there = upload(ACCELERATOR, *parts)
        assert [one.device for one in there] == [ACCELERATOR] * 3
        back = download(*there)
    assert [(one.way, one.num_values) for one in seen] == [("up", 10), ("down", 10)]
    assert all(torch.equal(one, other) for one, other in zip(parts, back, strict=True))


def test_every_kind_of_transfer_is_counted(dpe_accelerator: PretendAccelerator) -> None:
    with counted_transfers() as seen:
        there = torch.ones(4).to(ACCELERATOR)
        there[:2] = torch.zeros(2)
        assert bool(there[[0, 2]].sum() == 1)
        torch.empty(4).copy_(there)
        there.type_as(torch.ones(1))
        torch.zeros(3, device=ACCELERATOR).add_(1)
    assert Counter(one.way for one in seen) == {"up": 3, "down": 2, "read": 1}
    assert {one.by.rpartition(".")[2] for one in seen} == {"dpe_toolkit"}


def test_a_default_render_sends_each_window_up_once_and_fetches_one_difference_a_span(
    dpe: Dpe,  # noqa: F811 - a fixture
    media: Path,  # noqa: F811 - a fixture
    tmp_path: Path,
) -> None:
    source, out = media / "face.mkv", tmp_path / "out.mkv"
    words = ("--consent", "none needed", "--retime", "0.5", "--cache-dir", tmp_path / "cache", "-q")
    with pretend_accelerator(), counted_transfers() as seen:
        done = dpe("edit", source, source, "-o", out, *words)
    assert done.returncode == 0, done.stderr
    own = [one for one in seen if not one.is_plugins]
    # The difference, weighed by the matte, in code values: all planes in one transfer.
    assert places(own, "down") == {"write_window": SPANS}
    # The source's window and the driver's, from whom the default method borrows; the codes, once for the shot.
    went = places(own, "up")
    assert went.pop("upload_window") == 2 * SPANS
    assert went.pop("edit") <= 14
    assert set(went) <= {"_matrix", "device_fault"}, "colour matrices go up once for all"
    # Whether what a component gave is finite: asked of the generator and of the compositor.
    assert places(own, "read") - Counter(device_fault=1) == {"edit": SPANS, "_generated": SPANS}


def places(found: list[Transfer], way: str) -> Counter[str]:
    """Functions that asked for transfers of this way."""
    return Counter(one.by.rpartition(".")[2] for one in found if one.way == way)
