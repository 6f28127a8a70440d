"""ReNorm: the catalogue's numbers, and advantages by a plain loop."""

from collections.abc import Sequence
from itertools import product

import pytest

from tests.workers.combining.told import dense, told
from workers.combining.ppr_renorm import combine
from workers.contract.values import Values


def turns(scores: tuple[float, ...], outcome: float) -> list[float]:
    made = combine([dense(scores), told(outcome)])
    return [span.value for span in made.dense(0)]


@pytest.mark.parametrize(
    ("scores", "outcome", "earned"),
    [
        ((0.8, 0.5, 1.0), 1.0, (0.8, 0.5, 1.0)),
        ((0.8, 0.5, 1.0), 0.0, (-0.2, -0.5, 0.0)),
        ((3 / 4, 1 / 4, 2 / 3), 0.0, (-0.25, -0.75, -0.333333)),
    ],
)
def test_by_hand(scores: tuple[float, ...], outcome: float, earned: tuple[float, ...]) -> None:
    assert turns(scores, outcome) == pytest.approx(earned, abs=1e-6)
    total = combine([dense(scores), told(outcome)]).total[0]
    assert total == pytest.approx(sum(earned) + outcome, abs=1e-6)


@pytest.mark.parametrize(
    ("shift", "earned", "end"),
    [
        ("none", (0.8, 0.5), 0.5),
        ("constant", (0.3, 0.0), 0.0),
        ("product", (0.4, 0.25), 0.5),
        ("renorm", (0.3, 0), 0.5),
    ],
)
def test_each_shift(shift: str, earned: tuple[float, ...], end: float) -> None:
    made = combine([dense((0.8, 0.5)), told(0.5)], shift=shift, process_weight=2.0)
    assert [span.value for span in made.dense(0)] == pytest.approx([2 * one for one in earned])
    assert made.total[0] == pytest.approx(2 * sum(earned) + end)


def test_the_sign_is_the_outcomes_and_the_size_at_most_one() -> None:
    grid = [n / 10 for n in range(11)]
    assert all(one >= 0 for one in turns(tuple(grid), 1.0))
    assert all(one <= 0 for one in turns(tuple(grid), 0.0))
    assert all(-1 <= one <= 1 for outcome in grid for one in turns(tuple(grid), outcome))


def test_a_perfect_process_that_fails_is_not_punished() -> None:
    assert turns((1.0, 1.0), 0.0) == [0.0, 0.0]


def test_fair_coins_earn_nothing_on_average() -> None:
    earned = [turns((float(score),), float(outcome))[0] for score, outcome in product((0, 1), (0, 1))]
    assert sum(earned) == 0.0


def ahead(made: Values, n: int, end: float) -> list[float]:
    """What is still earned from each turn on."""
    values = [span.value for span in made.dense(n)]
    return [sum(values[t:]) + end for t in range(len(values))]


def centred(rows: Sequence[list[float]], *, pooled: bool) -> list[list[float]]:
    """Less the group's mean at the same turn, or over all turns of the group."""
    everything = [value for row in rows for value in row]
    means = [
        sum(everything) / len(everything) if pooled else sum(row[t] for row in rows) / len(rows)
        for t in range(len(rows[0]))
    ]
    return [[value - mean for value, mean in zip(row, means, strict=True)] for row in rows]


def test_within_one_outcome_it_changes_no_advantage_at_a_turn() -> None:
    parts = [dense((0.1, 0.9, 0.4), (0.5, 0.2, 0.8), (1.0, 0.0, 0.3)), told(0.0, 0.0, 0.0)]
    rows = {name: [ahead(combine(parts, shift=name), n, 0.0) for n in range(3)] for name in ("renorm", "none")}
    by_turn = {name: centred(found, pooled=False) for name, found in rows.items()}
    pooled = {name: centred(found, pooled=True) for name, found in rows.items()}
    for n in range(3):
        assert by_turn["renorm"][n] == pytest.approx(by_turn["none"][n])
        assert pooled["renorm"][n] != pytest.approx(pooled["none"][n])


def test_what_does_not_apply() -> None:
    """Without an outcome nothing is known; without turns the outcome stands alone; without places there is one turn."""
    process = Values([0.5, None, 0.4, 0.0], spans={3: ()})
    assert list(combine([process, told(None, 1.0, 0.0, 1.0)]).total) == [None, 1.0, pytest.approx(-0.6), 1.0]


def test_it_has_two_parts() -> None:
    with pytest.raises(ValueError, match="turns"):
        combine([told(1.0)])
