"""Numbered images that a timeline refers to as one clip."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.plans.media import MediaPlan, MissingImages

__all__ = ["FoundImages", "is_sequence", "read_sequence"]

_NUMBERS = re.compile(r"\[(\d+)-(\d*)(?:x(\d+))?\](?=\.[A-Za-z0-9]+$)")
_MOST_TRIED = 100_000
FoundImages = tuple[MediaPlan, bool, frozenset[int]]
"""The images as media, whether they can be transparent, and frames that are not there."""


def is_sequence(url: str) -> bool:
    """True where a reference means numbered images, or an image that is read like them."""
    return _NUMBERS.search(url) is not None or url.lower().endswith(".exr")


def read_sequence(
    url: str, find: Callable[[str], Path], *, rate: Fraction | None, missing: MissingImages
) -> FoundImages:
    """The images that ``url`` means.

    Args:
        url: with the numbers in brackets, ``plate.[1001-1100].exr``.
        find: finds the file that a reference without brackets means.
        rate: images a second; None takes 25.
        missing: what is shown for an image that is not there.

    Raises:
        MediaError: none of them is there, or they cannot be read.
    """
    from dpe_toolkit.media import probe_sequence, sequence_digest, sequence_of

    sequence = sequence_of(_folder_of(url, find))
    if sequence is None:
        raise MediaError("it is no image sequence", "numbers in brackets", "relink the clip", path=url)
    info = probe_sequence(sequence, rate or Fraction(25))
    plan = MediaPlan(
        path=sequence.path,
        digest=sequence_digest(sequence),
        width=info.width,
        height=info.height,
        num_frames=info.num_frames,
        rate=info.rate,
        start_frame=info.start_frame,
        pixel_format=info.layout.name,
        missing_images=missing,
    )
    return plan, info.layout.alpha, sequence.missing()


def _folder_of(url: str, find: Callable[[str], Path]) -> Path:
    """The path of the sequence, by the first of its images that is found."""
    match = _NUMBERS.search(url)
    if match is None:
        return find(url)
    first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
    fault: MediaError | None = None
    for number in range(first, min(last, first + _MOST_TRIED * max(1, step)) + 1, max(1, step)):
        try:
            found = find(f"{url[: match.start()]}{number:0{len(match[1])}d}{url[match.end() :]}")
        except MediaError as error:
            fault = fault or error
            continue
        return found.with_name(f"{found.name[: -len(_tail(found, number, len(match[1])))]}{match[0]}{found.suffix}")
    raise fault or MediaError("the sequence has no images", "a last number above the first", "relink it", path=url)


def _tail(found: Path, number: int, padding: int) -> str:
    return f"{number:0{padding}d}{found.suffix}"
