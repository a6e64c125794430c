from __future__ import annotations

from typing import ClassVar

import pytest

from dpe_feather_blend import plugin
from dpe_toolkit.testing import CompositorConformance

pytestmark = pytest.mark.smoke

(COMPONENT,) = plugin.dpe_register_compositors()


class TestFeather(CompositorConformance):
    component = COMPONENT


class TestFeatherWithMatchedColour(CompositorConformance):
    component = COMPONENT
    options: ClassVar = {"feather_px": 6, "match_colour": True}
