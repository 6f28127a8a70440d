"""MM-R5: the catalogue's numbers and the order's properties."""

from itertools import permutations
from typing import Any

import pytest

from tests.workers.scored import judged


def parts(order: str, relevant: list[int], candidates: int = 5, **params: Any) -> tuple[Any, Any]:
    columns: dict[str, list[Any]] = {"relevant": [relevant], "candidates": [candidates]}
    made = judged("mm_r5", [f"<think>a</think>\n<answer>[{order}]</answer>"], columns=columns, **params)
    return made.parts["rank"][0], made.parts["format"][0]


@pytest.mark.parametrize(
    ("order", "relevant", "rank", "form"),
    [
        ("2,1,3,4,5", [2], 1.0, 1.0),
        ("1,2,3,4,5", [2], 0.125, 1.0),
        ("3,1,2,4,5", [1, 2], 0.144033, 1.0),
        ("1,2,3", [3], 0.037037, 0.6),
        ("5,4,3,2,1,7", [1, 5], 0.896000, 0.666667),
        ("3", [3], 1.0, 0.2),
    ],
)
def test_the_catalogues_numbers(order: str, relevant: list[int], rank: float, form: float) -> None:
    assert parts(order, relevant) == (pytest.approx(rank, abs=1e-6), pytest.approx(form, abs=1e-6))


def test_the_releases_quirk() -> None:
    assert parts("3", [3], quirk=True) == (1.0, 0.0)


@pytest.mark.parametrize("relevant", [[1], [2, 4], [1, 3, 5]])
def test_relevant_ones_first_earn_one(relevant: list[int]) -> None:
    rest = [one for one in range(1, 6) if one not in relevant]
    assert parts(",".join(map(str, relevant + rest)), relevant)[0] == pytest.approx(1.0)


def test_one_place_up_never_earns_less_and_the_rest_does_not_matter() -> None:
    for order in permutations(range(1, 5)):
        here = parts(",".join(map(str, order)), [2, 3], 4)[0] or 0.0
        place = order.index(3)
        if place:
            up = list(order)
            up[place - 1], up[place] = up[place], up[place - 1]
            assert (parts(",".join(map(str, up)), [2, 3], 4)[0] or 0.0) >= here - 1e-12
    assert parts("2,1,3,4,5", [2])[0] == parts("2,5,4,3,1", [2])[0]


@pytest.mark.parametrize(
    ("text", "rank", "form"),
    [
        ("<answer>[2, 1]</answer>", 1.0, 0.0),  # an order without thinking
        ("<think></think><answer>[2,,1]</answer>", 1.0, 0.0),
        ("<think></think><answer>[2, one]</answer>", 0.0, 0.0),
        ("<think></think><answer>2, 1</answer>", 0.0, 0.0),
        ("<think></think><answer>[]</answer>", 0.0, 0.0),
        ("before <think>a</think> <answer>[ 2 , 1 ]</answer> after", 1.0, 1.0),
        ("<think></think><answer>[" + "9" * 5000 + "]</answer>", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_what_can_be_read(text: str, rank: float, form: float) -> None:
    made = judged("mm_r5", [text], columns={"relevant": [[2]], "candidates": [["card one", "card two"]]})
    assert (made.parts["rank"], made.parts["format"]) == ([rank], [form])


def test_repeats_and_lists_without_end() -> None:
    assert parts("1,1,2", [1], 2)[1] == pytest.approx(0.5)
    assert parts("1,1,2", [1], 2, dedupe=True)[1] == pytest.approx(1.0)
    long = ",".join(["1"] * 11)
    assert parts(long, [1])[1] == pytest.approx(-0.2)
    assert parts(long, [1], clamp=True)[1] == 0.0


def test_weights() -> None:
    columns: dict[str, list[Any]] = {"relevant": [[1]], "candidates": [2]}
    text = "<think></think><answer>[2,1]</answer>"
    made = judged("mm_r5", [text], columns=columns, rank_power=1.0, format_weight=0.5)
    assert list(made.total) == pytest.approx([0.5 + 0.5])


def test_rows_without_relevant_candidates_are_refused() -> None:
    with pytest.raises(ValueError, match="relevant"):
        parts("1", [])
