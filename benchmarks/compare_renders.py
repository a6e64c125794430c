"""Whether two checkouts render the same: the demonstration and twelve timelines, sample for sample.

    python benchmarks/compare_renders.py OLD [NEW] [--only NAME ...] [--keep FOLDER]

OLD and NEW are folders of checkouts (``git worktree add ../old TAG`` makes one); NEW is by default the one that holds
this script. Media and timelines are written once, by this script, with OpenTimelineIO and NEW's demonstration media;
both checkouts then render them by the command line, in processes and with caches of their own, with the interpreter
that runs this script, so that both use the same libraries. Every plane of every frame, every time stamp and every
sample of sound is compared.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import subprocess
import sys
import tempfile
import time
import wave
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange

ROOT = Path(__file__).resolve().parent.parent
RATE = 30000 / 1001
_DPE = "from dpe_toolkit.cli import main; main()"

Build = Callable[["Footage"], otio.schema.Timeline]


@dataclass(frozen=True)
class Footage:
    """The media that the timelines name."""

    astronaut: Path
    """A woman, 120 frames."""
    man: Path
    """A man who talks, 480 rows high too."""
    tone: Path
    """Ten seconds of a tone that rises, 48 kHz."""
    stills: Path
    """Folder of a numbered PNG sequence: the man's first 24 frames."""


# --- timelines ------------------------------------------------------------------------------------------------


def moment(frame: float) -> RationalTime:
    return RationalTime(frame, RATE)


def span(start: float, length: float) -> TimeRange:
    return TimeRange(moment(start), moment(length))


def reference(path: Path) -> otio.schema.ExternalReference:
    return otio.schema.ExternalReference(target_url=path.as_uri())


def clip(name: str, path: Path, start: float, length: float, *effects: otio.schema.Effect) -> otio.schema.Clip:
    return otio.schema.Clip(name, reference(path), span(start, length), effects=list(effects))


def edit(identity: str, driver: Path | None, **fields: object) -> otio.schema.Effect:
    metadata: dict[str, object] = {"schema": 1, "id": identity, "consent": "benchmark", **fields}
    driving = dict(fields.get("driving", {}) or {})  # type: ignore[call-overload] # a dictionary
    if driver is not None:
        metadata["driving"] = {"media": reference(driver), **driving}
    return otio.schema.Effect(effect_name="dpe.expression", metadata={"dpe": metadata})


def timeline(name: str, *tracks: Iterable[otio.core.Composable]) -> otio.schema.Timeline:
    made = otio.schema.Timeline(name)
    for number, items in enumerate(tracks):
        track = items if isinstance(items, otio.schema.Track) else otio.schema.Track(f"V{number + 1}", list(items))
        made.tracks.append(track)
    return made


def dissolve(before: float, behind: float) -> otio.schema.Transition:
    kind = otio.schema.TransitionTypes.SMPTE_Dissolve
    return otio.schema.Transition("dissolve", kind, moment(before), moment(behind))


def warp(scalar: float) -> otio.schema.Effect:
    return otio.schema.LinearTimeWarp(time_scalar=scalar)


def cuts(media: Footage) -> otio.schema.Timeline:
    """Plain and edited clips side by side, two of them parts of one take."""
    return timeline(
        "cuts",
        [
            clip("plain", media.man, 0, 8),
            clip("edited", media.astronaut, 10, 12, edit("a1", media.man, driving={"start": "20"})),
            clip("goes on", media.astronaut, 22, 6),
            otio.schema.Gap(source_range=span(0, 4)),
            clip("other", media.man, 30, 10, edit("a2", media.astronaut, expression=0.6)),
        ],
    )


def dissolves(media: Footage) -> otio.schema.Timeline:
    """Two edited clips that dissolve into each other, and a fade to black."""
    return timeline(
        "dissolves",
        [
            clip("first", media.astronaut, 20, 16, edit("b1", media.man)),
            dissolve(4, 4),
            clip("second", media.man, 40, 16, edit("b2", media.astronaut)),
            dissolve(5, 3),
            otio.schema.Gap(source_range=span(0, 8)),
        ],
    )


def layers(media: Footage) -> otio.schema.Timeline:
    """A clip over another, which ends under a dissolve of the upper one."""
    upper = [otio.schema.Gap(source_range=span(0, 6)), clip("top", media.man, 10, 12, edit("c1", media.astronaut))]
    return timeline("layers", [clip("below", media.astronaut, 0, 26, edit("c2", media.man, pose=0.3))], upper)


def speeds(media: Footage) -> otio.schema.Timeline:
    """Half speed, double speed, backwards."""
    return timeline(
        "speeds",
        [
            clip("slow", media.astronaut, 10, 12, warp(0.5), edit("d1", media.man)),
            clip("fast", media.man, 20, 8, warp(2.0), edit("d2", media.astronaut)),
            clip("back", media.astronaut, 40, 10, warp(-1.0), edit("d3", media.man)),
        ],
    )


