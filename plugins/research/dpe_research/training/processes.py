"""One process or many: Lightning Fabric with what a training needs of it.

Fabric and not Accelerate: it knows gloo, NCCL and torchrun without a configuration file of its own, takes plain
modules and optimisers, and gives the hot path nothing but autocast and the exchange of gradients.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from dpe_research.training.config import ComputeSettings
from dpe_toolkit.api import TrainingError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

__all__ = ["FabricRunner", "Launch", "leaving_together", "make_fabric"]

_LETTING_GO_S = 0.2
"""For a thread that only waits for a lock which nobody holds. Our choice: it cannot be asked whether it has ended."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How many processes were started, where another program starts them."""

    devices: int | None = None
    """Processes on each machine; None where nobody has started any."""
    machines: int = 1
    """Machines."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """What torchrun says in the environment of each process that it starts."""
        if "TORCHELASTIC_RUN_ID" not in environment:
            return cls()
        here, everywhere = int(environment["LOCAL_WORLD_SIZE"]), int(environment["WORLD_SIZE"])
        return cls(here, everywhere // here)


def make_fabric(settings: ComputeSettings, launch: Launch | None = None) -> Fabric:
    """A launched Fabric of the devices and precision asked for.

    Raises:
        TrainingError: there is no such device.
    """
    launch = launch or Launch()
    # Loading them takes seconds, which reading a configuration need not wait for.
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy

    if settings.threads:
        torch.set_num_threads(settings.threads)
    devices = launch.devices or settings.devices
    # Buffers are constants here; sending them would also change them in place between two forward passes.
    strategy = DDPStrategy(broadcast_buffers=False) if devices * launch.machines > 1 else "auto"
    try:
        fabric = Fabric(
            accelerator=settings.accelerator,
            devices=devices,
            num_nodes=launch.machines,
            precision=settings.precision,
            strategy=strategy,
        )
        fabric.launch()
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"the devices cannot be had: {error}",
            "devices that this machine has",
            "change compute.accelerator or compute.devices; 'dpe doctor' lists what is here",
        ) from error
    return fabric


@contextmanager
def leaving_together(fabric: Fabric) -> Iterator[None]:
    """What is done within by all processes of a training; after it they are no longer connected.

    Each waits for the others, then ends its connections. One that fails does not wait.

    A thread of gloo's lets go of the last exchange after everybody was told that it is over, and takes Python's lock
    for it. Where Python has begun to end by then, that ends the thread in the middle of C++ and aborts the process,
    after all its work: so the lock is left to it for a moment.
    """
    try:
        yield
        if fabric.world_size > 1:
            fabric.barrier()
    finally:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
            time.sleep(_LETTING_GO_S)


class FabricRunner:
    """Precision and exchange of gradients as Fabric does them; see `dpe_research.training.step.Runner`."""

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric

    def backward(self, loss: Tensor) -> None:
        """Adds the gradients of ``loss``."""
        self._fabric.backward(loss)

    def autocast(self) -> AbstractContextManager[object]:
        """The precision chosen."""
        return self._fabric.autocast()

    def without_exchange(self, network: object, enabled: bool) -> AbstractContextManager[object]:
        """While it is open, and enabled, processes do not exchange gradients of ``network``."""
        if enabled and isinstance(network, DistributedDataParallel):
            return network.no_sync()
        return nullcontext()

    def summed(self, *flags: bool) -> list[int]:
        """In how many processes each flag is set."""
        if self._fabric.world_size == 1:
            return [int(flag) for flag in flags]
        counts = torch.tensor(flags, dtype=torch.float32, device=self._fabric.device)
        reduced = cast("Tensor", self._fabric.all_reduce(counts, reduce_op="sum"))
        return [round(count) for count in reduced.tolist()]

    def gathered(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """The texts of every process, one after another."""
        if self._fabric.world_size == 1:
            return texts
        found: list[tuple[str, ...]] = [()] * self._fabric.world_size
        torch.distributed.all_gather_object(found, texts)
        return tuple(text for part in found for text in part)
