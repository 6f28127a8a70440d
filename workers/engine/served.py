"""Completions from an OpenAI-compatible server, in the record of our own: for evaluation and offline collection."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.contract.answers import CUT_OFF, FAILED, FINISHED, Answers, Problem
from workers.contract.resources import Served
from workers.engine import seeds
from workers.engine.client import Choice, Client
from workers.engine.learner import Learner
from workers.engine.patient import PAUSE
from workers.engine.rollout import columns_of
from workers.engine.sampler import pad_left
from workers.engine.tensors import Rollouts

AT_ONCE = 16  # prompts asked for at the same time: such servers batch what comes together
ENDED = {"stop": FINISHED, "length": CUT_OFF}  # any other reason: failed
SEEDS = 2**31  # servers keep a seed in 32 bits


@dataclass(frozen=True)
class _Row:
    """One completion cut by our tokenizer: `ids` with the end token where it finished, `logps` and `known` as long."""

    text: str
    ids: list[int]
    end: str
    logps: list[float]
    known: list[bool]


def roll_out_served(
    learner: Learner, served: Served, problems: list[Problem], siblings: int, purpose: str, step: int,
    *, pause: float = PAUSE,
) -> Rollouts:  # fmt: skip
    """`siblings` completions of each problem by the model that a server holds, cut into tokens by our tokenizer.

    The server's randomness follows from the run's seed, `purpose` and `step` as far as the server keeps to seeds.
    `logp_NT` holds the server's log-probabilities where its tokens are ours, and 0 where they are not known: the
    stream `logp_known` is 1 on the former. `version` is -1: no state of this run's policy wrote these completions.
    RunError at `sampling` when the server refuses, stays away or talks nonsense.
    """  # fmt: skip
    prompts = learner.encode([problem.prompt for problem in problems])
    client = Client(served, pause)
    try:
        choices = _ask_all(client, learner, problems, siblings, seeds.derive(learner.spec.seed, purpose, step))
    finally:
        client.close()
    rows = [_cut(learner, choice) for choice in choices]
    device = learner.policy.device
    prompt_PL, present_PL = pad_left(prompts, learner.loaded.pad, device)
    group_N = torch.arange(len(problems), device=device).repeat_interleave(siblings)
    longest = max((len(row.ids) for row in rows), default=0)
    return Rollouts(
        prompt_PL[group_N],
        present_PL[group_N],
        _padded([row.ids for row in rows], longest, learner.loaded.pad).to(device),
        _padded([[True] * len(row.ids) for row in rows], longest, False).to(device),
        _padded([row.logps for row in rows], longest, 0.0).to(device),
        group_N,
        _answers(learner, problems, siblings, rows),
        streams={"logp_known": _padded([row.known for row in rows], longest, False).float().to(device)},
        version=-1,
    )


def _ask_all(client: Client, learner: Learner, problems: list[Problem], siblings: int, seed: int) -> list[Choice]:
    """The completions of all problems, siblings beside one another; the first failure ends the asking."""
    spec = learner.spec

    def ask(number: int) -> list[Choice]:
        text = _as_sent(learner, problems[number].prompt)
        own = seeds.derive(seed, "prompt", number) % SEEDS
        return client.complete(text, siblings, spec.max_new_tokens, spec.temperature, own)

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="served")
    try:
        return [choice for found in pool.map(ask, range(len(problems))) for choice in found]
    finally:
        pool.shutdown(cancel_futures=True)


def _as_sent(learner: Learner, prompt: str) -> str:
    """The prompt's text; through the chat template where the spec says so, without the first token that servers add."""
    if not learner.loaded.chat:
        return prompt
    text = learner.loaded.chat_text(prompt)
    first = learner.loaded.tokenizer.bos_token
    return text.removeprefix(first) if first else text


def _cut(learner: Learner, choice: Choice) -> _Row:
    """A completion as our tokens. One that is longer in our tokens than the run allows is cut there."""
    loaded, most = learner.loaded, learner.spec.max_new_tokens
    ids: list[int] = loaded.tokenizer(choice.text, add_special_tokens=False)["input_ids"]
    text, end = choice.text, ENDED.get(choice.reason, FAILED)
    if len(ids) > most:
        ids, end = ids[:most], CUT_OFF
        text = str(loaded.tokenizer.decode(ids, skip_special_tokens=True))
    logps, known = _matched(choice, learner.pieces.of(ids))
    if end == FINISHED and loaded.ends:
        if len(ids) == most:
            end = CUT_OFF
        else:
            ids, logps, known = [*ids, *learner.end], [*logps, 0.0], [*known, False]
    return _Row(text, ids, end, logps, known)


def _matched(choice: Choice, pieces: list[str]) -> tuple[list[float], list[bool]]:
    """The server's log-probabilities on the tokens that are cut as ours are: from the beginning, while both agree."""
    logps, known = [0.0] * len(pieces), [False] * len(pieces)
    for place, (piece, token, logp) in enumerate(zip(pieces, choice.tokens, choice.logps, strict=False)):
        if piece != token:
            break
        logps[place], known[place] = logp, True
    return logps, known


def _padded(rows: list[list[int]] | list[list[float]] | list[list[bool]], length: int, fill: float) -> Tensor:
    return torch.tensor([[*row, *[fill] * (length - len(row))] for row in rows]).reshape(len(rows), length)


def _answers(learner: Learner, problems: list[Problem], siblings: int, rows: list[_Row]) -> Answers:
    each = [problem for problem in problems for _ in range(siblings)]
    return Answers(
        tuple(row.text for row in rows),
        tuple(problem.prompt for problem in each),
        tuple(len(row.ids) for row in rows),
        tuple(row.end for row in rows),
        columns_of(each),
        tuple(learner.source.verdicts([row.text for row in rows], each)),
        tuple(n for n in range(len(problems)) for _ in range(siblings)),
        tuple(tuple(row.ids) for row in rows),
    )
