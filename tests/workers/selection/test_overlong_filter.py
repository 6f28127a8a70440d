"""DAPO's overlong filtering: who was cut off is not learned from."""

import pytest
import torch

from tests.workers.chosen import candidates, select
from workers.contract.answers import CUT_OFF, FAILED, FINISHED
from workers.engine.tensors import Candidates


def ended(*ends: str) -> Candidates:
    made = candidates([0.0] * len(ends), [0] * len(ends), ends=ends)
    return Candidates(made.rollouts, made.reward_N, made.tag_N, made.progress, 0, torch.zeros(len(ends), 2))


@pytest.mark.parametrize(
    ("ends", "weights", "share"),
    [
        ((FINISHED, CUT_OFF, FAILED, CUT_OFF), [1, 0, 1, 0], 0.5),
        ((FINISHED, FINISHED), [1, 1], 0.0),
        ((CUT_OFF, CUT_OFF), [0, 0], 1.0),
    ],
)
def test_by_hand(ends: tuple[str, ...], weights: list[float], share: float) -> None:
    made = select("overlong_filter", credited=ended(*ends))
    assert made.weight_N is not None
    assert made.weight_N.tolist() == weights
    assert made.statistics == {"cut off": share}
