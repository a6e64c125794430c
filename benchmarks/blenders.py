"""Compares compositors on footage: seam, colour, flicker and time.

    python benchmarks/blenders.py SOURCE DRIVER [SOURCE DRIVER ...] [--frames 48] [--pictures FOLDER]

Two kinds of edit are composited. *mesh*: the default generator's, which leaves what it need not change. *recast*: the
same face redrawn as a network draws it, all of the window changed: a colour cast that varies over the face and from
frame to frame (seeded), and a little blur. What is measured, in steps of 8 bits:

- *seam*: root mean square slope of what differs from the edit without the cast, in a ring of 8 % of the face's width
  about the edge of its hull; smoothed over five pixels first, so that steps count and lost grain does not.
- *colour*: mean absolute size of that difference inside the hull.
- *flicker*: how much that difference changes from frame to frame, on average.
- *ms*: processor milliseconds a frame, batches of eight on one thread; the median of the batches.

``--pictures`` writes a sheet of one frame of each blender, from the demonstration's photograph, never from footage.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

import cv2
import numpy as np
import torch
from skimage import data
from torch import Tensor
from torch.nn import functional as F

from dpe_toolkit.analysis import cut_faces, plan_windows
from dpe_toolkit.api import (
    ComponentContext,
    Compositor,
    Detector,
    Encoder,
    FaceBatch,
    FaceTrack,
    FrameBatch,
    Generated,
    Generator,
    MixRequest,
    MotionExtractor,
    ShotMaterial,
    Span,
    full_rgb,
)
from dpe_toolkit.editing.pipeline import Guarded, ShotComponents, ShotPipeline, retarget
from dpe_toolkit.geometry import write_window
from dpe_toolkit.media import VideoReader
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plugins import Registry, load_registry
from dpe_toolkit.testing import acted_clip, batch_from_rgb
from dpe_toolkit.testing.demo import push_in

BLENDERS: dict[str, tuple[str, dict[str, object]]] = {
    "feather": ("feather", {}),
    "feather, colour matched": ("feather", {"match_colour": True}),
    "poisson, multigrid": ("poisson", {}),
    "poisson, opencv": ("poisson", {"method": "opencv"}),
    "multiband": ("multiband", {}),
}
BATCH = 8
EDGE = 1.1
"""Size of the hull, over the face's, in whose edge's neighbourhood seams are looked for."""
RING_SHARE = 0.08


class Score(NamedTuple):
    """What one blender did to one clip."""

    seam: float
    colour: float
    flicker: float
    ms: float


class Edit(NamedTuple):
    """A clip's windows and two edits of them, in batches."""

    frames: list[FrameBatch]
    faces: list[FaceBatch]
    mesh: list[Generated]
    recast: list[Generated]


def make(registry: Registry, kind: str, name: str, options: dict[str, object] | None = None) -> object:
    choice = ComponentChoice(kind=kind, name=name, plugin="", version="", options=options or {})
    return registry.create(choice, ComponentContext(torch.device("cpu")))


def tracked(frames: FrameBatch, detector: Detector) -> FaceTrack:
    found = detector.detect(frames, None)
    if not all(len(faces) for faces in found):
        raise SystemExit("a face is missing in some frame; choose another clip")
    values = {
        name: np.stack([getattr(faces, name)[0] for faces in found])
        for name in ("boxes_px", "landmarks_px", "scores", "blendshapes")
    }
    return FaceTrack(index=frames.index, present=np.ones(len(found), np.bool_), **values)


