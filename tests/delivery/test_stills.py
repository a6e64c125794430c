"""What `dpe animate` takes where nobody names components: what plugins mark for stills."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from dpe_toolkit.api import Component, OptionsError, hookimpl
from dpe_toolkit.delivery.choices import PlanChoices
from dpe_toolkit.delivery.edit import _for_stills
from dpe_toolkit.plugins import Registry


class Plugin:
    @hookimpl
    def dpe_register_components(self) -> Iterable[Component[Any]]:
        net = Component(kind="generator", name="net", summary="", create=lambda *given: None, family="net")
        return [
            replace(net, default_for=("still",)),
            replace(net, name="net2"),
            replace(net, name="other", family=""),
            replace(net, kind="compositor", name="whole", default_for=("still",)),
        ]


REGISTRY = Registry.of({"a": Plugin()})


@pytest.mark.parametrize("named", ["net", "net2"])
def test_a_generator_for_stills_or_of_its_family_moves_the_head_in_the_whole_crop(named: str) -> None:
    chosen = _for_stills(PlanChoices(components={"generator": named}), REGISTRY)
    assert chosen.components == {"generator": named, "compositor": "whole"}
    assert chosen.edit.pose == 1
    assert _for_stills(PlanChoices(), REGISTRY).components["generator"] == "net"


def test_another_generator_is_taken_as_for_footage() -> None:
    given = PlanChoices(components={"generator": "other"})
    assert _for_stills(given, REGISTRY) == given
    assert _for_stills(given, Registry.of({})) == given


def test_without_any_the_error_says_what_to_install() -> None:
    with pytest.raises(OptionsError, match=r"is taken for stills.*install dpe-toolkit\[default\], or name one"):
        _for_stills(PlanChoices(), Registry.of({}))
