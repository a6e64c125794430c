"""Keeps freed memory in the process, which large feature maps need on Linux."""

from __future__ import annotations

import ctypes
import ctypes.util

__all__ = ["keep_freed_memory"]

# Parameters of mallopt(3).
_TRIM_THRESHOLD = -1
_MMAP_MAX = -4
_LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Whether glibc was told to keep freed memory instead of giving it back to the system.

    By default each large tensor is mapped, filled with zero pages at its first touch and unmapped
    again: about half of the time of a plain edit on a CPU. The setting is the whole process's, so
    nothing here calls this: a program does, once, before it loads a network. It costs no more
    than the peak of memory being held until the process ends. False where the C library is no glibc.
    """
    name = ctypes.util.find_library("c")
    if name is None:
        return False
    mallopt = getattr(ctypes.CDLL(name), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, _LARGEST_INT))
