"""dpe_toolkit: replace an actor's expression, shot by shot, from the timeline you already have.

`edit` gives the face in one file the expression of the face in another, `animate` makes a still move, `plan` says what
a render would do, `render` renders a timeline, `still` shows one frame of it, `faces` shows who is in it.

Importing the package is cheap: no torch, PyAV or OpenTimelineIO is loaded until one of these is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dpe_toolkit.delivery.edit import animate, edit
    from dpe_toolkit.delivery.faces import faces
    from dpe_toolkit.delivery.plan import plan
    from dpe_toolkit.delivery.render import render
    from dpe_toolkit.delivery.still import still

__all__ = ["__version__", "animate", "edit", "faces", "plan", "render", "still"]

__version__ = "0.1.0"

_DOOR = {
    "animate": "dpe_toolkit.delivery.edit",
    "edit": "dpe_toolkit.delivery.edit",
    "faces": "dpe_toolkit.delivery.faces",
    "plan": "dpe_toolkit.delivery.plan",
    "render": "dpe_toolkit.delivery.render",
    "still": "dpe_toolkit.delivery.still",
}


def __getattr__(name: str) -> object:
    """Loads a function of the front door at its first use."""
    if name in _DOOR:
        return getattr(import_module(_DOOR[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_DOOR})
