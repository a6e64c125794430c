"""Which face is meant where a picture shows several."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["FACE_FORMS", "REFERENCE_PREFIX", "FaceChoice", "face_text", "parse_face"]

FACE_FORMS = "largest, smallest, left, right, 0, 1, ... from the left, position:X,Y, size:SHARE, "
FACE_FORMS += "track:FRAME,X,Y or reference:FILE"
"""How people write it."""
_WORDS = ("largest", "smallest", "left", "right")
REFERENCE_PREFIX = "reference:"
"""What a face that is chosen by a picture of it is written with."""
_NUMBER = r"(\d+(?:\.\d+)?)"
_POSITION = re.compile(rf"position:{_NUMBER},{_NUMBER}")
_SIZE = re.compile(rf"size:{_NUMBER}")
_TRACK = re.compile(rf"track:(\d+),{_NUMBER},{_NUMBER}")
Share = Field(default=0.5, ge=0, le=1)


class FaceChoice(BaseModel):
    """Which face is meant where a frame shows several."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    by: Literal["largest", "smallest", "left", "right", "index", "position", "size", "track", "reference"] = "largest"
    index: int = Field(default=0, ge=0)
    """For ``index``: 0-based, left to right, at the first frame in which all are seen."""
    x: float = Share
    """For ``position`` and ``track``: middle of the face, as a share of the picture's width."""
    y: float = Share
    """...and of its height."""
    size: float = Share
    """For ``size``: height of the face, as a share of the picture's height."""
    frame: int = Field(default=0, ge=0)
    """For ``track``: frame of the media in which the face is at x and y."""
    reference: str = ""
    """For ``reference``: a picture of the person, as a path or URL; in a plan the file's path."""
    reference_digest: str = ""
    """Content digest of that file, in a plan."""

    def __str__(self) -> str:
        details = {
            "index": f"{self.by} {self.index}",
            "position": f"position:{self.x:g},{self.y:g}",
            "size": f"size:{self.size:g}",
            "track": f"track:{self.frame},{self.x:g},{self.y:g}",
            "reference": f"reference:{self.reference}",
        }
        return details.get(self.by, self.by)


def parse_face(text: str) -> FaceChoice:
    """The face that a person meant by ``text``, written as `FACE_FORMS` says.

    Raises:
        ValueError: it is written otherwise, or names a share beyond 1.
    """
    value = text.strip()
    if value.isdecimal():
        return FaceChoice(by="index", index=int(value))
    if match := _POSITION.fullmatch(value):
        return FaceChoice(by="position", x=float(match[1]), y=float(match[2]))
    if match := _SIZE.fullmatch(value):
        return FaceChoice(by="size", size=float(match[1]))
    if match := _TRACK.fullmatch(value):
        return FaceChoice(by="track", frame=int(match[1]), x=float(match[2]), y=float(match[3]))
    if value.startswith(REFERENCE_PREFIX) and len(value) > len(REFERENCE_PREFIX):
        return FaceChoice(by="reference", reference=value.removeprefix(REFERENCE_PREFIX))
    if value not in _WORDS:
        raise ValueError(f"face {text!r} is not known; expected {FACE_FORMS}")
    return FaceChoice.model_validate({"by": value})


def face_text(face: FaceChoice) -> str | dict[str, object]:
    """The face as `FACE_FORMS` writes it, or its fields where no text says exactly that."""
    details = {
        "index": f"{face.index}",
        "position": f"position:{face.x!r},{face.y!r}",
        "size": f"size:{face.size!r}",
        "track": f"track:{face.frame},{face.x!r},{face.y!r}",
        "reference": f"{REFERENCE_PREFIX}{face.reference}",
    }
    text = details.get(face.by, face.by)
    try:
        if parse_face(text) == face:
            return text
    except ValueError:
        pass
    return face.model_dump(exclude_defaults=True, mode="json")
