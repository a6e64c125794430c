from __future__ import annotations

from typing import ClassVar

from dpe_multiband_blend import plugin
from dpe_toolkit.testing import CompositorConformance

(COMPONENT,) = plugin.dpe_register_compositors()


class TestMultiband(CompositorConformance):
    component = COMPONENT


class TestMultibandWithOneBand(CompositorConformance):
    component = COMPONENT
    options: ClassVar = {"bands": 1, "reach": 1.3}
