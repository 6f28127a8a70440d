"""Credit: the advantage of every token in a fixed group of four completions of one prompt."""

from collections.abc import Mapping

import torch

from workers.contract.answers import CUT_OFF, FINISHED, Answers
from workers.engine.load import Loaded, call
from workers.engine.masks import on_last_token, per_row
from workers.engine.probes.figure import Axis, Figure, Series, numbers
from workers.engine.tensors import Credit, Progress, Rollouts

PROMPT = "12+35-8="
GROUP = (
    (("12+35", "=47", ";", "47-8", "=39", "#39"), 1.0),
    (("12+35", "=47", ";", "47-8", "=38", "#38"), 0.0),
    (("12+35", "=46", ";", "46-8", "=38", "#38"), 0.0),
    (("#39",), 1.0),
)


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """Four strips of tokens with the advantage of each."""
    rollouts = stage()
    reward_NT = on_last_token(torch.tensor([reward for _, reward in GROUP]), rollouts.mask_NT)
    value_NT = torch.full(reward_NT.shape, 0.5) * rollouts.mask_NT
    supplied = {
        "rollouts": rollouts,
        "reward_NT": reward_NT,
        "value_NT": value_NT,
        "ref_logp_NT": rollouts.logp_NT,
        "reward_NK": per_row(reward_NT, rollouts.mask_NT)[:, None],
        "memory": {},
        "generator": torch.Generator().manual_seed(0),
        "progress": Progress(1, 10),
    }
    credit = call(loaded, supplied, params)
    assert isinstance(credit, Credit)
    series = [
        Series(
            f"reward {reward:.0f}", list(range(len(tokens))), numbers(credit.advantage_NT[row, : len(tokens)]), tokens
        )
        for row, (tokens, reward) in enumerate(GROUP)
    ]
    note = f"Four answers to {PROMPT}: two part at the first token, two more at the second, and again at the fifth."
    return Figure("Advantage of each token", "strip", Axis("token"), Axis("advantage"), series, note)


def stage() -> Rollouts:
    """The group as rollouts: token ids number the texts, short rows are padded."""
    words = sorted({token for tokens, _ in GROUP for token in tokens})
    longest = max(len(tokens) for tokens, _ in GROUP)
    ids = [[words.index(token) + 1 for token in tokens] for tokens, _ in GROUP]
    token_NT, count = torch.tensor([row + [0] * (longest - len(row)) for row in ids]), len(GROUP)
    return Rollouts(
        prompt_NL=torch.zeros((count, 1), dtype=torch.long),
        prompt_mask_NL=torch.ones((count, 1), dtype=torch.bool),
        token_NT=token_NT,
        mask_NT=token_NT > 0,
        logp_NT=torch.full(token_NT.shape, -1.0) * (token_NT > 0),
        group_N=torch.zeros(count, dtype=torch.long),
        answers=Answers(
            texts=tuple("".join(tokens) for tokens, _ in GROUP),
            prompts=(PROMPT,) * count,
            lengths=tuple(len(tokens) for tokens, _ in GROUP),
            ends=tuple(FINISHED if len(tokens) < longest else CUT_OFF for tokens, _ in GROUP),
            columns={"answer": ("39",) * count},
            verdicts=tuple(reward for _, reward in GROUP),
        ),
    )