def freezes(media: Footage) -> otio.schema.Timeline:
    """A freeze frame with and without a driver track over it."""
    driven = [
        clip("frozen", media.astronaut, 30, 14, otio.schema.FreezeFrame()),
        clip("still", media.man, 5, 4, warp(0)),
    ]
    driving = otio.schema.Track("DPE drivers", [clip("drives", media.man, 60, 14)])
    return timeline("freezes", driven, driving)


def driver_track(media: Footage) -> otio.schema.Timeline:
    """A driver track that begins and ends inside a clip."""
    driving = otio.schema.Track("DPE 1", [otio.schema.Gap(source_range=span(0, 6)), clip("drives", media.man, 80, 12)])
    return timeline("driver track", [clip("driven", media.astronaut, 0, 26)], driving)


def keyframes(media: Footage) -> otio.schema.Timeline:
    """Amounts and a region that move."""
    keys = {
        "expression": [["12", 0.0, "smooth"], ["20", 1.2], ["30", 0.4]],
        "mouth": [["14", 1.0, "hold"], ["24", 0.5]],
    }
    return timeline("keyframes", [clip("keyed", media.astronaut, 10, 24, edit("g1", media.man, keys=keys))])


def mattes(media: Footage) -> otio.schema.Timeline:
    """A polygon that moves, and one that is inverted."""
    shapes = [
        {"polygons": [["10", [[0.3, 0.1], [0.8, 0.1], [0.8, 0.9]]], ["24", [[0.2, 0.2], [0.9, 0.2], [0.7, 0.9]]]]},
        {"polygon": [[0.45, 0.3], [0.5, 0.3], [0.5, 0.5]], "feather_px": 3, "invert": True},
    ]
    return timeline("mattes", [clip("masked", media.astronaut, 10, 18, edit("h1", media.man, mattes=shapes))])


def regions(media: Footage) -> otio.schema.Timeline:
    """Relative mode, regions, a driver that is too short and loops, options of components."""
    fields = {"mode": "relative", "regions": {"brows": 0.0, "mouth": 0.8}, "fade_frames": 2}
    options = {"feather": {"feather_px": 20}}
    looped = {"start": "100", "when_short": "loop"}
    return timeline(
        "regions",
        [
            clip("relative", media.man, 0, 16, edit("i1", media.astronaut, **fields, options=options, driving=looped)),
            clip(
                "short",
                media.man,
                16,
                16,
                edit("i2", media.astronaut, driving={"start": "112", "when_short": "passthrough"}),
            ),
        ],
    )


def sequence(media: Footage) -> otio.schema.Timeline:
    """A numbered sequence as source, conformed from another rate."""
    frames = otio.schema.ImageSequenceReference(
        target_url_base=media.stills.as_uri() + "/",
        name_prefix="man.",
        name_suffix=".png",
        start_frame=1001,
        frame_zero_padding=4,
        rate=24,
        available_range=TimeRange(RationalTime(0, 24), RationalTime(24, 24)),
    )
    item = otio.schema.Clip("sequence", frames, TimeRange(RationalTime(2, 24), RationalTime(18, 24)))
    item.effects.append(edit("j1", media.astronaut))
    return timeline("sequence", [clip("lead", media.man, 0, 6), item])


def nested(media: Footage) -> otio.schema.Timeline:
    """A nested stack with its own retime, under a dissolve."""
    inner = otio.schema.Stack("nest", source_range=span(4, 14))
    inner.append(otio.schema.Track("inner", [clip("in nest", media.astronaut, 10, 20, edit("k1", media.man))]))
    return timeline("nested", [clip("before", media.man, 10, 14), dissolve(4, 4), inner])


def sounds(media: Footage) -> otio.schema.Timeline:
    """Sound tracks beside the images, one of them retimed with its images."""
    images = [clip("heard", media.astronaut, 10, 18, edit("l1", media.man)), clip("plain", media.man, 0, 10)]
    made = timeline("sounds", images)
    for number, start in enumerate((0, 40)):
        item = otio.schema.Clip(f"tone {number}", reference(media.tone), span(start, 24))
        made.tracks.append(otio.schema.Track(f"A{number + 1}", [item], kind=otio.schema.TrackKind.Audio))
    return made


TIMELINES: dict[str, Build] = {
    build.__name__: build
    for build in (
        cuts,
        dissolves,
        layers,
        speeds,
        freezes,
        driver_track,
        keyframes,
        mattes,
        regions,
        sequence,
        nested,
        sounds,
    )
}


# --- media ----------------------------------------------------------------------------------------------------


