"""A network in an ONNX file, run on tensors where they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
import torch
from torch import Tensor

from dpe_onnx_generator.card import Card, read_card
from dpe_toolkit.api import CheckpointError

__all__ = ["OnnxNetwork"]

_CHANNELS = {"source": 3, "driver": 3, "picture": 3, "matte": 1}


class OnnxNetwork:
    """Runs an ONNX file by onnxruntime with IO binding.

    Args:
        weights: the ONNX file, with its declaration beside it.
        device: where its answers are wanted. It runs there on CUDA, if this onnxruntime was built for it, else on
            the CPU.
        num_threads: on a CPU; 0 for as many as onnxruntime thinks fit.

    Raises:
        CheckpointError: the file cannot be read, or has not what is declared.
    """

    def __init__(self, weights: Path, device: torch.device, num_threads: int = 0) -> None:
        self.card: Card = read_card(weights)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = num_threads
        settings.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(str(weights), settings, providers=_providers(device))
        except Exception as error:  # onnxruntime has a class for each of its codes
            message = str(error).strip().splitlines()[0]
            raise CheckpointError(
                f"onnxruntime cannot read it: {message}", "an ONNX file", "export it again", path=weights
            ) from error
        self.device = device
        runs_there = device.type == "cuda" and "CUDAExecutionProvider" in self._session.get_providers()
        self._home = device if runs_there else torch.device("cpu")
        held = {given.name: tuple(given.shape) for given in self._session.get_inputs()}
        self._check(weights, {given.name for given in self.card.inputs}, set(held), "inputs")
        given = {output.name for output in self._session.get_outputs()}
        self._check(weights, {output.name for output in self.card.outputs}, given, "outputs", all_of_them=False)
        shape = held[next(given.name for given in self.card.inputs if given.holds == "source")]
        if len(shape) != 4 or not isinstance(shape[2], int) or shape[2] != shape[3]:
            raise CheckpointError(
                f"its source input has the shape {shape}",
                "(N, 3, S, S) with a fixed S",
                "export it again",
                path=weights,
            )
        self.size_px: int = shape[2]
        """S."""
        self._single = any(axes and axes[0] == 1 for axes in held.values())

    @staticmethod
    def _check(weights: Path, stated: set[str], held: set[str], what: str, *, all_of_them: bool = True) -> None:
        if stated - held or (all_of_them and held - stated):
            raise CheckpointError(
                f"its {what} are {sorted(held)}, declared are {sorted(stated)}",
                "the same names",
                "correct the file that declares the network",
                path=weights,
            )

    def run(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """What the outputs hold, for what the inputs hold: by ``holds``, N rows, images in [0, 1]."""
        if self._single and len(values["source"]) > 1:
            rows = [
                self.run({name: part[row : row + 1] for name, part in values.items()})
                for row in range(len(values["source"]))
            ]
            return {name: torch.cat([row[name] for row in rows]) for name in rows[0]}
        binding = self._session.io_binding()
        # Held until the run is over: the binding knows addresses only.
        kept = []
        for given in self.card.inputs:
            value = values[given.holds]
            if given.range == "signed" and given.holds in ("source", "driver"):
                value = value * 2 - 1
            value = value.to(self._home, torch.float32).contiguous()
            kept.append(value)
            self._bind(binding.bind_input, given.name, value)
        results = {}
        for output in self.card.outputs:
            shape = (len(values["source"]), _CHANNELS[output.holds], self.size_px, self.size_px)
            results[output.holds] = torch.empty(shape, device=self._home)
            self._bind(binding.bind_output, output.name, results[output.holds])
        if self._home.type == "cuda":
            # onnxruntime works in a stream of its own, and does not wait for what PyTorch still writes.
            torch.cuda.current_stream(self._home).synchronize()
        self._session.run_with_iobinding(binding)
        signed = {output.holds for output in self.card.outputs if output.range == "signed"}
        answers = {name: (value + 1) / 2 if name in signed else value for name, value in results.items()}
        return {name: value.to(self.device) for name, value in answers.items()}

    def _bind(self, bind: Any, name: str, value: Tensor) -> None:
        bind(name, self._home.type, self._home.index or 0, "float32", tuple(value.shape), value.data_ptr())


def _providers(device: torch.device) -> list[Any]:
    if device.type == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        return [("CUDAExecutionProvider", {"device_id": device.index or 0}), "CPUExecutionProvider"]
    return ["CPUExecutionProvider"]
