from __future__ import annotations

from pathlib import Path

from dpe_toolkit.core.errors import MediaError, OptionsError
from dpe_toolkit.delivery.messages import in_words, merge_alike
from dpe_toolkit.plans.problems import Problem


def test_a_message_says_what_is_wrong_what_was_expected_and_what_to_do() -> None:
    error = MediaError("the folder does not exist", "a folder that exists", "make it first", path=Path("out"))
    assert in_words(error) == "file 'out': the folder does not exist. Expected: a folder that exists. Make it first."


def test_an_offer_of_names_is_no_expectation() -> None:
    error = OptionsError("there is no 'fether'", "did you mean 'feather'? Known: 'feather'", "correct the name")
    assert in_words(error) == "there is no 'fether'. Did you mean 'feather'? Known: 'feather'. Correct the name."


def test_a_problem_of_a_plan_reads_as_an_error_does() -> None:
    assert (
        in_words(Problem(where="clip 'a'", wrong="it is black", action="say why")) == "clip 'a': it is black. Say why."
    )


def test_what_is_wrong_with_several_clips_alike_is_said_once() -> None:
    alike = [Problem(where=f"clip {number}", wrong="no driver", action="link one") for number in range(7)]
    other = Problem(wrong="no consent", severity="warning")
    first, second = merge_alike([*alike[:2], other])
    assert (str(first), second) == ("clip 0 and clip 1: no driver. link one.", other)
    assert merge_alike(alike)[0].where == "clip 0, clip 1, clip 2, clip 3 and 3 more"
    assert merge_alike([other]) == [other]
