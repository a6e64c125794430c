"""The ways of pasting a network's picture at full resolution, measured on footage.

    python benchmarks/dpe_paste.py SOURCE [DRIVER] [--weights FILE] [--frames 6] [--apart 5]

Three questions, one table each, all inside the matte of compositor ``feather``:

1. Driver = source: how far is the result from the source, in 8-bit steps? The network is made to draw,
   although the plugin would not even ask it to.
2. A stand-in for a trained network, whose edit is known: from frame i to frame i + APART of the source.
   Its pictures are the two frames shrunk to 256 px and softened, its flow is optical flow between them and its mask
   falls where that flow explains little. The result is compared with the true frame at full resolution.
3. An edit of the source by DRIVER with the weights: sharpness against the source, and change.

Without --weights the network is random: then 1 and 3 say what the paste does, not what faces look like.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dpe_portrait.encoder import WINDOW, DpeAppearance, DpeEncoder
from dpe_portrait.model import DpeModel, open_model
from dpe_portrait.options import ModelOptions, PasteMode
from dpe_portrait.paste import Renderings, paste
from dpe_toolkit.analysis import ComponentPool, cut_faces, plan_windows
from dpe_toolkit.analysis.choosing import choose_face
from dpe_toolkit.analysis.tracks import build_track, find_people
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.components import ComponentContext
from dpe_toolkit.editing.protocols import Generated
from dpe_toolkit.editing.stages import COMPOSITOR, DETECTOR
from dpe_toolkit.face.choice import FaceChoice
from dpe_toolkit.face.tracks import Detections, FaceBatch, FaceTrack
from dpe_toolkit.geometry import cut_aligned
from dpe_toolkit.media import VideoReader
from dpe_toolkit.networks import Rendering, corner_grid
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plugins import load_registry

MODES: tuple[PasteMode, ...] = get_args(PasteMode)
SOFT_SIGMA_PX = 1.0
"""Of the stand-in's pictures: a network's reconstruction is softer than its input."""


@dataclass(frozen=True)
class Scene:
    """Some faces of a clip, and who finds and composites them."""

    path: Path
    pool: ComponentPool
    track: FaceTrack

    @classmethod
    def of(cls, path: Path, pool: ComponentPool, num_frames: int) -> Scene:
        """The largest face of the first frames of a clip."""
        detector = pool.get(DETECTOR, choice("detector", "face_mesh"), path.stem)
        found: list[Detections] = []
        with VideoReader(path) as reader:
            span = Span(0, min(num_frames, reader.info.num_frames))
            for batch in reader.iterate(span, 8):
                found += detector.detect(batch, found[-1] if found else None)
            people = find_people(found, reader.info.rate)
        person = choose_face(people, found, FaceChoice(), span)
        if person is None:
            raise SystemExit(f"no face in {path}")
        return cls(path, pool, build_track(person, found, span))

    def faces(self, rows: list[int], windows_of: list[int] | None = None) -> FaceBatch:
        """The windows of these rows, or what these rows show in the windows of others."""
        windows = plan_windows(self.track, WINDOW)
        place = np.array(rows if windows_of is None else windows_of)
        with VideoReader(self.path) as reader:
            parts = [reader.read(Span(row, row + 1)) for row in rows]
        planes = tuple(np.concatenate(each) for each in zip(*(part.planes for part in parts), strict=True))
        frames = type(parts[0])(
            planes,
            parts[0].layout,
            parts[0].color,
            np.array(rows, np.int64),
            np.array(rows, np.int64),
            parts[0].time_base,
            parts[0].rate,
        )
        return cut_faces(frames, self.track, place, windows)

    def matte(self, faces: FaceBatch, pixels: Tensor) -> Tensor:
        """Where the default compositor would show these pixels."""
        compositor = self.pool.get(COMPOSITOR, choice("compositor", "feather"), self.path.stem)
        return compositor.composite(faces, Generated(pixels, faces.landmarks_px)).matte


def choice(kind: str, name: str) -> ComponentChoice:
    return ComponentChoice(kind=kind, name=name, plugin="", version="")


def sharpness(pixels: Tensor, matte: Tensor) -> Tensor:
    """(N,) energy of the Laplacian of the luma inside the matte."""
    luma = pixels.mean(dim=1, keepdim=True)
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]], device=pixels.device)[None, None]
    energy = F.conv2d(luma, kernel, padding=1).square() * matte
    return energy.sum((1, 2, 3)) / matte.sum((1, 2, 3)).clamp_min(1e-6)


def weighted(values: Tensor, matte: Tensor) -> float:
    return float((values * matte).sum() / (matte.sum() * values.shape[1]).clamp_min(1e-6))


def renderings(model: DpeModel, looks: DpeAppearance, driver: Tensor | None) -> Renderings:
    """The expression edit by a driver's latents, or by the source's own, and the rendering without an edit."""
    branch, network = model.expression_branch, model.network
    latent = looks.encoded.latent
    code = latent + network.motion_code(latent if driver is None else driver, branch)
    return Renderings(network.render(code, looks.encoded, branch), network.render_self(looks.encoded, branch))


def stand_in(source: Tensor, target: Tensor) -> Renderings:
    """What a network would draw that knows the target, (N, 3, S, S) pictures in [0, 1]."""
    size = source.shape[-1]
    raws = []
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for own, wanted in zip(source, target, strict=True):
        gray = [(each.mean(0).clamp(0, 1) * 255).byte().numpy() for each in (wanted, own)]
        moved = torch.from_numpy(flow.calc(gray[0], gray[1], None)).permute(2, 0, 1) * (2 / size)
        grid = moved.permute(1, 2, 0) + corner_grid(size, moved)[0] * (1 - 1 / size)
        shown = F.grid_sample(own[None], grid[None], padding_mode="border", align_corners=False)[0]
        missed = F.avg_pool2d((shown - wanted).abs().mean(0)[None, None], 5, 1, 2)[0, 0]
        mask = torch.exp(-((missed / 0.06) ** 2)).clamp(0.002, 0.99)
        raws.append(torch.cat((torch.atanh(moved.clamp(-0.99, 0.99)), torch.logit(mask)[None])))
    raw = torch.stack(raws)
    still = torch.zeros_like(raw)
    still[:, 2] = torch.logit(torch.tensor(0.99))
    soft = [torch.from_numpy(blurred(each)) * 2 - 1 for each in (target, source)]
    return Renderings(Rendering(soft[0], (raw,)), Rendering(soft[1], (still,)))


def blurred(pictures: Tensor) -> np.ndarray:  # type: ignore[type-arg] # float32 as it comes
    rows = [cv2.GaussianBlur(each.permute(1, 2, 0).numpy(), (0, 0), SOFT_SIGMA_PX) for each in pictures]
    return np.stack(rows).transpose(0, 3, 1, 2)


def print_rows(title: str, columns: tuple[str, ...], row: Callable[[PasteMode], tuple[float, ...]]) -> None:
    print(f"\n{title}\n| paste | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for mode in MODES:
        print(f"| {mode} | {' | '.join(f'{value:.3f}' for value in row(mode))} |")


def measure_identity(scene: Scene, model: DpeModel, faces: FaceBatch) -> None:
    looks = DpeEncoder(model).encode(faces)
    drawn = renderings(model, looks, None)

    def row(mode: PasteMode) -> tuple[float, ...]:
        after = paste(faces.pixels, looks.squares_px, drawn, mode)
        change = (after.clamp(0, 1) - faces.pixels.clamp(0, 1)).abs() * 255
        return weighted(change, scene.matte(faces, after)), float(change.max())

    print_rows("Driver = source", ("mean change (8-bit)", "largest"), row)


def measure_stand_in(scene: Scene, model: DpeModel, rows: list[int], apart: int) -> None:
    faces, truth = scene.faces(rows), scene.faces([row + apart for row in rows], rows).pixels.clamp(0, 1)
    squares = DpeEncoder(model).encode(faces).squares_px
    crops = [cut_aligned(each, squares, model.size_px).clamp(0, 1) for each in (faces.pixels, truth)]
    drawn = stand_in(crops[0], crops[1])
    matte = scene.matte(faces, truth)

    def row_of(after: Tensor) -> tuple[float, ...]:
        error = (after.clamp(0, 1) - truth).square()
        psnr_db = 10 * np.log10(1 / max(weighted(error, matte), 1e-12))
        worst = torch.quantile(error.mean(1)[matte[:, 0] > 0.5].sqrt() * 255, 0.99)
        return float(psnr_db), float((sharpness(after, matte) / sharpness(truth, matte)).mean()), float(worst)

    columns = ("PSNR dB to the true frame", "sharpness, true = 1", "99 % error (8-bit)")
    side = float(squares[0, 2])
    print_rows(
        f"Stand-in, {apart} frames apart, crop {side:.0f} px",
        columns,
        lambda mode: row_of(paste(faces.pixels, squares, drawn, mode)),
    )
    print(f"| no edit | {' | '.join(f'{value:.3f}' for value in row_of(faces.pixels))} |")


def measure_edit(scene: Scene, model: DpeModel, faces: FaceBatch, driver: FaceBatch) -> None:
    encoder = DpeEncoder(model)
    looks = encoder.encode(faces)
    drawn = renderings(model, looks, encoder.encode(driver).encoded.latent)

    def row(mode: PasteMode) -> tuple[float, ...]:
        after = paste(faces.pixels, looks.squares_px, drawn, mode).clamp(0, 1)
        matte = scene.matte(faces, after)
        change = weighted((after - faces.pixels.clamp(0, 1)).abs() * 255, matte)
        return float((sharpness(after, matte) / sharpness(faces.pixels, matte)).mean()), change

    print_rows("Edit by the driver", ("sharpness, source = 1", "mean change (8-bit)"), row)


def main() -> None:
    """Reads the options and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("driver", type=Path, nargs="?")
    parser.add_argument("--weights", type=Path, help="weights file; random ones by default")
    parser.add_argument("--frames", type=int, default=6, help="frames measured, evenly spread over the clip's start")
    parser.add_argument("--apart", type=int, default=5, help="frames between a source and its true edit")
    parser.add_argument("--span", type=int, default=120, help="length of that start, in frames")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    device = torch.device("cpu")
    pool = ComponentPool(load_registry(), device)
    chosen = ModelOptions(weights="" if options.weights else "random", dtype="bf16")
    model = open_model(chosen, ComponentContext(device, options.weights))
    scene = Scene.of(options.source, pool, options.span)
    last = len(scene.track) - 1 - options.apart
    rows = [int(row) for row in np.linspace(0, last, options.frames)]
    print(f"{options.source.name}, weights {options.weights.name if options.weights else 'random'}")
    faces = scene.faces(rows)
    measure_identity(scene, model, faces)
    measure_stand_in(scene, model, rows, options.apart)
    if options.driver is not None:
        driver = Scene.of(options.driver, pool, options.span)
        measure_edit(scene, model, faces, driver.faces([min(row, len(driver.track) - 1) for row in rows]))


if __name__ == "__main__":
    main()
