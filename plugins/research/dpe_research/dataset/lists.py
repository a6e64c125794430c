"""Lists of clips, as published datasets of talking heads come with: what is read of them stands in docs/datasets.md."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

from dpe_research.dataset.entries import ListEntry
from dpe_research.dataset.index import Split
from dpe_toolkit.api import DatasetError

__all__ = ["read_list"]

_VOX_RATE = 25
_VOX_HEIGHT = 360
_VOX_COLUMNS = ("FRAME", "X", "Y", "W", "H")
_SHARES = 2.0
"""Boxes none of whose numbers is larger are shares of the picture."""


def read_list(path: Path) -> list[ListEntry]:
    """The entries of a list.

    Args:
        path: a CSV file with a heading (VoxCeleb's ``vox-metadata.csv`` is one), a folder of VoxCeleb's utterance
            files, or HDTF's ``..._annotion_time.txt``, beside which its ``..._crop_wh.txt`` is looked for.

    Raises:
        DatasetError: it is none of these, or a line of it cannot be understood; the line is named.
    """
    try:
        if path.is_dir():
            entries = [_utterance(file) for file in sorted(path.rglob("*.txt"))]
        elif path.suffix.lower() == ".csv":
            entries = list(_table(path))
        else:
            entries = list(_hdtf(path))
    except (OSError, UnicodeDecodeError) as error:
        raise _fault(path, f"the list cannot be read ({error})") from error
    if not entries:
        raise _fault(path, "the list names no clip")
    return entries


def _fault(path: Path, wrong: str) -> DatasetError:
    return DatasetError(
        wrong,
        "a CSV file with columns video and, where wanted, start and end; a folder of VoxCeleb's utterance files; or "
        "HDTF's ..._annotion_time.txt",
        "correct the list; docs/datasets.md says what is read of each",
        path=path,
    )


def _table(path: Path) -> Iterator[ListEntry]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            try:
                yield _row({key: (value or "").strip() for key, value in row.items() if isinstance(key, str)})
            except (ValueError, ZeroDivisionError, KeyError, TypeError) as error:
                raise _fault(path, f"line {number} cannot be understood ({error})") from error


def _row(row: Mapping[str, str]) -> ListEntry:
    video = row.get("video") or row.get("video_id", "")
    if not video:
        raise ValueError("it names no video")
    # An older form of VoxCeleb's table has both in one column.
    video, _, person = video.partition("#")
    identity = row.get("identity") or row.get("person_id") or person or Path(video).stem
    start, end = (_seconds(row.get(name, ""), row.get("fps", "")) for name in ("start", "end"))
    if end is not None and end <= (start or 0):
        raise ValueError(f"it ends at {row['end']}, before it starts")
    clip = row.get("id") or "-".join(dict.fromkeys((identity, Path(video).stem)))
    clip = clip if row.get("id") or start is None else f"{clip}-{row['start']}"
    size = (float(row.get("width") or 0), float(row.get("height") or 0))
    return ListEntry(
        video=video,
        clip=clip,
        identity=identity,
        start_s=start,
        end_s=end,
        box=_box(row.get("box") or row.get("bbox", "")),
        box_of=size if size[1] else None,
        split=_split(row.get("partition") or row.get("split", "")),
    )


def _seconds(text: str, rate: str) -> Fraction | None:
    """``12.5s`` is seconds; a bare number is a frame at the rate of its line."""
    if not text:
        return None
    if text.endswith("s"):
        return Fraction(text[:-1])
    if not rate:
        raise ValueError(f"{text!r} is a frame number, and there is no column fps; write seconds as 12.5s")
    return Fraction(text) / Fraction(rate)


def _box(text: str) -> tuple[float, float, float, float] | None:
    if not text:
        return None
    left, top, right, bottom = (float(part) for part in re.split(r"[-\s;]+", text))
    if right <= left or bottom <= top:
        raise ValueError(f"box {text!r} is empty")
    return left, top, right, bottom


def _split(text: str) -> Split | None:
    if text in ("", "train", "test"):
        return text or None  # type: ignore[return-value] # one of the two
    raise ValueError(f"partition {text!r} is neither train nor test")


def _utterance(path: Path) -> ListEntry:
    """One utterance of VoxCeleb: ``<identity>/<video>/<utterance>.txt``."""
    lines = path.read_text(encoding="utf-8").splitlines()
    notes = {key.strip(): value.strip() for key, colon, value in (line.partition(":") for line in lines) if colon}
    head = next((i for i, line in enumerate(lines) if tuple(line.split()) == _VOX_COLUMNS), None)
    try:
        if head is None:
            raise ValueError("it has no heading FRAME X Y W H")
        table = [[float(part) for part in line.split()] for line in lines[head + 1 :] if line.strip()]
        if not table or any(len(line) != len(_VOX_COLUMNS) for line in table):
            raise ValueError("its table is empty, or has lines of other than five numbers")
    except ValueError as error:
        raise _fault(path, f"the utterance cannot be understood ({error})") from error
    boxes = [(x, y, x + w, y + h) for _, x, y, w, h in table]
    left, top, right, bottom = zip(*boxes, strict=True)
    box = (min(left), min(top), max(right), max(bottom))
    identity = notes.get("Identity") or path.parent.parent.name
    video = notes.get("Reference") or path.parent.name
    return ListEntry(
        video=video,
        clip=f"{identity}-{video}-{path.stem}",
        identity=identity,
        start_s=Fraction(int(table[0][0]), _VOX_RATE),
        end_s=Fraction(int(table[-1][0]) + 1, _VOX_RATE),
        box=box,
        # The first VoxCeleb measured in pictures of 360 lines, the second in shares.
        box_of=(1, 1) if max(box) <= _SHARES else (0, _VOX_HEIGHT),
    )


def _hdtf(path: Path) -> Iterator[ListEntry]:
    crops = _hdtf_table(path.with_name(path.name.replace("annotion_time", "crop_wh")), path)
    heights = _hdtf_table(path.with_name(path.name.replace("annotion_time", "resolution")), path)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        name, *times = line.split() or [""]
        video = Path(name).stem
        for clip, text in enumerate(times):
            try:
                start, end = (_minutes(part) for part in text.split("-"))
                if end <= start:
                    raise ValueError("it ends before it starts")
                crop = [float(part) for part in crops.get(f"{video}_{clip}", ())]
                box = (crop[0], crop[2], crop[0] + crop[1], crop[2] + crop[3]) if crop else None
                height = float(heights[video][0]) if video in heights else 0.0
            except (ValueError, IndexError) as error:
                raise _fault(path, f"line {number}, time {text!r} cannot be understood ({error})") from error
            yield ListEntry(
                video=name,
                clip=f"{video}_{clip}",
                # Radio1 and Radio2 are two people, BarbaraLee0 and BarbaraLee1 are one.
                identity=video if video.startswith("Radio") else video.rstrip("0123456789") or video,
                start_s=start,
                end_s=end,
                box=box,
                box_of=(0, height) if height else None,
            )


def _hdtf_table(path: Path, own: Path) -> dict[str, list[str]]:
    if path == own or not path.is_file():
        return {}
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {Path(words[0]).stem: words[1:] for words in lines if len(words) > 1}


def _minutes(text: str) -> Fraction:
    """``01:30`` and ``1:01:30``."""
    total = Fraction(0)
    for part in text.split(":"):
        total = total * 60 + Fraction(part)
    return total
