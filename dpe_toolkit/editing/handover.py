"""Where tensors change hands: between the CPU and a render's device, and between the core and a plugin.

Who owns what, in everything that the core passes on:

- meshes, tracks, motion codes and amounts: the CPU, until a shot's generator takes them over;
- windows, appearance, generated pixels and mattes: the device of the render;
- decoded planes: the CPU. Of a span its window goes up in one transfer, and its weighed difference comes down in one.

Nothing else in the core moves a tensor; a test sees to that. What a plugin hands back is checked here, once. The
checks raise `ValueError`; whoever calls a plugin guards the call, so that the user is told which plugin it was.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import numpy as np
import torch

from dpe_toolkit.core.shapes import expect_shape
from dpe_toolkit.editing.protocols import Composited, Generated, ShotMaterial
from dpe_toolkit.face.codes import Appearance, MotionCode, MotionTrack
from dpe_toolkit.face.tracks import Detections, FaceBatch, FaceTrack

__all__ = [
    "CPU",
    "beside",
    "download",
    "moved",
    "taken_appearance",
    "taken_codes",
    "taken_composited",
    "taken_detections",
    "taken_generated",
    "taken_matte",
    "taken_motion",
    "taken_over",
    "upload",
]

CPU = torch.device("cpu")
T = TypeVar("T")
_DETECTED = ("boxes_px", "landmarks_px", "scores", "blendshapes")


def upload(device: torch.device | str, *parts: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Tensors of one dtype on a device, brought there in one transfer; on the CPU they are handed back.

    What comes back of several are views of one tensor: nobody writes to them.
    """
    target = torch.device(device)
    if target.type == "cpu":
        return parts
    if len(parts) == 1:
        return (parts[0].to(target),)
    return _together(parts, target)


