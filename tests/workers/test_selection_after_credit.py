"""What selections that follow credit promise besides: they may be left nothing, and their cards say what they weigh."""

from dataclasses import replace

import pytest
import torch

from tests.workers.chosen import credited, select
from tests.workers.stage import variants
from workers.contract.answers import CUT_OFF, FINISHED
from workers.engine.batch import rows_of
from workers.engine.load import load
from workers.engine.tensors import Candidates

EVERY = pytest.mark.parametrize(
    ("name", "params"), [one for one in variants("selection") if load("selection", one[0]).needs("credited")]
)


def completions() -> Candidates:
    """Two groups of three completions, of which two were cut off."""
    advantage_NT = torch.tensor([1.0, -0.5, -0.5, 0.0, 2.0, -2.0])[:, None].expand(6, 2).clone()
    made = credited(advantage_NT, torch.rand(6, 2), [0, 0, 0, 1, 1, 1])
    answers = replace(made.rollouts.answers, ends=(FINISHED, CUT_OFF) * 3)
    return replace(made, rollouts=replace(made.rollouts, answers=answers))


def test_there_are_some_to_try() -> None:
    assert EVERY.args[1]


@EVERY
def test_nothing_may_be_left_to_choose_from(name: str, params: dict[str, object]) -> None:
    """A selection before it may have left out every completion of the step."""
    made, row_R = completions(), torch.zeros(0, dtype=torch.long)
    rollouts = rows_of(made.rollouts, row_R)
    none = Candidates(rollouts, torch.zeros(0), row_R, made.progress, 0, torch.zeros(rollouts.mask_NT.shape))
    decided = select(name, params, credited=none)
    assert decided.weight_N is None or decided.weight_N.shape == (0,)
    assert decided.weight_NT is None or decided.weight_NT.shape == rollouts.mask_NT.shape
    assert all(0 <= value <= 1 for value in decided.statistics.values())


@EVERY
def test_its_card_says_whether_it_weighs_tokens_or_leaves_out_completions(name: str, params: dict[str, object]) -> None:
    """A loss of groups goes only with the latter: rows with a weight of 0 or 1, and no word on tokens."""
    decided, unit = select(name, params, credited=completions()), load("selection", name).method.card.unit
    assert unit in ("token", "completion")
    whole = decided.weight_NT is None and decided.weight_N is not None and set(decided.weight_N.tolist()) <= {0.0, 1.0}
    assert whole or unit == "token"