def edited(registry: Registry, source: FrameBatch, driver: FrameBatch) -> Edit:
    """Both edits of the source by the driver."""
    detector = cast("Detector", make(registry, "detector", "face_mesh"))
    motion = cast("MotionExtractor", make(registry, "motion", "mesh"))
    encoder = cast("Encoder", make(registry, "encoder", "mesh"))
    generator = cast("Generator", make(registry, "generator", "mesh"))
    frames = {"source": source, "driver": driver}
    tracks = {role: tracked(batch, detector) for role, batch in frames.items()}
    plans = {role: plan_windows(track) for role, track in tracks.items()}

    def fetch(role: str, rows: np.ndarray) -> FaceBatch:  # type: ignore[type-arg]
        return cut_faces(frames[role].take(rows), tracks[role], rows, plans[role])

    every = {role: np.arange(len(batch)) for role, batch in frames.items()}
    moved = {
        role: motion.settle(motion.extract(fetch(role, every[role])), tracks[role], frames[role].rate, None)
        for role in frames
    }
    count = len(source)
    rows = np.minimum(every["source"], len(driver) - 1)
    request = MixRequest(torch.ones(count), torch.zeros(count))
    target = retarget(Guarded(motion), moved["source"], moved["driver"], moved["driver"].codes.take(rows), request)
    fetches = (lambda rows: fetch("source", rows), lambda rows: fetch("driver", rows))
    material = ShotMaterial(moved["source"], moved["driver"], rows.astype(np.float64), target, request, *fetches)
    compositor = cast("Compositor", make(registry, "compositor", "feather"))
    pipeline = ShotPipeline(ShotComponents.of(encoder, generator, compositor), material, torch.device("cpu"))
    result = Edit([], [], [], [])
    for start in range(0, count, BATCH):
        part = every["source"][start : start + BATCH]
        faces = fetch("source", part)
        mesh = pipeline.edit(part, faces, fetch("driver", rows[part])).generated
        result.frames.append(source.take(part))
        result.faces.append(faces)
        result.mesh.append(mesh)
        result.recast.append(recast(mesh, part))
    return result


def recast(edit: Generated, rows: np.ndarray) -> Generated:  # type: ignore[type-arg]
    """The edit as a network would redraw it: another colour here than there and now than then, and softer."""
    _, _, height, width = edit.pixels.shape
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    pictures = []
    for row, picture in zip(rows, edit.pixels, strict=True):
        generator = torch.Generator().manual_seed(int(row))
        noise = torch.randn(3, generator=generator) * 0.006
        tint = torch.tensor([0.055, 0.02, -0.03]) + noise
        light = 1 + 0.06 * x - 0.04 * y
        soft = F.avg_pool2d(F.pad(picture[None], (1, 1, 1, 1), mode="replicate"), 3, 1)[0]
        pictures.append(soft * light + tint[:, None, None])
    return Generated(torch.stack(pictures), edit.landmarks_px, edit.confidence)


def areas(faces: FaceBatch) -> tuple[Tensor, Tensor]:
    """(N, 1, h, w) bool: the ring about the edge of the grown hull, and the inside of the hull."""
    _, _, height, width = faces.pixels.shape
    rings, insides = [], []
    for points in faces.landmarks_px[:, :, :2].numpy():
        hull = cv2.convexHull(np.ascontiguousarray(points))[:, 0]
        centre = hull.mean(axis=0)
        grown = np.round(centre + (hull - centre) * EDGE).astype(np.int32)
        filled = np.zeros((height, width), np.uint8)
        cv2.fillConvexPoly(filled, grown, 1)
        reach = max(int(RING_SHARE * np.ptp(points[:, 0])), 2)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        inner = cv2.erode(filled, kernel)
        rings.append(cv2.dilate(filled, kernel) - inner)
        insides.append(inner)
    return tuple(torch.from_numpy(np.stack(held))[:, None].bool() for held in (rings, insides))  # type: ignore[return-value]


