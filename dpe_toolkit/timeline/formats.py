"""Timelines of other programs, read and written by OpenTimelineIO's adapters where these are installed."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio  # type: ignore[import-untyped] # ships no types

from dpe_toolkit.core.errors import TimelineError, first_line, nearest_names
from dpe_toolkit.core.files import replaced
from dpe_toolkit.timeline.author import write_otio
from dpe_toolkit.timeline.avid import WRITE_OPTIONS, dressed_for_aaf

__all__ = ["FORMATS", "TimelineFormat", "expect_adapter", "format_of", "read_foreign", "write_format"]


@dataclass(frozen=True, slots=True)
class TimelineFormat:
    """A kind of timeline file."""

    name: str
    suffix: str
    title: str
    adapter: str = ""
    """As OpenTimelineIO calls it; empty for its own format."""
    package: str = ""
    loses: str = ""
    """What does not come back from a file of this kind."""

    @property
    def one(self) -> str:
        """One file of this kind, in words."""
        return f"{'an' if self.title[0] in 'AO' else 'a'} {self.title}"

    @property
    def loss(self) -> str:
        """That a file of this kind does not keep all, in words; empty where it does."""
        return f"{self.one} does not keep {self.loses}" if self.loses else ""


_METADATA = "effects and their metadata (marker and sidecar stay)"
FORMATS: dict[str, TimelineFormat] = {
    one.name: one
    for one in (
        TimelineFormat("otio", ".otio", "OpenTimelineIO"),
        TimelineFormat(
            "fcp7",
            ".xml",
            "Final Cut Pro 7 XML",
            "fcp_xml",
            "otio-fcp-adapter",
            f"{_METADATA}, speeds, nested stacks, all but one reference",
        ),
        TimelineFormat(
            "edl",
            ".edl",
            "CMX 3600 EDL",
            "cmx_3600",
            "otio-cmx3600-adapter",
            f"{_METADATA}, some speeds, nested stacks, all picture tracks but one, folders of media, "
            "all but one reference",
        ),
        TimelineFormat(
            "fcpx",
            ".fcpxml",
            "Final Cut Pro X XML",
            "fcpx_xml",
            "otio-fcpx-xml-adapter",
            f"{_METADATA}, dissolves, speeds, all but one reference",
        ),
        TimelineFormat(
            "kdenlive",
            ".kdenlive",
            "Kdenlive project",
            "kdenlive",
            "otio-kdenlive-adapter",
            "effects, markers (the sidecar stays), dissolves, speeds, nested stacks, all but one reference",
        ),
        TimelineFormat(
            "aaf",
            ".aaf",
            "AAF",
            "AAF",
            "otio-aaf-adapter",
            "effects, markers (the sidecar stays), speeds, all but one reference",
        ),
    )
}
"""Name to format. What each loses was seen in round trips through the adapters; hosts were not run."""


def format_of(path: Path, name: str | None = None) -> TimelineFormat:
    """The format that is named, else that of a file's suffix.

    Raises:
        TimelineError: there is none.
    """
    if name is not None:
        if name not in FORMATS:
            raise TimelineError(f"there is no format {name!r}", nearest_names(name, FORMATS), "correct --format")
        return FORMATS[name]
    found = next((one for one in FORMATS.values() if one.suffix == path.suffix.lower()), None)
    if found is None:
        raise TimelineError(
            f"timelines of kind {path.suffix or path.name!r} are not written",
            f"a name that ends in one of {', '.join(one.suffix for one in FORMATS.values())}",
            "name the output so, or give --format",
            path=path,
        )
    return found


def read_foreign(path: Path, *, rate: Fraction | None = None) -> Any:
    """What an adapter makes of a file, as OpenTimelineIO has it.

    Args:
        path: a file whose suffix is that of a format other than OpenTimelineIO's own.
        rate: frames a second for formats that do not say it.

    Raises:
        TimelineError: the adapter is not installed, or cannot read the file.
    """
    kind = format_of(path)
    expect_adapter(kind, path)
    options = {"rate": float(rate)} if rate is not None and kind.name == "edl" else {}
    try:
        with _unheard():
            return otio.adapters.read_from_file(str(path), kind.adapter, **options)
    except Exception as error:
        expected, action = kind.one, "export it again"
        if kind.name == "edl" and rate is None:
            expected += " of 24 frames a second, since an EDL does not say its rate"
            action += (
                ", or where it has another rate make an .otio of it: 'dpe conform' takes the rate of the older cut"
            )
        raise TimelineError(
            f"{kind.package} cannot read it: {first_line(error)}", expected, action, path=path
        ) from error


def write_format(timeline: Any, output: Path, kind: TimelineFormat) -> Path:
    """Writes an OTIO timeline in a format, in one step, and returns the path.

    Raises:
        TimelineError: the adapter is not installed, or cannot write this timeline.
    """
    if not kind.adapter:
        return write_otio(timeline, output)
    expect_adapter(kind, output)
    try:
        options = {}
        if kind.name == "aaf":
            timeline, options = dressed_for_aaf(timeline), WRITE_OPTIONS
        else:
            timeline = _with_nested_ranges(timeline)
        with replaced(output, keep_suffix=True) as part, _unheard():
            otio.adapters.write_to_file(timeline, str(part), kind.adapter, **options)
    except TimelineError as error:
        raise TimelineError(error.wrong, error.expected, error.action, path=output) from None
    except Exception as error:
        raise TimelineError(
            f"{kind.package} cannot write it: {first_line(error)}",
            f"a timeline that {kind.one} can hold",
            "write an .otio",
            path=output,
        ) from error
    return output


def _with_nested_ranges(timeline: Any) -> Any:
    """A copy whose nested stacks and tracks say their ranges: some adapters ask for them."""
    copied = timeline.deepcopy()
    for item in copied.find_children(descended_from_type=otio.core.Composition):
        if item.source_range is None and item.parent() is not copied.tracks and len(item):
            item.source_range = item.available_range()
    return copied


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Keeps what adapters print and warn of from this program's own output."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def expect_adapter(kind: TimelineFormat, path: Path) -> None:
    """Refuses a format whose adapter is not installed.

    Raises:
        TimelineError: it is not.
    """
    if kind.adapter and kind.adapter not in otio.adapters.available_adapter_names():
        raise TimelineError(
            f"{kind.one} needs the adapter {kind.package}, which is not installed",
            "OpenTimelineIO's adapters",
            "install it with pip install 'dpe-toolkit[nle]', or export the timeline as OpenTimelineIO",
            path=path,
        )
