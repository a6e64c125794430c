"""The sheet of faces looks at shots as their render does."""

from __future__ import annotations

from pathlib import Path

import pytest

import dpe_toolkit
from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.delivery.faces import _requests
from dpe_toolkit.plugins import Registry
from dpe_toolkit.rendering import ColourChoice
from tests.analysis.fakes import CHOICES, choice
from tests.delivery.test_door import linked
from tests.rendering.scenes import edit, plan, shot, still_face, write_clip

__all__ = ["linked"]


def test_faces_are_found_with_the_landmarker_of_their_shot(tmp_path: Path) -> None:
    media, landmark = write_clip(tmp_path / "a.mkv", still_face, 4), choice("landmark")
    made = plan(shot(media, 4, edit=edit(media, components={**CHOICES, "landmark": landmark})))
    found = _requests(made, Registry.of({}), ())
    assert [(one.role, one.landmark) for one in found] == [("source", landmark), ("driver", landmark)]


def test_faces_are_found_in_the_colours_that_a_render_is_shown(linked: Path, tmp_path: Path) -> None:
    pytest.importorskip("PyOpenColorIO")
    config = "ocio://cg-config-v1.0.0_aces-v1.3_ocio-v2.1"
    cache, sheet = tmp_path / "cache", tmp_path / "sheet.png"
    dpe_toolkit.faces(linked, sheet, cache_dir=cache, colour=ColourChoice(config, source="sRGB - Texture"))
    assert [path.name[:5] for path in cache.iterdir()] == ["ocio-"]
    with pytest.raises(OptionsError, match="no colour space or role 'none'"):
        dpe_toolkit.faces(linked, sheet, cache_dir=cache, colour=ColourChoice(config, source="none"))
