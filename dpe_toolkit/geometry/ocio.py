"""Colours through OpenColorIO: what analysis and networks are shown instead of the file's encoded values."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from dpe_toolkit.core.errors import OptionsError, nearest_names

__all__ = ["DEFAULT_WORKING", "OcioView", "make_view"]

DEFAULT_WORKING = "color_picking"
"""Role of the config whose space networks are shown: in the ACES configs it is sRGB, like what they were trained on."""


class _Processor(Protocol):
    def applyRGB(self, pixels: npt.NDArray[np.float32]) -> None: ...  # noqa: N802 # the library's own name


@dataclass(frozen=True, slots=True)
class OcioView:
    """A `dpe_toolkit.core.frames.RgbView` between two colour spaces of a config."""

    source: str
    """Colour space of the file."""
    working: str
    """Colour space that analysis and networks are shown."""
    fingerprint: str
    """Changes with the config and the two spaces."""
    _forward: _Processor
    _backward: _Processor

    def shown(self, rgb: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """From ``source`` to ``working``, (..., 3) float32."""
        return _applied(self._forward, rgb)

    def encoded(self, rgb: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """From ``working`` to ``source``, (..., 3) float32."""
        return _applied(self._backward, rgb)


def make_view(config: str, media: Path, *, source: str | None = None, working: str | None = None) -> OcioView:
    """The view of one media file.

    Args:
        config: path of a config file, or a built-in one such as ``ocio://cg-config-latest``.
        media: the file, for the config's own rules on file names.
        source: colour space of the file; None asks the config's file rules.
        working: colour space or role that networks are shown; None means `DEFAULT_WORKING`.

    Raises:
        OptionsError: OpenColorIO is not installed, or the config or a space cannot be used.
    """
    try:
        ocio = importlib.import_module("PyOpenColorIO")
    except ImportError as error:
        raise OptionsError(
            "OpenColorIO is not installed here",
            "the package opencolorio",
            "install it with: pip install 'dpe-toolkit[color]'",
        ) from error
    try:
        loaded = ocio.Config.CreateFromFile(config)
    except Exception as error:  # the library raises plain exceptions of its own
        raise OptionsError(
            f"the OpenColorIO config {config!r} cannot be used: {error}",
            "a config file, or a built-in one such as ocio://cg-config-latest",
            "correct --ocio",
        ) from error
    try:
        spaces = [_space(loaded, source or loaded.getColorSpaceFromFilepath(str(media))[0])]
        spaces.append(_space(loaded, working or DEFAULT_WORKING))
        processors = [_processor(ocio, loaded, pair) for pair in (spaces, spaces[::-1])]
    except OptionsError:
        raise
    except Exception as error:  # the library raises plain exceptions of its own
        raise OptionsError(
            f"the OpenColorIO config {config!r} does not convert it: {error}",
            "two colour spaces that convert both ways",
            "correct --ocio-source or --ocio-working",
            path=media,
        ) from error
    fingerprint = f"{loaded.getCacheID()}:{spaces[0]}:{spaces[1]}"
    return OcioView(spaces[0], spaces[1], fingerprint, *processors)


def _processor(ocio: ModuleType, config: _Config, spaces: Sequence[str]) -> _Processor:
    """Exact arithmetic: the faster default is off by more than a step of a 12-bit value."""
    chain = config.getProcessor(*spaces)
    return cast("_Processor", chain.getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS))


class _Chain(Protocol):
    def getOptimizedCPUProcessor(self, flags: object) -> object: ...  # noqa: N802 # the library's own name


class _Space(Protocol):
    def getName(self) -> str: ...  # noqa: N802 # the library's own name


class _Config(Protocol):
    def getColorSpace(self, name: str) -> _Space | None: ...  # noqa: N802 # the library's own name

    def getProcessor(self, source: str, target: str) -> _Chain: ...  # noqa: N802 # the library's own name

    def getColorSpaceNames(self) -> list[str]: ...  # noqa: N802 # the library's own name


def _space(config: _Config, name: str) -> str:
    found = config.getColorSpace(name)
    if found is None:
        names = list(config.getColorSpaceNames())
        raise OptionsError(
            f"the OpenColorIO config has no colour space or role {name!r}",
            nearest_names(name, names),
            "name one with --ocio-source or --ocio-working",
        )
    return found.getName()


def _applied(processor: _Processor, rgb: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    changed = np.array(rgb, np.float32, order="C")
    processor.applyRGB(changed)
    return changed
