from __future__ import annotations

from typing import ClassVar

from dpe_poisson_blend import plugin
from dpe_toolkit.testing import CompositorConformance

(COMPONENT,) = plugin.dpe_register_compositors()


class TestPoisson(CompositorConformance):
    component = COMPONENT


class TestPoissonByOpenCv(CompositorConformance):
    component = COMPONENT
    options: ClassVar = {"method": "opencv", "feather_px": 0}
