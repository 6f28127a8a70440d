"""Leaves completions that were cut off at the length limit out of the loss (DAPO's overlong filtering).

Their reward says more about the limit than about the reasoning. They still count where credit compares siblings. A
step in which every completion was cut off teaches nothing. Pick it when completions that are too long make training
noisy; the soft punishment (`shaping/overlong`) is the other way.
"""

import torch

from workers.contract.answers import CUT_OFF
from workers.contract.card import Card, Source
from workers.engine.tensors import Candidates, Selection

CARD = Card(
    title="Overlong filtering (DAPO)",
    formula=r"w_i = 0 \iff \text{completion } i \text{ was cut off}",
    source=Source("Yu et al., 2025", "arXiv:2503.14476", "section 3.4", "https://arxiv.org/abs/2503.14476"),
    symbols={"w_i": "weight of completion i in the loss"},
    relatives=("shaping/overlong", "selection/dynamic_sampling"),
    unit="completion",
)


def select(credited: Candidates) -> Selection:
    """Weight 1 for completions that ended by themselves or failed, 0 for those that were cut off."""
    ended = [end != CUT_OFF for end in credited.rollouts.answers.ends]
    weight_N = torch.tensor(ended, dtype=torch.float32, device=credited.reward_N.device)
    return Selection(weight_N=weight_N, statistics={"cut off": ended.count(False) / max(1, len(ended))})
