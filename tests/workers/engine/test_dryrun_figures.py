"""The figures of a dry run, each against numbers worked out by hand or a plain loop from its definition."""

import random
from itertools import combinations
from statistics import fmean

import numpy as np
import pytest

from workers.contract.rewardnode import Node
from workers.contract.values import Span, Values
from workers.engine.dryrun import resampling
from workers.engine.dryrun.components import components
from workers.engine.dryrun.drawing import pieces_of
from workers.engine.dryrun.histograms import histograms
from workers.engine.dryrun.labels import agreement
from workers.engine.dryrun.length import length_slope
from workers.engine.dryrun.ranking import changes, extremes
from workers.engine.dryrun.table import Table, floats, table_of

LEAF = Node("rewards", "code:1@1")


def some(count: int = 40, seed: int = 3) -> tuple[list[float], list[float], list[str]]:
    """Values with ties, labels that partly follow them, prompts that are all different."""
    draw = random.Random(seed)
    labels = [float(draw.random() < 0.5) for _ in range(count)]
    values = [round(draw.gauss(label, 1.0), 1) for label in labels]
    return values, labels, [f"prompt {n}" for n in range(count)]


def test_shares_of_a_sum_add_up_to_one() -> None:
    # total = a + b with a = 0 2 0 2, b = 0 0 1 1: var(total) = 1 + 1/4, cov(a, total) = 1, cov(b, total) = 1/4
    a, b = [0.0, 2.0, 0.0, 2.0], [0.0, 0.0, 1.0, 1.0]
    found = components(table_of(Values([0.0, 2.0, 1.0, 3.0], {"a": a, "b": b}), LEAF))
    assert found["adds_up"]
    assert {row["name"]: row["share"] for row in found["rows"]} == pytest.approx({"total": 1, "a": 0.8, "b": 0.2})
    assert found["rows"][1] == {"name": "a", "depth": 1, "count": 4, "mean": 1.0, "sd": pytest.approx(4 / 3**0.5 / 2),
                                "least": 0.0, "most": 2.0, "distinct": 2, "share": pytest.approx(0.8)}  # fmt: skip
    # corr(a, total) = 1 / sqrt(1 * 5/4), corr(a, b) = 0
    assert found["correlations"][0] == pytest.approx([1.0, 0.8**0.5, 0.2**0.5])
    assert found["correlations"][1][2] == pytest.approx(0.0)


def test_what_does_not_apply_counts_as_nothing_in_a_share_and_is_left_out_of_a_correlation() -> None:
    a, b = [1.0, None, 3.0, None], [1.0, 2.0, 3.0, None]
    found = components(table_of(Values([2.0, 2.0, 6.0, None], {"a": a, "b": b}), LEAF))
    assert found["adds_up"]
    # totals 2 2 6 (mean 10/3), a as 1 0 3: cov = (1*(-4/3) + 0 + 3*(8/3))/3 = 20/9, var = (16/9 + 16/9 + 64/9)/3 = 32/9
    assert [row["share"] for row in found["rows"]] == pytest.approx([1, 0.625, 0.375])
    assert found["correlations"][1][2] == pytest.approx(1.0)  # 1 1 and 3 3
    assert found["rows"][1]["count"] == 2


def test_a_product_is_no_sum_and_a_constant_has_no_share() -> None:
    product = components(table_of(Values([0.0, 2.0, 6.0], {"a": [0.0, 1.0, 2.0], "b": [1.0, 2.0, 3.0]}), LEAF))
    assert not product["adds_up"]
    same = components(table_of(Values([1.0, 1.0], {"a": [1.0, 1.0]}), LEAF))
    assert [row["share"] for row in same["rows"]] == [None, None]
    assert same["correlations"] == [[None, None], [None, None]]
    assert not components(table_of(Values([1.0, 2.0]), LEAF))["adds_up"]
    thirds = components(table_of(Values([1 / 3] * 200), LEAF))["rows"][0]  # whose mean is rounded to another number
    assert (thirds["sd"], thirds["distinct"]) == (0.0, 1)