def score(compositor: Compositor, edit: Edit, kind: str) -> Score:
    """The blender's figures on one kind of edit."""
    seams, colours, flickers, times = [], [], [], []
    before: tuple[Tensor, Tensor] | None = None
    for faces, mesh, given in zip(edit.faces, edit.mesh, getattr(edit, kind), strict=True):
        start = time.process_time()
        shown = compositor.composite(faces, given)
        times.append((time.process_time() - start) * 1000 / len(faces))
        ring, inside = areas(faces)
        change = (shown.pixels - faces.pixels) * shown.matte * 255
        wanted = (mesh.pixels - faces.pixels) * 255
        excess = slope(F.avg_pool2d(change - wanted, 5, 1, 2))
        seams.append(float((excess**2 * ring).sum() / ring.sum()))
        error = change - wanted
        colours.append(float((error * inside).abs().sum() / inside.sum() / 3))
        # The mean over a frame moves by whole windows only, so that frames can be compared.
        means = (error * inside).sum((2, 3)) / inside.sum((2, 3))
        flickers += (means.diff(dim=0).abs().mean(dim=1)).tolist()
        if before is not None:
            flickers.append(float((means[0] - before[0]).abs().mean()))
        before = (means[-1], means[-1])
    return Score(
        float(np.sqrt(np.mean(seams))), float(np.mean(colours)), float(np.mean(flickers)), statistics.median(times)
    )


def slope(values: Tensor) -> Tensor:
    """(N, 1, h, w) length of the gradient, over all channels."""
    across = F.pad(values.diff(dim=3), (0, 1))
    down = F.pad(values.diff(dim=2), (0, 0, 0, 1))
    return (across**2 + down**2).mean(dim=1, keepdim=True).sqrt()


def read(path: Path, count: int) -> FrameBatch:
    with VideoReader(path) as reader:
        return reader.read(Span(0, min(count, reader.info.num_frames)))


def write_pictures(registry: Registry, folder: Path) -> None:
    """One frame of each blender, from the demonstration's photograph."""
    folder.mkdir(parents=True, exist_ok=True)
    photograph = np.ascontiguousarray(data.astronaut())
    source = batch_from_rgb(np.stack([push_in(photograph, frame) for frame in range(40, 48)]))
    edit = edited(registry, source, acted_clip(8).frames())
    row = 3
    views = {"source": full_rgb(source, row)}
    for name, (component, options) in BLENDERS.items():
        compositor = cast("Compositor", make(registry, "compositor", component, options))
        shown = compositor.composite(edit.faces[0], edit.recast[0])
        written = write_window(
            source, edit.faces[0].placement.origin_px, edit.faces[0].pixels, shown.pixels, shown.matte
        )
        views[name] = full_rgb(written, row)
    left, top, right, bottom = (max(int(value), 0) for value in face_part(edit.faces[0], row))
    cuts = [view[top:bottom, left:right, ::-1] for view in views.values()]
    sheet = np.concatenate([np.concatenate(cuts[start : start + 3], axis=1) for start in (0, 3)])
    path = folder / "blenders.jpg"
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, 90])
    print(f"{path}: {', '.join(views)}, row by row")


def face_part(faces: FaceBatch, row: int) -> np.ndarray:  # type: ignore[type-arg]
    """Left, top, right, bottom of the face with some room, in frame pixels."""
    points = faces.landmarks_px[row, :, :2].numpy() + faces.placement.origin_px[row]
    low, high = points.min(axis=0), points.max(axis=0)
    room = 0.35 * (high - low)
    return np.concatenate([low - room, high + room])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path, metavar="SOURCE DRIVER")
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--pictures", type=Path)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    registry = load_registry()
    if chosen.pictures is not None:
        write_pictures(registry, chosen.pictures)
    pairs = list(zip(chosen.clips[::2], chosen.clips[1::2], strict=True))
    if not pairs:
        return
    edits = [edited(registry, read(source, chosen.frames), read(driver, chosen.frames)) for source, driver in pairs]
    for kind in ("mesh", "recast"):
        print(f"\n| {kind} | seam | colour | flicker | ms |\n|---|---|---|---|---|")
        for name, (component, options) in BLENDERS.items():
            compositor = cast("Compositor", make(registry, "compositor", component, options))
            scores = [score(compositor, edit, kind) for edit in edits]
            mean = Score(*(float(np.mean(column)) for column in zip(*scores, strict=True)))
            print(f"| {name} | {mean.seam:.2f} | {mean.colour:.2f} | {mean.flicker:.2f} | {mean.ms:.1f} |")


if __name__ == "__main__":
    main()
