"""HARMO: the catalogue's numbers."""

from typing import Any

import pytest
import torch

from tests.workers.combining.told import told
from tests.workers.stage import run_credit
from tests.workers.worked import outcome, rollouts
from workers.combining.harmo import combine
from workers.contract.answers import FINISHED, Answers
from workers.contract.values import Values

RULE, NONE, FORM = (1.0, 0.0, 0.0, 1.0), (None,) * 4, (1.0, 1.0, 0.0, 1.0)
LENGTHS = (100, 40, 90, 120)


def combined(
    rule: tuple[float | None, ...] = RULE,
    model: tuple[float | None, ...] = NONE,
    form: tuple[float | None, ...] = FORM,
    lengths: tuple[int, ...] = LENGTHS,
    groups: tuple[int, ...] = (0, 0, 0, 0),
    **params: Any,
) -> Values:
    answers = Answers(("x",) * len(rule), ("?",) * len(rule), lengths, (FINISHED,) * len(rule))
    return combine([told(*rule), told(*model), told(*form)], answers, groups, **params)


def advantages(rewards: Values) -> list[float]:
    """Under group-relative credit that subtracts the mean alone."""
    made = rollouts(["a"] * len(rewards.total))
    credit = run_credit("grpo", made, {"norm": "none"}, reward_NT=outcome(made, [v or 0.0 for v in rewards.total]))
    assert torch.isfinite(credit.advantage_NT).all()
    return [float(value) for value in credit.advantage_NT[:, 0]]


def test_the_catalogues_numbers() -> None:
    made = combined()
    assert list(made.parts["length"]) == pytest.approx([0, -0.272727, 0, 0], abs=1e-6)
    assert list(made.total) == pytest.approx([1.5, 0.227273, 0, 1.5], abs=1e-6)
    assert advantages(made) == pytest.approx([0.693182, -0.579545, -0.806818, 0.693182], abs=1e-6)


def test_without_a_right_answer_nobody_is_punished() -> None:
    assert list(combined(rule=(0.0,) * 4).parts["length"]) == [0.0] * 4


def test_lengths_count_by_their_ratios() -> None:
    longer = combined(lengths=tuple(7 * length for length in LENGTHS))
    assert list(longer.total) == pytest.approx(list(combined().total))


def test_advantages_sum_to_nothing_and_equal_rewards_have_none() -> None:
    assert sum(advantages(combined())) == pytest.approx(0, abs=1e-6)
    same = combined(rule=(1.0,) * 4, form=(1.0,) * 4)
    assert advantages(same) == pytest.approx([0.0] * 4)


def test_accuracy_alone_is_grpo_without_deviation() -> None:
    made = combined(w_length=0.0, w_format=0.0)
    assert list(made.total) == list(RULE)
    assert advantages(made) == pytest.approx([0.5, -0.5, -0.5, 0.5])


def test_where_no_rule_applies_the_model_counts() -> None:
    made = combined(rule=(1.0, None, None, None), model=(0.1, 0.596285, 0.8, None), lengths=(100, 50, 60, 70))
    assert list(made.parts["accuracy"]) == [1.0, 0.596285, 0.8, None]
    assert made.total[3] is None
    mean = (100 + 60) / 2  # right are the first, by its rule, and the third, by its score
    assert made.parts["length"][1] == pytest.approx(-0.5 * ((mean - 50) / mean - 0.2) / 0.8)
    assert made.parts["length"][2] == 0.0


@pytest.mark.parametrize(
    ("params", "length"),
    [
        ({"length_mode": "long"}, [0, 0, 0, 0]),
        ({"length_mode": "both"}, [0, -0.272727, 0, 0]),
        ({"length_mode": "long", "apply_to": "all", "tau": 0.0}, [0, 0, 0, -0.5 * 10 / 110]),
        ({"tau": 0.0}, [0, -0.5 * 70 / 110, -0.5 * 20 / 110, 0]),
    ],
)
def test_modes(params: dict[str, Any], length: list[float]) -> None:
    assert list(combined(**params).parts["length"]) == pytest.approx(length, abs=1e-6)


def test_groups_are_looked_at_by_themselves() -> None:
    made = combined(groups=(0, 1, 1, 0))
    assert list(made.parts["length"]) == [0.0] * 4


def test_it_has_three_parts() -> None:
    answers = Answers(("x",), ("?",), (1,), (FINISHED,))
    with pytest.raises(ValueError, match="three parts"):
        combine([told(1.0)], answers, (0,))
