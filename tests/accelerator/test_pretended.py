"""The pretended device refuses what a GPU refuses, and nothing else."""

from __future__ import annotations

import copy
import io
import threading
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from dpe_toolkit.rendering import resolve_device
from dpe_toolkit.testing import ACCELERATOR, PretendAccelerator, pretend_accelerator


def there(*shape: int) -> torch.Tensor:
    return torch.ones(*shape, device=ACCELERATOR)


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: there(2).numpy(),
        lambda: np.asarray(there(2)),
        lambda: np.stack([there(2)]),  # type: ignore[list-item] # refused, that is the point
        lambda: torch.from_numpy(np.zeros(3)[there(2).long()]),
    ],
    ids=["numpy", "asarray", "stack", "index"],
)
def test_an_accelerator_keeps_its_tensors_from_numpy(
    dpe_accelerator: PretendAccelerator, misuse: Callable[[], object]
) -> None:
    with pytest.raises(TypeError, match=r"ipu:0 device type tensor to numpy|only integer"):
        misuse()


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: there(2) + torch.ones(2),
        lambda: torch.ones(2) + there(2),
        lambda: torch.ones(2) + there(2).sum(),
        lambda: torch.cat([there(2), torch.ones(2)]),
        lambda: torch.stack([there(1).sum(), torch.tensor(1.0)]),
        lambda: torch.where(there(2) > 0, torch.ones(2), 0.0),
        lambda: torch.ones(3)[there(2).long()],
        lambda: there(3).index_select(0, torch.tensor([1])),
        lambda: there(3).__setitem__(torch.tensor([1]), torch.ones(1)),
        lambda: torch.zeros(3).__setitem__([0, 1], there(2)),
        lambda: torch.zeros(()).add_(there(2).sum()),
        lambda: torch.sum(there(2), 0, out=torch.zeros(())),
        lambda: F.grid_sample(there(1, 1, 4, 4), torch.zeros(1, 2, 2, 2), align_corners=False),
        lambda: nn.Linear(2, 2)(there(1, 2)),
    ],
)
def test_an_accelerator_mixes_with_no_tensor_of_the_cpu(
    dpe_accelerator: PretendAccelerator, misuse: Callable[[], object]
) -> None:
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        misuse()


@given(
    values=st.lists(st.floats(-9, 9, width=32), min_size=1, max_size=6), row=st.integers(0, 5), scale=st.floats(-2, 2)
)
def test_an_accelerator_computes_what_the_cpu_does(values: list[float], row: int, scale: float) -> None:
    def work(device: torch.device) -> tuple[torch.Tensor, ...]:
        numbers = torch.tensor(values, device=device)
        numbers[row % len(values)] = scale
        rows = torch.arange(len(values), device=device).flip(0)
        mean, spread = numbers.mean(), numbers.unsqueeze(0).var(dim=1, correction=0)
        pairs = torch.stack([part * torch.tensor(scale) for part in numbers[rows]])
        highest = numbers.max(dim=0)
        return mean, spread, pairs, highest.values, highest.indices, numbers.to(torch.int64), numbers[None].T

    with pretend_accelerator():
        found = work(ACCELERATOR)
        assert {part.device for part in found} == {ACCELERATOR}
        got = [part.cpu() for part in found]
    for one, other in zip(got, work(torch.device("cpu")), strict=True):
        assert type(one) is torch.Tensor
        assert torch.equal(one, other)


def test_what_goes_to_an_accelerator_and_back_shares_nothing(dpe_accelerator: PretendAccelerator) -> None:
    here = torch.zeros(2)
    moved = here.to(dpe_accelerator.device)
    moved += 1
    back = moved.cpu()
    back += 1
    assert (here.tolist(), moved.tolist(), back.tolist()) == ([0, 0], [1, 1], [2, 2])
    here.copy_(moved)
    moved[:1] = torch.tensor([5.0])
    assert (here.tolist(), moved.tolist()) == ([1, 1], [5, 1])
    assert type(here) is torch.Tensor


