from __future__ import annotations

import importlib.util

import pytest

from dpe_face_identity import plugin
from dpe_toolkit.testing import IdentityConformance

DLIB, _ = plugin.dpe_register_identities()


@pytest.mark.skipif(importlib.util.find_spec("dlib") is None, reason="dlib is not installed")
class TestDlib(IdentityConformance):
    component = DLIB
    # The network takes a third of a second a picture.
    num_rows = 2
