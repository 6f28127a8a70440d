"""The gradients that a weighting asks for: made in micro-batches as small as the update's."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.workers.tiny import tiny_spec
from workers.contract.spec import Pick
from workers.engine import update
from workers.engine.judges import close_all
from workers.engine.learner import make_learner
from workers.engine.step import take_step


def test_when_memory_ran_out_gradients_take_the_half_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four groups at once, or two at a time since memory ran out: the same weights of the two rewards."""
    sound, seen = update.read, list[int]()

    def read(policy: Any, part: Any, *others: Any) -> Any:
        seen.append(len(torch.unique(part.rollouts.group_N)))
        return sound(policy, part, *others)

    monkeypatch.setattr("workers.engine.gradients.read", read)
    weights = []
    for halved in (0, 2):
        made = make_learner(tiny_spec(tmp_path, weighting=Pick("weighting", "min_norm")), lambda *_: None)
        made.halved = halved
        metrics = take_step(made, 1).metrics
        close_all(made.objectives)
        weights.append([metrics["weighting/short"], metrics["weighting/the"]])
    assert seen == [4, 4, 2, 2, 2, 2], "a gradient for each reward"
    assert weights[1] == pytest.approx(weights[0], rel=1e-3)