def test_only_a_trees_own_children_are_direct() -> None:
    inner = Node("combining", "sum", of=(Node("rewards", "a"), Node("rewards", "b")), label="inner")
    tree = Node("combining", "sum", of=(inner, Node("rewards", "c")))
    parts: dict[str, list[float | None]] = {"c": [1.0, 0.0], "b": [1.0, 1.0], "a": [0.0, 1.0], "inner": [1.0, 2.0]}
    found = components(table_of(Values([2.0, 2.5], parts), tree))
    assert [(row["name"], row["depth"]) for row in found["rows"][1:]] == [("inner", 1), ("a", 2), ("b", 2), ("c", 1)]
    assert not found["adds_up"]
    assert components(table_of(Values([2.0, 2.0], parts), tree))["adds_up"]
    own: dict[str, list[float | None]] = {**parts, "b/loud": [0.5, 0.5], "sum/own": [9.0, 9.0], "c/x": [None, 1.0]}
    found = components(table_of(Values([2.0, 2.0], own), tree))
    assert [(row["name"], row["depth"]) for row in found["rows"][1:]] == [
        ("sum/own", 2), ("inner", 1), ("a", 2), ("b", 2), ("b/loud", 3), ("c", 1), ("c/x", 2),
    ]  # fmt: skip
    assert found["adds_up"]


def test_histograms_count_each_value_or_fill_bins_apart_by_label() -> None:
    few = Table(floats([0.0, 1.0, 1.0, None, 0.5]), {}, {})
    found = histograms(few, floats([0.0, 1.0, 0.0, 1.0, None]))
    assert found == [
        {"name": "total", "values": [0, 0.5, 1], "right": [0, 0, 1], "wrong": [1, 0, 1], "unlabelled": [0, 1, 0]}
    ]
    many = histograms(Table(floats([n / 100 for n in range(101)]), {}, {}), floats([None] * 101))[0]
    assert many["edges"] == pytest.approx([n / 20 for n in range(21)])
    assert (sum(many["unlabelled"]), max(many["unlabelled"]), many["right"]) == (101, 6, [0] * 20)


def slow_tau(a: list[float], b: list[float]) -> float:
    same = other = only_a = only_b = 0
    for i, j in combinations(range(len(a)), 2):
        sign = (a[i] - a[j]) * (b[i] - b[j])
        same, other = same + (sign > 0), other + (sign < 0)
        only_a += a[i] != a[j] and b[i] == b[j]
        only_b += a[i] == a[j] and b[i] != b[j]
    return float((same - other) / ((same + other + only_a) * (same + other + only_b)) ** 0.5)


def test_agreement_with_labels_is_what_a_plain_loop_finds() -> None:
    values, labels, prompts = some()
    found = agreement(floats(values), floats(labels), prompts, 0.5)
    assert found is not None

    def right_at(cut: float) -> float:
        return fmean((value >= cut) == (label >= 0.5) for value, label in zip(values, labels, strict=True))

    pairs = [(v > w) + 0.5 * (v == w) for v, a in zip(values, labels, strict=True) if a
             for w, b in zip(values, labels, strict=True) if not b]  # fmt: skip
    assert found["accuracy"]["value"] == pytest.approx(right_at(0.5))
    assert found["best"]["value"] == pytest.approx(max(right_at(cut) for cut in [*values, 99.0]))
    assert right_at(found["best"]["threshold"]) == pytest.approx(found["best"]["value"])
    assert found["auc"]["value"] == pytest.approx(fmean(pairs))
    assert found["tau"]["value"] == pytest.approx(slow_tau(values, labels))
    assert (found["count"], found["right"], found["unit"]) == (40, int(sum(labels)), "prompts")


