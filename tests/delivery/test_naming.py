from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.delivery.naming import file_names


def shot(name: str = "sh010", identity: str = "e1", **values: str) -> dict[str, str]:
    return {"shot": name, "id": identity, "source": "a", "timeline": "cut"} | values


@given(st.text(max_size=200), st.text(max_size=20))
def test_whatever_a_shot_is_called_its_file_stays_in_the_folder(name: str, identity: str) -> None:
    (found,) = file_names("{shot}", [shot(name, identity)])
    assert re.fullmatch(r"[\w.-]{1,121}", found)
    assert found.strip(".") == found


def test_names_are_made_of_the_template() -> None:
    assert file_names("{timeline}-{shot}_{id}.mov", [shot("sh 010#2"), shot("b/../c")]) == [
        "cut-sh_010-2_e1.mov",
        "cut-b_.._c_e1.mov",
    ]
    assert file_names("{shot}", [shot("nul.mov")]) == ["_nul.mov"]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{source}", r"shots 'sh010', 'SH010' would all be written to 'a'.*put \{shot\} or \{id\} into --template"),
        ("{shot}", "would all be written to 'sh010'"),
        ("{shoot}", "--template has a field 'shoot', which is none.*'shot'"),
        ("{shot:>9}", "--template says how 'shot' is to be formatted"),
        ("{shot", "--template '{shot' cannot be read: expected '}'"),
        ("../{shot}", r"--template '\.\./\{shot\}' holds what no file name should"),
    ],
)
def test_templates_that_cannot_be_are_refused(template: str, message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        file_names(template, [shot("sh010"), shot("SH010")])