def make_footage(folder: Path, checkout: Path) -> Footage:
    """Media of the demonstration, made by ``checkout``, and what this script adds to them."""
    media = folder / "media"
    subprocess.run(
        [sys.executable, "-m", "dpe_toolkit.testing.demo", str(media)], check=True, env=environment(checkout, folder)
    )
    tone = media / "tone.wav"
    with wave.open(str(tone), "wb") as file:
        file.setparams((1, 2, 48000, 0, "NONE", ""))
        phases = (2 * math.pi * (200 + 20 * step / 48000) * step / 48000 for step in range(10 * 48000))
        file.writeframes(array("h", (round(9000 * math.sin(phase)) for phase in phases)).tobytes())
    stills = media / "stills"
    stills.mkdir(exist_ok=True)
    with av.open(str(media / "man.mp4")) as container:
        for number, frame in zip(range(1001, 1025), container.decode(video=0), strict=False):
            cv2.imwrite(str(stills / f"man.{number}.png"), frame.to_ndarray(format="bgr24"))
    return Footage(media / "astronaut.mp4", media / "man.mp4", tone, stills)


# --- rendering and comparing ----------------------------------------------------------------------------------


def environment(checkout: Path, home: Path) -> dict[str, str]:
    """The environment in which ``checkout`` is what is imported, with caches and weights of its own."""
    places = [checkout, *sorted(path for path in (checkout / "plugins").iterdir() if path.is_dir())]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
    }


def render(checkout: Path, name: str, source: Path, folder: Path) -> tuple[Path, float]:
    """The render of a timeline by a checkout, and its wall time in seconds."""
    output = folder / f"{name}.mkv"
    command = ["render", str(source), "-o", str(output), "--device", "cpu", "--cache-dir", str(folder / "cache")]
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _DPE, *command],
        env=environment(checkout, folder),
        cwd=checkout,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{checkout} did not render {name}:\n{done.stdout}{done.stderr}")
    return output, time.perf_counter() - begun


def fingerprint(path: Path) -> dict[str, list[str]]:
    """A digest of every frame and of every stream of sound of a file, with the times at which they are shown."""
    found: dict[str, list[str]] = {}
    with av.open(str(path)) as container:
        for stream in container.streams:
            if stream.type not in ("video", "audio"):
                continue
            key = f"{stream.type} {stream.index}"
            found[key] = []
            whole = hashlib.sha256()
            for packet in container.demux(stream):
                for frame in packet.decode():
                    planes = hashlib.sha256(b"".join(bytes(plane) for plane in frame.planes))
                    whole.update(planes.digest())
                    if stream.type == "video":
                        found[key].append(f"{frame.pts} {frame.format.name} {planes.hexdigest()}")
            if stream.type == "audio":
                found[key].append(whole.hexdigest())
            container.seek(0)
    return found


def differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> str:
    """What differs between the fingerprints of two renders in words; empty where nothing does."""
    if before.keys() != after.keys():
        return f"streams {sorted(before)} became {sorted(after)}"
    for stream, items in before.items():
        if len(items) != len(after[stream]):
            return f"{stream}: {len(items)} frames became {len(after[stream])}"
        unequal = [number for number, (one, two) in enumerate(zip(items, after[stream], strict=True)) if one != two]
        if unequal:
            return f"{stream}: {len(unequal)} of {len(items)} frames differ, the first is {unequal[0]}"
    return ""


def compare(old: Path, new: Path, folder: Path, only: Iterable[str]) -> int:
    """Renders and compares; the number of timelines that differ."""
    media = make_footage(folder, new)
    wanted = tuple(only)
    sources = {name: folder / f"{name}.otio" for name in TIMELINES if not wanted or name in wanted}
    for name, path in sources.items():
        otio.adapters.write_to_file(TIMELINES[name](media), str(path))
    if not wanted or "demo" in wanted:
        sources = {"demo": _demo(new, media, folder), **sources}
    print("| timeline | frames | new time / old time | difference |\n|---|---|---|---|", flush=True)
    failed = 0
    for name, path in sources.items():
        places = [folder / side for side in ("old", "new")]
        for place in places:
            place.mkdir(exist_ok=True)
        (first, first_s), (second, second_s) = (
            render(checkout, name, path, place) for checkout, place in zip((old, new), places, strict=True)
        )
        before, after = fingerprint(first), fingerprint(second)
        found = differences(before, after)
        frames = max(len(items) for items in after.values())
        print(f"| {name} | {frames} | {second_s / first_s:.2f} | {found or 'none'} |", flush=True)
        failed += bool(found)
    return failed


def _demo(checkout: Path, media: Footage, folder: Path) -> Path:
    """The demonstration's timeline, with its media in ``folder``."""
    made = otio.adapters.read_from_file(str(checkout / "timelines" / "demo.otio"))
    text = made.to_json_string().replace("../demo_output/media", media.man.parent.as_posix())
    path = folder / "demo.otio"
    path.write_text(text, encoding="utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path, nargs="?", default=ROOT)
    parser.add_argument("--only", nargs="*", default=(), choices=["demo", *TIMELINES])
    parser.add_argument("--keep", type=Path, help="folder for everything that is made, kept afterwards")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        folder = words.keep or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        failed = compare(words.old.resolve(), words.new.resolve(), folder.resolve(), words.only)
    if failed:
        raise SystemExit(f"{failed} timelines differ")
    print("\nall equal, sample for sample")


if __name__ == "__main__":
    main()
