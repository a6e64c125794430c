"""Planning: from a timeline to a frozen plan with every name resolved and every problem listed."""

from __future__ import annotations

from dpe_toolkit.planning.build import build_plan
from dpe_toolkit.planning.document import read_plan
from dpe_toolkit.planning.explain import ExplainRow, explain
from dpe_toolkit.planning.handles import ShotFile, edited_media, plan_shot_files
from dpe_toolkit.planning.media import MediaFacts
from dpe_toolkit.planning.settings import PROJECT_FILE, ProjectConfig, read_project
from dpe_toolkit.plans.document import is_plan_file, write_plan

__all__ = [
    "PROJECT_FILE",
    "ExplainRow",
    "MediaFacts",
    "ProjectConfig",
    "ShotFile",
    "build_plan",
    "edited_media",
    "explain",
    "is_plan_file",
    "plan_shot_files",
    "read_plan",
    "read_project",
    "write_plan",
]
