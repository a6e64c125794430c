from __future__ import annotations

import pytest

from dpe_toolkit.plans.model import RenderPlan
from tests.conformance.scenes import Stage
from tests.plans.cuts import SETTINGS, fill, tracks


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return fill(tmp_path_factory.mktemp("cut"))


@pytest.fixture(scope="session")
def whole(stage: Stage) -> RenderPlan:
    return stage.plan(*tracks(), **SETTINGS)
