"""What a face is: the mesh and how it is measured, and what is found of faces in footage.

The mesh: `topology` (named vertices), `canonical` (the average face), `blendshapes`, `regions` and head pose, in NumPy
(`pose`) and with gradients (`differentiable`, the only module that loads torch). Faces in footage: `choice` (which one
is meant), `tracks` (where they are) and `codes` (what they do). Plugins take the mesh from `dpe_toolkit.api.face`.
"""

from __future__ import annotations

__all__: list[str] = []
