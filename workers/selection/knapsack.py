"""Shares a step's completions out among its prompts so that as many groups as possible have something to compare.

Every prompt is worth what its next completions may teach: the chance that they are not all right or all wrong, times
how much one success more would raise its rate. Solved prompts give their completions to hard ones that can be solved.
Pick it with group-relative credit on prompts of mixed difficulty that come again (a stock of prompts, or a file): a
prompt that was never met, or seldom, gets as many completions as without this method.
"""

import heapq
import math
from collections.abc import Callable
from typing import Annotated

import torch

from workers.contract.card import Card, Choice, Departure, Exhibit, Real, Source, Whole
from workers.engine.tensors import Ahead, Selection

CARD = Card(
    title="Knapsack (completions where they teach)",
    formula=r"\max_{N_1, \dots, N_P} \sum_i \bigl(1 - p_i^{N_i} - (1 - p_i)^{N_i}\bigr)\, p_i (1 - p_i)^2"
    r" \quad \text{with} \quad \sum_i N_i = n P,\ N_{low} \le N_i \le N_{up}",
    source=Source("Li et al., 2025", "Knapsack RL: Unlocking Exploration of LLMs via Optimizing Budget Allocation"),
    symbols={
        "N_i": "completions of prompt i in this step",
        "p_i": "share of its past completions that were solved",
        "n": "completions a prompt on average",
        "P": "prompts in the step",
        "N_{low}": "the least that a prompt gets",
        "N_{up}": "the most that it gets",
    },
    relatives=("selection/dynamic_sampling",),
    doubts="The release's solver gives no value to what every prompt has at least; here the sum above is solved "
    "exactly, which differs little. That p(1 − p)² is the gain in success rate is read from the code.",
    departs=(Departure("order does not matter", "what cannot be shared evenly goes to the first prompts, one by one"),),
    exhibit=Exhibit(
        claim="On sums of two to four numbers that come again, with four completions a prompt on average, fewer "
        "prompts end with completions that all earned the same, once the easy ones are solved, and accuracy rises at "
        "least as fast.",
        watch=("dead_groups", "heldout/accuracy"),
        better="lower",
        shared={
            "budget.steps": 25,
            "batch_prompts": 20,
            "siblings": 4,
            "prompts.task.params": {"level": 4, "mixed": True},
            "prompts.stock": 60,
            "rewards": [{"label": "correct", "name": "exact_answer"}],
            "optimiser.learning_rate": 0.0002,
            "optimiser.passes": 1,
        },
        variant={"selection": [{"kind": "selection", "name": "knapsack", "params": {}}]},
        found="The effect does not appear within 25 steps: groups that all earned the same are 0.763 against 0.747 "
        "(GRPO) in the last five steps, difference +0.017 [-0.035, +0.068] over three seeds, where the source "
        "has 20 to 40 % more mixed groups. Held-out accuracy 0.540 against 0.532, difference +0.007 [-0.020, "
        "+0.035]: no slower, as far as these seeds tell. Easy prompts get two completions, which agree by "
        "chance more often than four.",
    ),
)

RELIABLE = 8


def select(
    prompts: Ahead,
    *,
    solved: Annotated[float, Real(), "a completion counts as solved when it earned more than this"] = 0.5,
    min_n: Annotated[int, Whole(1, 8), "the least for a prompt that is sometimes solved"] = 2,
    max_n: Annotated[int, Whole(8, 256), "the most for a prompt that is sometimes solved"] = 128,
    negative_n: Annotated[int, Whole(0, 8), "completions of a prompt that was never solved"] = 2,
    positive_n: Annotated[int, Whole(0, 8), "completions of a prompt that was always solved"] = 2,
    alpha: Annotated[float, Real(0.5, 0.99), "how sure to see success and failure when the need is counted"] = 0.9,
    cost_estimation: Annotated[str, Choice(("probability", "expectation")), "how the need is counted"] = "probability",
    solver: Annotated[
        str, Choice(("greedy", "dp", "uniform")), "by the largest next gain, by dynamic programming, or evenly"
    ] = "greedy",
    reward_buffer_length: Annotated[int, Whole(4, 64), "past completions that a rate is estimated from"] = 16,
) -> Selection:
    """How many completions each prompt gets; they sum to P × siblings.

    ValueError when the least numbers already exceed that sum.
    """
    rate = estimates(prompts, solved, reward_buffer_length)
    least = {None: prompts.siblings, 0.0: negative_n, 1.0: positive_n}
    count = [least.get(p, min_n) for p in rate]
    rest = len(rate) * prompts.siblings - sum(count)
    if rest < 0:
        what = f"the least numbers take {sum(count)} completions, and the step has {len(rate) * prompts.siblings}"
        raise ValueError(f"{what}: lower min_n, negative_n and positive_n, or sample more")
    mixed = [i for i, p in enumerate(rate) if p is not None and 0 < p < 1]
    failed = [i for i, p in enumerate(rate) if p == 0]
    if not mixed:
        count = _spread(count, failed, rest) if failed else [prompts.siblings] * len(rate)
        return _selection(count, rate)
    wanted = sum(math.floor(min(max_n, need(rate[i] or 0.0, alpha, cost_estimation))) for i in mixed)
    others = failed or [i for i in range(len(rate)) if i not in mixed]
    if wanted < rest and others:
        count, rest = _spread(count, others, rest - wanted), wanted
    solve = {"greedy": _greedy, "dp": _dp, "uniform": _uniform}[solver]
    given = solve([rate[i] or 0.0 for i in mixed], rest, min_n, max_n)
    for i, more in zip(mixed, given, strict=True):
        count[i] += more
    return _selection(_spread(count, mixed, rest - sum(given)), rate)


