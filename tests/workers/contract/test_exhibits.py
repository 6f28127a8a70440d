"""Exhibits: documents of both arms, and what their results say, with the interval worked out by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.workers.tiny import tiny_spec
from workers.contract.card import Exhibit
from workers.contract.exhibits import interval, judge, result, runs_of
from workers.contract.spec import Pick, SpecError

EXHIBIT = Exhibit(
    "it is better",
    watch=("heldout/accuracy",),
    shared={"budget.steps": 7, "rewards.1.weight": 0.25},
    baseline={"siblings": 4},
    variant={"credit": {"kind": "credit", "name": "rloo"}},
)


def test_both_arms_differ_in_what_the_exhibit_says_and_in_nothing_else(tmp_path: Path) -> None:
    base = tiny_spec(tmp_path)
    made = runs_of(EXHIBIT, base, "rloo")
    assert [spec.seed for spec in made["variant"]] == [0, 1, 2]
    baseline, variant = made["baseline"][1], made["variant"][1]
    assert baseline.budget.steps == variant.budget.steps == 7
    assert baseline.rewards[1].weight == 0.25
    assert variant.credit == Pick("credit", "rloo")
    assert replace(variant, name="", credit=base.credit, siblings=0) == replace(baseline, name="", siblings=0)


@pytest.mark.parametrize(
    ("path", "what"),
    [("rewards.5.weight", "no '5' on the way"), ("rewards.9", "no item 9"), ("nothing", "unknown field")],
)
def test_a_field_that_is_not_there_is_named(tmp_path: Path, path: str, what: str) -> None:
    with pytest.raises(SpecError, match=what):
        runs_of(replace(EXHIBIT, shared={path: 1}), tiny_spec(tmp_path), "x")


def test_a_result_is_the_mean_of_the_last_points() -> None:
    assert result({10: 5.0, 1: 100.0, 2: 1.0, 3: 2.0, 4: 3.0, 5: 4.0}) == 3.0
    assert result({}) is None


def test_an_interval_by_hand() -> None:
    """1, 2, 3: mean 2, deviation 1, half-width 4.303 / √3 = 2.484338."""
    found = interval([1.0, 2.0, 3.0])
    assert (found.mean, found.low, found.high) == pytest.approx((2.0, -0.484338, 4.484338), abs=1e-5)
    assert interval([4.0]).low is None


def test_a_verdict_needs_an_interval_clear_of_zero() -> None:
    """Differences 1, 1.1, 0.9: 1 ± 4.303 · 0.1 / √3 = 1 ± 0.2484."""
    one, other = {0: 0.0, 1: 0.5, 2: 1.0}, {0: 1.0, 1: 1.6, 2: 1.9}
    found = judge("c", one, other, "higher")
    assert found is not None
    assert (found.difference.low, found.difference.high) == pytest.approx((0.75157, 1.24843), abs=1e-4)
    assert found.appears is True
    lower = judge("c", one, other, "lower")
    assert lower is not None
    assert lower.appears is False
    unclear = judge("c", one, {0: 1.0, 1: 0.4, 2: 1.0}, "higher")
    assert unclear is not None
    assert unclear.appears is None
    assert judge("c", one, {7: 1.0}, "higher") is None
