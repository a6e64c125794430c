"""What the output is: codec, container and quality.

========  ==============  ==========================================================
codec     by suffix       pixels
========  ==============  ==========================================================
h264      .mp4 .m4v       the source's 4:2:0, 4:2:2 or 4:4:4 at 8 or 10 bit
prores    .mov            ProRes 422 HQ, 4:2:2 at 10 bit
ffv1      .mkv            the source's own format, bit for bit
========  ==============  ==========================================================

Named by itself, a codec also goes into the other containers listed in `CONTAINERS`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dpe_toolkit.errors import MediaError
from dpe_toolkit.frames import PixelLayout

__all__ = ["CONTAINERS", "CodecName", "OutputSettings", "choose_codec", "encoder_format"]

CodecName = Literal["h264", "prores", "ffv1"]

_BY_SUFFIX: dict[str, CodecName] = {".mp4": "h264", ".m4v": "h264", ".mov": "prores", ".mkv": "ffv1"}
CONTAINERS: dict[CodecName, tuple[str, ...]] = {
    "h264": (".mp4", ".m4v", ".mov", ".mkv"),
    "prores": (".mov", ".mkv"),
    "ffv1": (".mkv",),
}
"""Suffixes that each codec may be written to."""
_FFV1_NAMES = {"gbrp": "bgr0", "gbrap": "bgra"}


class OutputSettings(BaseModel):
    """How the output is encoded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    codec: CodecName | None = Field(default=None, description="h264, prores or ffv1; by the output's suffix if unset")
    crf: int = Field(default=16, ge=0, le=51, description="H.264 quality: 0 is lossless, 16 looks like the source")
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"] = Field(
        default="veryfast", description="H.264 speed; slower presets give smaller files of the same look"
    )
    threads: int = Field(default=0, ge=0, le=64, description="encoder threads; 0 = as many as there are cores")


def choose_codec(path: Path, settings: OutputSettings) -> CodecName:
    """The codec to write ``path`` with.

    Raises:
        MediaError: an unknown suffix, or one that cannot hold the codec asked for.
    """
    suffix = path.suffix.lower()
    if suffix not in _BY_SUFFIX:
        raise MediaError(
            f"The output's suffix is {suffix!r}",
            f"one of {', '.join(sorted(_BY_SUFFIX))}",
            "rename the output",
            path=path,
        )
    codec = settings.codec or _BY_SUFFIX[suffix]
    if suffix not in CONTAINERS[codec]:
        raise MediaError(
            f"{codec} does not go into a {suffix} file",
            f"{codec} in {', '.join(CONTAINERS[codec])}",
            "rename the output or choose another codec",
            path=path,
        )
    return codec


def encoder_format(codec: CodecName, layout: PixelLayout, width: int, height: int) -> str:
    """FFmpeg's name of the pixel format to encode in: the source's own where the codec has it.

    H.264 cannot hold an odd size with subsampled chroma, so that such pictures become 4:4:4 rather than
    losing a row; RGB and gray become 4:2:0, which every player shows.
    """
    if codec == "prores":
        return "yuv422p10le"
    if codec == "ffv1":
        return _FFV1_NAMES.get(layout.name, layout.name)
    sampling = {(0, 0): "444", (1, 0): "422", (1, 1): "420", (0, 1): "444"}[layout.chroma_shift]
    if layout.family != "yuv":
        sampling = "420"
    if (width % 2 and sampling != "444") or (height % 2 and sampling == "420"):
        sampling = "444"
    return f"yuv{sampling}p" + ("" if layout.depth == 8 else "10le")