def value(p: float, count: int) -> float:
    """What `count` completions of a prompt with success rate `p` may teach."""
    return 0.0 if count < 2 else (1 - p**count - (1 - p) ** count) * p * (1 - p) ** 2


def need(p: float, alpha: float, form: str) -> float:
    """How many completions show success and failure: with probability `alpha`, or on average (0 < p < 1)."""
    if form == "probability":
        return math.log(1 - alpha) / math.log(max(p, 1 - p))
    return 1 / (p * (1 - p)) - 1


def estimates(prompts: Ahead, solved: float, length: int) -> list[float | None]:
    """Each prompt's success rate over its last visit, or over its newest `length` completions where that visit drew
    fewer; None for a prompt with fewer than eight."""
    found: list[float | None] = []
    for row, drawn in zip(prompts.past_PH.tolist(), prompts.drawn_P.tolist(), strict=True):
        past = [reward for reward in row if not math.isnan(reward)]
        newest = past[: max(drawn, length)]
        found.append(None if len(past) < RELIABLE else sum(reward > solved for reward in newest) / len(newest))
    return found


def _selection(count: list[int], rate: list[float | None]) -> Selection:
    known = [(n, p) for n, p in zip(count, rate, strict=True) if p is not None]
    statistics = {
        "largest": float(max(count)),
        "never solved": sum(p == 0 for _, p in known) / len(rate),
        "always solved": sum(p == 1 for _, p in known) / len(rate),
    }
    return Selection(count_P=torch.tensor(count), statistics=statistics)


def _spread(count: list[int], among: list[int], rest: int) -> list[int]:
    """`rest` more, evenly over the prompts `among`; what remains goes to the first of them."""
    count = list(count)
    for place, i in enumerate(among):
        count[i] += rest // len(among) + (place < rest % len(among))
    return count


def _greedy(rate: list[float], rest: int, low: int, high: int) -> list[int]:
    """Exact, as every further completion of a prompt gains less than the one before."""
    return _one_by_one(lambda i, n: value(rate[i], n) - value(rate[i], n + 1), len(rate), rest, low, high)


def _uniform(rate: list[float], rest: int, low: int, high: int) -> list[int]:
    return _one_by_one(lambda i, n: float(n), len(rate), rest, low, high)


def _one_by_one(loss: Callable[[int, int], float], prompts: int, rest: int, low: int, high: int) -> list[int]:
    """What each prompt gets beyond `low`: the next one always goes where `loss(prompt, its count)` is least."""
    count = [low] * prompts
    heap = [(loss(i, low), i) for i in range(prompts) if low < high]
    heapq.heapify(heap)
    while rest > 0 and heap:
        _, i = heapq.heappop(heap)
        count[i], rest = count[i] + 1, rest - 1
        if count[i] < high:
            heapq.heappush(heap, (loss(i, count[i]), i))
    return [n - low for n in count]


def _dp(rate: list[float], rest: int, low: int, high: int) -> list[int]:
    """The best sum of values for every budget, prompt after prompt, and back again along the best choices."""
    rest = min(rest, len(rate) * (high - low))
    best = torch.full((rest + 1,), -torch.inf, dtype=torch.float64)
    best[0] = 0.0
    choices = []
    for p in rate:
        more = min(rest, high - low)
        tried = torch.full((more + 1, rest + 1), -torch.inf, dtype=torch.float64)
        for k in range(more + 1):
            tried[k, k:] = best[: rest + 1 - k] + value(p, low + k)
        best, choice = tried.max(dim=0)
        choices.append(choice)
    given = []
    for choice in reversed(choices):
        given.append(int(choice[rest]))
        rest -= given[-1]
    return given[::-1]