def test_a_network_learns_on_an_accelerator_as_on_the_cpu(dpe_accelerator: PretendAccelerator) -> None:
    torch.manual_seed(3)
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
    pictures = torch.randn(2, 3, 4, 4)

    def learn(network: nn.Module, device: torch.device) -> list[float]:
        optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
        losses = []
        for _ in range(3):
            optimizer.zero_grad()
            loss = network(pictures.to(device)).square().mean()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        return losses

    moved = copy.deepcopy(plain).to(dpe_accelerator.device)
    assert {one.device for one in [*moved.parameters(), *moved.buffers()]} == {ACCELERATOR}
    assert all(isinstance(one, nn.Parameter) for one in moved.parameters())
    assert learn(moved, dpe_accelerator.device) == learn(plain, torch.device("cpu"))
    assert all(one.grad is not None and one.grad.device == ACCELERATOR for one in moved.parameters())
    copied = copy.deepcopy(moved)
    copied.load_state_dict(plain.state_dict())
    assert next(copied.parameters()).device == ACCELERATOR
    file = io.BytesIO()
    torch.save(moved.state_dict(), file)
    file.seek(0)
    for kept, own in zip(torch.load(file, weights_only=True).values(), plain.state_dict().values(), strict=True):
        assert torch.equal(kept, own)
    assert type(next(moved.cpu().parameters())) is nn.Parameter


def test_threads_started_inside_see_the_accelerator(dpe_accelerator: PretendAccelerator) -> None:
    seen: list[torch.device] = []
    thread = threading.Thread(target=lambda: seen.append(torch.zeros(1, device=dpe_accelerator.device).device))
    thread.start()
    thread.join()
    assert seen == [ACCELERATOR]


def test_what_an_accelerator_lacks_is_refused_as_metal_refuses_it() -> None:
    with pretend_accelerator(lacks=["cumsum"], has_float64=False, max_tensor_bytes=64):
        with pytest.raises(NotImplementedError, match="'aten::cumsum' is not currently implemented for the IPU"):
            there(3).cumsum(0)
        for make in (lambda: there(3).double(), lambda: torch.zeros(1, dtype=torch.float64, device=ACCELERATOR)):
            with pytest.raises(TypeError, match="no float64"):
                make()
        assert there(16).sum() == 16
        with pytest.raises(torch.OutOfMemoryError, match="tried to allocate 68 bytes"):
            there(17)


def test_a_copy_to_the_cpu_makes_no_doubles_where_the_device_has_none() -> None:
    with pretend_accelerator(has_float64=False):
        for copy_there in (
            lambda: there(2).to("cpu", torch.float64),
            lambda: there(2).to(torch.zeros(1, dtype=torch.float64)),
            lambda: torch.zeros(2, dtype=torch.float64).copy_(there(2)),
        ):
            with pytest.raises(TypeError, match="no float64"):
                copy_there()
        assert there(2).cpu().double().dtype == torch.float64
        assert there(2).to("cpu", torch.uint8).tolist() == [1, 1]


def test_accelerators_within_each_other_are_the_innermost_and_then_the_outer_again() -> None:
    with pretend_accelerator(), pretend_accelerator(has_float64=False):
        with pretend_accelerator():
            there(1).double()
        with pytest.raises(TypeError, match="no float64"):
            there(1).double()


def test_weights_are_loaded_to_an_accelerator(dpe_accelerator: PretendAccelerator) -> None:
    file = io.BytesIO()
    torch.save({"weight": torch.ones(2), "sizes": [1, 2]}, file)
    for where in (dpe_accelerator.device, str(dpe_accelerator.device)):
        file.seek(0)
        found = torch.load(file, map_location=where, weights_only=True)
        assert (found["weight"].device, found["sizes"]) == (ACCELERATOR, [1, 2])


def test_gradients_lie_where_their_inputs_do(dpe_accelerator: PretendAccelerator) -> None:
    here = torch.ones(2, requires_grad=True)
    moved = here.to(dpe_accelerator.device)
    found = torch.autograd.grad((moved * 2).sum(), (here, moved))
    assert [one.device for one in found] == [torch.device("cpu"), ACCELERATOR]
    assert torch.as_tensor(moved, device="cpu").device == torch.device("cpu")


def test_an_accelerator_takes_no_random_numbers_of_the_cpu(dpe_accelerator: PretendAccelerator) -> None:
    with pytest.raises(RuntimeError, match="generator but found 'cpu'"):
        torch.randn(3, device=dpe_accelerator.device, generator=torch.Generator())


def test_auto_takes_the_accelerator_inside_and_nobody_knows_it_outside() -> None:
    with pretend_accelerator():
        assert resolve_device("auto") == torch.device("ipu")
    assert resolve_device("auto") != torch.device("ipu")
    with pytest.raises(NotImplementedError):
        there(1)


def test_a_tensor_of_an_accelerator_says_so(dpe_accelerator: PretendAccelerator) -> None:
    tensor = there(2)
    assert (tensor.device, tensor.get_device(), tensor.is_cpu) == (ACCELERATOR, 0, False)
    assert (f"{tensor.sum():.1f}", tensor.tolist(), float(tensor[0])) == ("2.0", [1, 1], 1.0)
    assert tensor.numpy(force=True).tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="address"):
        tensor.data_ptr()
