"""What a person asks for, whole: the edit of two files, a render, its shots as files, a still, the sheet of faces.

The commands of ``dpe`` and the functions of `dpe_toolkit` are two doors to this package. It reads no command line and
prints nothing: what is worth saying while the work goes on is given to a callback, see `dpe_toolkit.delivery.events`.

Modules are imported one by one, since some of them load torch and others must not.
"""

from __future__ import annotations

__all__: list[str] = []
