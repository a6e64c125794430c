"""dpe_toolkit: replace an actor's expression, shot by shot, from the timeline you already have.

Importing the package is cheap: no torch, PyAV or OpenTimelineIO is loaded until a subpackage that
needs them is imported.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
