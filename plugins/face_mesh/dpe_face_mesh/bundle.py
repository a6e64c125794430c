"""The face analysis model that ships with the plugin: three LiteRT networks."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from dpe_toolkit.api import CheckpointError

__all__ = [
    "ANCHORS",
    "BUNDLE_SHA256",
    "DETECTOR_PX",
    "MESH_PX",
    "REGION_MARGIN",
    "Network",
    "load_network",
    "load_networks",
    "read_bundle",
]

DETECTOR_PX = 128
"""Side of what the detector sees."""

ANCHORS = np.array(
    [
        ((x + 0.5) / cells, (y + 0.5) / cells)
        for cells, repeats in ((16, 2), (8, 6))
        for y in range(cells)
        for x in range(cells)
        for _ in range(repeats)
    ],
    np.float32,
)
"""(896, 2) cell centres in [0, 1] to which the detector's answers are relative."""

MESH_PX = 256
"""Side of what the mesh network sees."""

REGION_MARGIN = 1.5
"""Side of the square that the mesh network is shown, over the longer side of the face in it."""

BUNDLE_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
_BUNDLE = "face_landmarker.task"
FloatArray = npt.NDArray[np.float32]
_STARTING = threading.Lock()


@lru_cache(maxsize=1)
def read_bundle() -> bytes:
    """The bundle's bytes, checked against the digest it was published with.

    Raises:
        CheckpointError: the file is missing from the installation or differs.
    """
    file = resources.files("dpe_face_mesh") / "models" / _BUNDLE
    try:
        data = file.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"the face model {_BUNDLE} is missing from plugin face_mesh",
            "the file that the plugin's wheel carries",
            "install dpe-face-mesh again",
        ) from error
    check_digest(data)
    return data


def check_digest(data: bytes) -> None:
    """Raises `CheckpointError` where ``data`` is not the published bundle."""
    seen = hashlib.sha256(data).hexdigest()
    if seen != BUNDLE_SHA256:
        raise CheckpointError(
            f"the face model {_BUNDLE} has sha256 {seen}",
            f"expected {BUNDLE_SHA256}",
            "the file was changed or damaged: install dpe-face-mesh again",
        )


@contextmanager
def _quiet_start() -> Iterator[None]:
    """Keeps the line that LiteRT's C++ side writes to standard error at every start off people's screens."""
    # two threads at once would keep each other's replacement and put that back for good
    with _STARTING:
        try:
            kept = os.dup(2)
        except OSError:
            yield
            return
        try:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
                yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


class Network:
    """One LiteRT network on the CPU. Not for use from two threads at once.

    Args:
        model: the .tflite file's bytes.
        num_threads: threads of its own.
    """

    def __init__(self, model: bytes, num_threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with _quiet_start():
            self._interpreter = Interpreter(model_content=model, num_threads=num_threads)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]

    def __call__(self, value: FloatArray) -> list[FloatArray]:
        """Copies of the outputs for one float32 input of the network's own shape."""
        self._interpreter.set_tensor(self._input, value)
        self._interpreter.invoke()
        return [np.array(self._interpreter.get_tensor(index), np.float32) for index in self._outputs]


def load_networks(num_threads: int) -> tuple[Network, Network, Network]:
    """Detector, 478-point mesh and blendshape network, each with its own interpreter and threads."""
    with zipfile.ZipFile(io.BytesIO(read_bundle())) as bundle:
        names = ("face_detector.tflite", "face_landmarks_detector.tflite", "face_blendshapes.tflite")
        detector, mesh, blendshapes = (Network(bundle.read(name), num_threads) for name in names)
    return detector, mesh, blendshapes


def load_network(name: Literal["face_blendshapes", "face_landmarks_detector"]) -> Network:
    """One network of the bundle, on the CPU with one thread."""
    with zipfile.ZipFile(io.BytesIO(read_bundle())) as bundle:
        return Network(bundle.read(f"{name}.tflite"), 1)