def download(*parts: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Tensors of one dtype and device on the CPU, brought there in one transfer, without a gradient."""
    parts = tuple(part.detach() for part in parts)
    if parts[0].device.type == "cpu":
        return parts
    return _together(parts, CPU)


def _together(parts: Sequence[torch.Tensor], target: torch.device) -> tuple[torch.Tensor, ...]:
    if len({part.dtype for part in parts}) > 1:
        raise ValueError(f"tensors of {', '.join(str(part.dtype) for part in parts)} cannot go in one transfer")
    flat = torch.cat([part.reshape(-1) for part in parts]).to(target)
    pieces = torch.split(flat, [part.numel() for part in parts])
    return tuple(piece.reshape(part.shape) for piece, part in zip(pieces, parts, strict=True))


def beside(value: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """A tensor on the device of another one."""
    return value.to(other.device)


def moved(value: T, device: torch.device) -> T:
    """The value with every tensor in it on a device, in tuples, lists, dictionaries and dataclasses.

    Dataclasses in which something moved are copied, the others handed back.
    """
    return cast("T", _moved(value, device))


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, (tuple, list)):
        held = [_moved(part, device) for part in value]
        if all(new is old for new, old in zip(held, value, strict=True)):
            return value
        return type(value)(*held) if hasattr(value, "_fields") else type(value)(held)
    if isinstance(value, dict):
        return {key: _moved(part, device) for key, part in value.items()}
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    parts = {one.name: _moved(getattr(value, one.name), device) for one in dataclasses.fields(value)}
    if all(part is getattr(value, name) for name, part in parts.items()):
        return value
    result = copy.copy(value)
    for name, part in parts.items():
        object.__setattr__(result, name, part)
    return result


def taken_over(material: ShotMaterial, device: torch.device) -> ShotMaterial:
    """The material of a shot with its codes and amounts on a device; what it fetches stays where it is."""
    return dataclasses.replace(
        material,
        source=moved(material.source, device),
        driver=moved(material.driver, device),
        target=moved(material.target, device),
        request=moved(material.request, device),
    )


def taken_detections(
    name: str, found: Sequence[Detections], num_frames: int, previous: Detections | None
) -> Sequence[Detections]:
    """What a detector or landmarker found.

    Args:
        name: the method that gave it, for messages.
        found: what it gave.
        num_frames: frames that it was asked about.
        previous: what was found in the frame before, None at the start of a clip.

    Raises:
        ValueError: another number of frames, of landmarks or of blendshapes than before, or values that are not finite.
    """
    if len(found) != num_frames:
        raise ValueError(f"{name} gave {len(found)} results for {num_frames} frames")
    first = found[0] if previous is None else previous
    sizes = (first.landmarks_px.shape[1], first.blendshapes.shape[1])
    for one in found:
        if (one.landmarks_px.shape[1], one.blendshapes.shape[1]) != sizes:
            raise ValueError(f"{name} changed its number of landmarks or blendshapes between frames")
        for part in _DETECTED:
            if not np.isfinite(getattr(one, part)).all():
                raise ValueError(f"{name} gave {part} that are not finite")
    return found


def taken_codes(name: str, codes: MotionCode, num_rows: int) -> MotionCode:
    """Codes that a motion extractor gave, on the CPU and in single precision, wherever it left them.

    Raises:
        ValueError: another number of rows, values that are no floating-point numbers, or not finite ones.
    """
    if not isinstance(codes, MotionCode):
        raise ValueError(f"{name} gave a {type(codes).__name__}, expected a MotionCode")
    if len(codes) != num_rows:
        raise ValueError(f"{name} gave {len(codes)} rows for {num_rows} frames")
    parts = []
    for part, values in (("expression", codes.expression), ("pose", codes.pose)):
        _expect_floating(f"{name} {part}", values)
        parts.append(values.to(CPU, torch.float32))
        if not torch.isfinite(parts[-1]).all():
            raise ValueError(f"{name} gave codes that are not finite")
    return MotionCode(codes.space, *parts)


def taken_motion(motion: MotionTrack, track: FaceTrack) -> MotionTrack:
    """The settled motion of a track, with its codes on the CPU.

    Raises:
        ValueError: it does not fit the track, or is not finite.
    """
    codes = taken_codes("settle()", motion.codes, len(track))
    neutral = taken_codes("settle() neutral", motion.neutral, 1)
    expect_shape("settle() present", motion.present, (len(track),))
    expect_shape("settle() blendshapes", motion.blendshapes, (len(track), "B"))
    start = int(track.index[0])
    if motion.start != start:
        raise ValueError(f"settle() gave start {motion.start}, the track starts at {start}")
    return dataclasses.replace(motion, codes=codes, neutral=neutral)


def taken_appearance(looks: Appearance, faces: FaceBatch) -> Appearance:
    """What an encoder said of N windows. Its own fields are between it and its generator.

    Raises:
        ValueError: it is no appearance, or of another number of faces.
    """
    if not isinstance(looks, Appearance):
        raise ValueError(f"encode() gave a {type(looks).__name__}, expected an Appearance")
    if len(looks.faces) != len(faces):
        raise ValueError(f"encode() gave {len(looks.faces)} faces for {len(faces)}")
    return looks


def taken_generated(name: str, edited: Generated, faces: FaceBatch) -> Generated:
    """Edited windows, in single precision; their landmarks are brought to the pixels where they lie elsewhere.

    Args:
        name: the method that gave them, for messages.
        edited: what it gave.
        faces: the windows that were edited.

    Raises:
        ValueError: a shape, type or device does not fit, or pixels are not finite.
    """
    if not isinstance(edited, Generated):
        raise ValueError(f"{name} gave a {type(edited).__name__}, expected a Generated")
    given = {f"{name} pixels": (edited.pixels, 3)}
    if edited.confidence is not None:
        given[f"{name} confidence"] = (edited.confidence, 1)
    pixels, *others = _taken_pictures(given, faces)
    expect_shape(f"{name} landmarks_px", edited.landmarks_px, (len(faces), "P", 3))
    landmarks, confidence = beside(edited.landmarks_px, pixels), others[0] if others else None
    # A generator may give more than is asked for, to a compositor of its own.
    return dataclasses.replace(edited, pixels=pixels, landmarks_px=landmarks, confidence=confidence)


def taken_composited(shown: Composited, faces: FaceBatch) -> Composited:
    """What a compositor puts back into the frames, in single precision.

    Raises:
        ValueError: a shape, type or device does not fit, or values are not finite.
    """
    if not isinstance(shown, Composited):
        raise ValueError(f"composite() gave a {type(shown).__name__}, expected a Composited")
    given = {"composite() pixels": (shown.pixels, 3), "composite() matte": (shown.matte, 1)}
    return Composited(*_taken_pictures(given, faces))


def taken_matte(matte: torch.Tensor, faces: FaceBatch) -> torch.Tensor:
    """(N, 1, h, w) the matte that a matte maker gave, in single precision.

    Raises:
        ValueError: its shape, type or device does not fit, or it is not finite.
    """
    return _taken_pictures({"matte()": (matte, 1)}, faces)[0]


def _taken_pictures(given: Mapping[str, tuple[torch.Tensor, int]], faces: FaceBatch) -> list[torch.Tensor]:
    """Pictures by their names for messages, each with its number of channels, in single precision.

    Whether they are finite is asked of the device once for all of them, since the device is waited for meanwhile.
    """
    height, width = faces.pixels.shape[2:]
    for name, (picture, channels) in given.items():
        expect_shape(name, picture, (len(faces), channels, height, width))
        _expect_floating(name, picture)
        if picture.device != faces.pixels.device:
            raise ValueError(f"{name} lie on {picture.device}, expected {faces.pixels.device}, where the windows are")
    # One sum tells as much as a look at each value, at a fraction of the memory traffic.
    sums = torch.stack([picture.sum().float() for picture, _ in given.values()])
    for name, finite in zip(given, torch.isfinite(sums).tolist(), strict=True):
        if not finite:
            raise ValueError(f"{name} are not finite")
    return [picture.to(torch.float32) for picture, _ in given.values()]


def _expect_floating(name: str, values: torch.Tensor) -> None:
    if not values.is_floating_point():
        raise ValueError(f"{name} are {values.dtype}, expected a floating-point type")
