"""Exact answer: what counts as the answer, and what is forgiven."""

from typing import Any

import pytest

from tests.workers.scored import scored


@pytest.mark.parametrize(
    ("text", "reference", "params", "value"),
    [
        ("12+35=47#39", "39", {}, 1.0),
        ("#41#39", "39", {}, 1.0),  # the last marker counts
        ("#39#41", "39", {}, 0.0),
        ("# 39 \n", " 39", {}, 1.0),  # blanks are forgiven
        ("#039", "39", {}, 0.0),  # and nothing else
        ("39", "39", {}, 0.0),  # no marker, no answer
        ("#", "", {}, 1.0),
        ("", "", {}, 0.0),
        ("#the  red\nfox", "the red fox", {}, 1.0),
        ("#Paris", "paris", {}, 0.0),
        ("#Paris", "paris", {"ignore_case": True}, 1.0),
        ("so <answer>7", "7", {"marker": "<answer>"}, 1.0),
        ("#7", 7, {}, 1.0),
        ("#7", None, {}, None),
    ],
)
def test_by_hand(text: str, reference: object, params: dict[str, Any], value: float | None) -> None:
    assert scored("exact_answer", [text], columns={"answer": [reference]}, **params) == [value]


def test_the_column_can_be_chosen() -> None:
    assert scored("exact_answer", ["#b"], columns={"answer": ["a"], "label": ["b"]}, column="label") == [1.0]


def test_an_unknown_column_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"asks for the column 'label', but the prompts have: answer"):
        scored("exact_answer", ["#b"], columns={"answer": ["a"]}, column="label")


def test_where_it_says_yes_for_a_whole_number_so_does_the_numeric_answer() -> None:
    """The identity with its relative, on whole numbers after the marker that both know."""
    texts = [f"#### {number}" for number in (3, 30, 300)] * 3
    references = ["3"] * 3 + ["30"] * 3 + ["300"] * 3
    exact = scored("exact_answer", texts, columns={"answer": references}, marker="####")
    assert exact == scored("numeric_answer", texts, columns={"answer": references})
    assert sum(value == 1.0 for value in exact) == 3