def test_graded_labels_order_all_pairs_for_tau() -> None:
    values, labels = [1.0, 2.0, 2.0, 4.0, 3.0], [0.1, 0.4, 0.7, 0.7, 1.0]
    found = agreement(floats(values), floats(labels), ["?"] * 5, 0.5)
    assert found is not None
    # Ten pairs: seven in the same order, the last one in the other, one tied in values and one in labels.
    assert found["tau"]["value"] == pytest.approx((7 - 1) / 9)
    assert found["unit"] == "completions"


def test_without_labels_or_with_one_kind_of_them_nothing_is_claimed() -> None:
    assert agreement(floats([1.0, 2.0]), floats([None, 1.0]), ["a", "b"], 0.5) is None
    found = agreement(floats([1.0, 2.0, 0.0]), floats([1.0, 1.0, 1.0]), ["a", "b", "c"], 0.5)
    assert found is not None
    assert found["auc"] == found["tau"] == {"value": None, "low": None, "high": None}
    assert found["accuracy"]["value"] == pytest.approx(2 / 3)
    constant = agreement(floats([1.0, 1.0]), floats([1.0, 0.0]), ["a", "b"], 0.5)
    assert constant is not None
    assert (constant["auc"]["value"], constant["tau"]["value"], constant["best"]["value"]) == (0.5, None, 0.5)


def test_an_interval_is_what_drawing_again_gives() -> None:
    values, labels, prompts = some()
    found = agreement(floats(values), floats(labels), prompts, 0.5)
    assert found is not None
    hits = [float((value >= 0.5) == (label >= 0.5)) for value, label in zip(values, labels, strict=True)]
    draw = random.Random(1)
    means = sorted(fmean(draw.choices(hits, k=len(hits))) for _ in range(4000))
    assert found["accuracy"]["low"] == pytest.approx(means[100], abs=0.026)  # a step is 1/40
    assert found["accuracy"]["high"] == pytest.approx(means[3900], abs=0.026)
    assert agreement(floats(values), floats(labels), prompts, 0.5) == found  # the draws are always the same


def test_completions_of_one_prompt_are_drawn_together() -> None:
    draws, unit = resampling.drawn([f"{n // 4}" for n in range(40)])
    assert unit == "prompts"
    assert (draws.reshape(-1, 10, 4).std(axis=2) == 0).all()
    assert (draws.sum(axis=1) == 40).all()
    alone, unit = resampling.drawn(["a", "a", "b", "b"])
    assert unit == "completions"
    assert (alone.sum(axis=1) == 4).all()
    assert alone.mean(axis=0) == pytest.approx([1.0] * 4, abs=0.1)


def test_the_slope_over_length_is_that_of_the_normal_equations() -> None:
    texts, values = ["a" * 100, "b" * 300, "c" * 500, "d" * 200], [0.1, 0.2, 0.6, None]
    found = length_slope(floats(values), list(map(len, texts)), ["p"] * 4, "letters")
    assert found is not None
    # lengths 100 300 500 (mean 300), values mean 0.3: (200*0.2 + 200*0.3) / 80,000 = 0.00125 a letter
    assert found["slope"]["value"] == pytest.approx(1.25)
    assert found["intercept"] == pytest.approx(0.3 - 0.00125 * 300)
    assert found["r"] == pytest.approx(100 / (80_000 * 0.14) ** 0.5)
    assert found["slope"]["low"] <= 1.25 <= found["slope"]["high"]
    assert length_slope(floats([1.0, 2.0, 3.0]), [2, 2, 2], ["p"] * 3, "letters") is None


