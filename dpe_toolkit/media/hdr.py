"""HDR10's static metadata: how bright the mastering display was, and how bright the film gets.

Source: SMPTE ST 2086 and CTA-861.3; the layout of FFmpeg's AVMasteringDisplayMetadata and AVContentLightMetadata.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from av.buffer import Buffer
from av.video.frame import VideoFrame

__all__ = ["HdrInfo", "read_hdr"]

_MASTERING, _LIGHT = "MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"
_DYNAMIC = {"DOVI_METADATA": "Dolby Vision", "DYNAMIC_HDR_PLUS": "HDR10+", "DYNAMIC_HDR_VIVID": "HDR Vivid"}
_RATIONALS = 10


@dataclass(frozen=True, slots=True)
class HdrInfo:
    """What a file says of its brightness."""

    display: tuple[Fraction, ...] = ()
    """Red, green and blue primaries and white point, x and y of each, then least and most luminance in cd/m²; empty
    where it is not stated."""
    light: tuple[int, int] = (0, 0)
    """Most light of a pixel and of a frame's average, in cd/m²; 0 where it is not stated."""
    dynamic: tuple[str, ...] = ()
    """Kinds of metadata that change from scene to scene, which are never carried."""

    @property
    def is_static(self) -> bool:
        """Whether there is any of HDR10's own."""
        return bool(self.display) or any(self.light)

    def x265_parameters(self) -> str:
        """As parameters of the x265 encoder."""
        found = []
        if self.display:
            red, green, blue, white = (
                "({},{})".format(*(round(value * 50000) for value in self.display[at : at + 2])) for at in (0, 2, 4, 6)
            )
            least, most = (round(value * 10000) for value in self.display[8:])
            found.append(f"master-display=G{green}B{blue}R{red}WP{white}L({most},{least})")
        if any(self.light):
            found.append(f"max-cll={self.light[0]},{self.light[1]}")
        return ":".join(found)


def read_hdr(frame: VideoFrame) -> HdrInfo | None:
    """What a file's first picture says, None where it says nothing."""
    try:
        # What the library declares for its side data differs with its version, and is not what it has by name.
        data = cast("Mapping[str, Buffer]", frame.side_data)
        found = {name: bytes(data[name]) for name in (_MASTERING, _LIGHT, *_DYNAMIC) if name in data}
    except ValueError:
        return None  # Side data of a kind that PyAV does not know; it then shows none of it.
    if not found:
        return None
    display: tuple[Fraction, ...] = ()
    if len(found.get(_MASTERING, b"")) >= 88:
        numbers = struct.unpack("<22i", found[_MASTERING][:88])
        pairs = zip(numbers[0 : 2 * _RATIONALS : 2], numbers[1 : 2 * _RATIONALS : 2], strict=True)
        values = tuple(Fraction(top, bottom) if bottom else Fraction(0) for top, bottom in pairs)
        display = values if numbers[20] and numbers[21] else ()
    light = struct.unpack("<2I", found[_LIGHT][:8]) if len(found.get(_LIGHT, b"")) >= 8 else (0, 0)
    dynamic = tuple(title for name, title in _DYNAMIC.items() if name in found)
    return HdrInfo(display, (light[0], light[1]), dynamic)
