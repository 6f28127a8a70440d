"""DAPO's soft overlong punishment, by hand and by a plain loop from the definition."""

import pytest
import torch
from torch import Tensor

from workers.contract.answers import FINISHED, Answers
from workers.engine.load import call, load
from workers.engine.tensors import Shaped


def shaped(value_NK: Tensor, lengths: list[int], most: int, **params: object) -> Tensor:
    count = len(lengths)
    answers = Answers(("",) * count, ("",) * count, tuple(lengths), (FINISHED,) * count)
    made = call(load("shaping", "overlong"), {"value_NK": value_NK, "answers": answers, "most_tokens": most}, params)
    assert isinstance(made, Shaped)
    return made.value_NK


def test_by_hand() -> None:
    """A limit of 20 and a margin of a fifth: nothing to 16 tokens, a quarter for each token more, −1 from 20 on."""
    lengths = [1, 16, 17, 18, 19, 20, 25]
    found = shaped(torch.ones(7, 2), lengths, 20)
    assert found[:, 0].tolist() == pytest.approx([1, 1, 0.75, 0.5, 0.25, 0, 0])
    assert found[:, 1].tolist() == [1] * 7


def test_the_papers_sizes() -> None:
    """A limit of 20,480 of which 4,096 are the margin: 18,432 tokens lie halfway."""
    assert float(shaped(torch.zeros(1, 1), [18_432], 20_480)) == pytest.approx(-0.5)


@pytest.mark.parametrize("margin", [0.1, 0.33, 1.0])
@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0])
def test_it_is_the_definition(margin: float, factor: float) -> None:
    lengths, most = list(range(0, 49)), 48
    found = shaped(torch.zeros(49, 3), lengths, most, margin=margin, factor=factor, reward=3)
    for length in lengths:
        over = length - (most - margin * most)
        punishment = 0.0 if over <= 0 else -min(1.0, over / (margin * most))
        assert float(found[length, 2]) == pytest.approx(factor * punishment, abs=1e-6)
    assert (found[:, :2] == 0).all()


def test_a_reward_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="there are 2"):
        shaped(torch.ones(1, 2), [3], 20, reward=3)
