"""The sheet of faces looks at shots as their render does."""

from __future__ import annotations

from pathlib import Path

from dpe_toolkit.delivery.faces import _requests
from dpe_toolkit.plugins import Registry
from tests.analysis.fakes import CHOICES, choice
from tests.rendering.scenes import edit, plan, shot, still_face, write_clip


def test_faces_are_found_with_the_landmarker_of_their_shot(tmp_path: Path) -> None:
    media, landmark = write_clip(tmp_path / "a.mkv", still_face, 4), choice("landmark")
    made = plan(shot(media, 4, edit=edit(media, components={**CHOICES, "landmark": landmark})))
    found = _requests(made, Registry.of({}), ())
    assert [(one.role, one.landmark) for one in found] == [("source", landmark), ("driver", landmark)]