def test_draws_without_a_slope_are_left_out_of_its_interval() -> None:
    """One of twenty lengths differs, by 3 letters: each draw that has it gives a slope from (0.5 - 1) / 0.003 to
    0.5 / 0.003, and the third of the draws without it gives none, though rounding leaves a spread."""
    values = [round(random.Random(n).random(), 3) for n in range(19)]
    found = length_slope(floats([*values, 0.5]), [10] * 19 + [13], [f"p{n}" for n in range(20)], "letters")
    assert found is not None
    assert found["slope"]["low"] >= -0.5 / 0.003
    assert found["slope"]["high"] <= 0.5 / 0.003


def test_the_highest_and_lowest_are_never_the_same_samples() -> None:
    found = extremes(floats([3.0, None, 1.0, 2.0, 3.0, 0.0, 5.0, 4.0]))
    assert found == {"highest": [6, 7, 0, 4, 3], "lowest": [5, 2]}
    assert extremes(floats([None])) == {"highest": [], "lowest": []}


def test_changes_name_the_largest_first_and_count_turned_pairs() -> None:
    now, before = floats([1.0, 0.0, 2.0, None, 0.5]), floats([1.0, 1.0, -1.0, 0.0, 0.5])
    found = changes(now, before, [0, 0, 0, 0, 1])
    assert found["largest"] == [3, 2, 1]  # sample 3 lost its value; then +3, then -1
    assert (found["changed"], found["up"], found["down"], found["count"]) == (3, 1, 1, 4)
    assert found["mean"] == pytest.approx(0.5)
    # group 0 has three with both: now 1 > 0, 1 < 2, 0 < 2; before 1 = 1, 1 > -1, 1 > -1
    assert (found["turned"], found["pairs"]) == (2, 2)
    assert found["before"][3] == 0.0


@pytest.mark.parametrize(
    ("text", "spans", "pieces", "values"),
    [
        ("abcdef", [Span(1, 3, 0.5), Span(2, 4, 1.0)], ["a", "b", "c", "d", "ef"], [None, 0.5, 1.5, 1.0, None]),
        ("one\ntwo\n", [Span(1, 2, -1.0, "step")], ["one\n", "two\n"], [None, -1.0]),
        ("it is  2", [Span(2, 3, 1.0, "token"), Span(0, 1, 0.2, "token")], ["it", " is", "  2"], [0.2, None, 1.0]),
        ("ab", [Span(n, n + 1, float(n), "token") for n in range(2)], ["a", "b"], [0.0, 1.0]),
        ("ab", [Span(0, 99, 1.0)], ["ab"], [1.0]),
    ],
)
def test_a_dense_reward_is_drawn_where_it_arises(
    text: str, spans: list[Span], pieces: list[str], values: list[float | None]
) -> None:
    assert pieces_of(text, spans) == {"pieces": pieces, "values": values, "parts": {}, "placed": True}


def test_components_are_drawn_each_by_itself() -> None:
    """Both on the first letters, one on the second line: their sum, and each."""
    found = pieces_of(
        "ab\ncd", [Span(0, 2, 1.0, part="a"), Span(0, 1, 0.5, "step", "b"), Span(1, 2, -1.0, "step", "b")]
    )
    assert found["pieces"] == ["ab", "\n", "cd"]
    assert found["values"] == [1.5, 0.5, -1.0]
    assert found["parts"] == {"a": [1.0, None, None], "b": [0.5, 0.5, -1.0]}


def test_tokens_without_a_place_are_numbered() -> None:
    found = pieces_of("some text", [Span(0, 1, 0.5, "token", "x"), Span(4, 5, 1.0, "token", "y")])
    assert not found["placed"]
    assert found["values"] == [0.5, None, None, None, 1.0]
    assert found["parts"] == {"x": [0.5, None, None, None, None], "y": [None, None, None, None, 1.0]}
    assert found["pieces"][4] == "5 "


def test_a_total_that_shares_its_name_with_a_part_is_told_apart() -> None:
    assert list(table_of(Values([1.0], {"total": [2.0]}), LEAF).columns()) == ["total*", "total"]
    assert np.isnan(table_of(Values([None]), LEAF).total_N).all()
