"""Prefix trees: values for every token beside nested dictionaries, and what credit takes on the batch of a step.

python -m tests.bench.trees [--threads 1]
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor

from tests.bench.models import VOCABULARY
from workers.contract.answers import FINISHED, Answers
from workers.engine.load import call, load
from workers.engine.masks import on_last_token
from workers.engine.tensors import Rollouts
from workers.engine.tree import grow

ROUNDS = 7
SIBLINGS = 8


def main() -> None:
    """Print one line a shape."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    for rows, siblings, length in ((512, 512, 512), (4096, SIBLINGS, 512), (4096, 512, 512), (4096, 4096, 512)):
        batch, value_N = make_batch(rows, siblings, length), torch.rand(rows)
        middle, least = timed(partial(_values, batch, value_N))
        start = time.perf_counter()
        by_dictionaries(batch, value_N.tolist())
        slow = time.perf_counter() - start
        print(
            f"{rows} x {length} tokens, groups of {siblings}: {1e3 * middle:.1f} ms (least {1e3 * least:.1f}), "
            f"dictionaries {1e3 * slow:.0f} ms, {slow / middle:.0f} times",
            flush=True,
        )


def _values(batch: Rollouts, value_N: Tensor) -> Tensor:
    return grow(batch).values(value_N)


def make_batch(rows: int, siblings: int, length: int) -> Rollouts:
    """Completions that leave their group's common path at a random place, and end in the second half."""
    noise = torch.Generator().manual_seed(0)
    shape, place_T = (rows, length), torch.arange(length)
    common_NT = torch.randint(VOCABULARY, (rows // siblings, length), generator=noise).repeat_interleave(siblings, 0)
    own_NT = torch.randint(VOCABULARY, shape, generator=noise)
    leave_N1 = torch.randint(length, (rows, 1), generator=noise)
    end_N1 = torch.randint(length // 2, length + 1, (rows, 1), generator=noise)
    texts = ("",) * rows
    return Rollouts(
        prompt_NL=torch.zeros((rows, 1), dtype=torch.long),
        prompt_mask_NL=torch.ones((rows, 1), dtype=torch.bool),
        token_NT=torch.where(place_T < leave_N1, common_NT, own_NT),
        mask_NT=place_T < end_N1,
        logp_NT=torch.zeros(shape),
        group_N=torch.arange(rows) // siblings,
        answers=Answers(texts, texts, (length,) * rows, (FINISHED,) * rows, {}, (None,) * rows),
    )


def by_dictionaries(batch: Rollouts, value: list[float]) -> list[list[float]]:
    """The same values from nested dictionaries: what one would write first."""
    roots: dict[int, dict[Any, Any]] = {}
    paths = []
    lengths, groups = batch.mask_NT.sum(1).tolist(), batch.group_N.tolist()
    for row, tokens in enumerate(batch.token_NT.tolist()):
        node, path = roots.setdefault(groups[row], {}), []
        for token in tokens[: lengths[row]]:
            node = node.setdefault(token, {"count": 0, "sum": 0.0})
            node["count"] += 1
            node["sum"] += value[row]
            path.append(node)
        paths.append(path)
    return [[node["sum"] / node["count"] for node in path] for path in paths]


def credit_seconds(name: str, prompts: int, siblings: int, length: int) -> float:
    """What a credit method takes on the batch of a step, the median of a few."""
    batch = make_batch(prompts * siblings, siblings, length)
    reward_NT: Tensor = on_last_token(torch.rand(prompts * siblings), batch.mask_NT)
    method = load("credit", name)
    return timed(lambda: call(method, {"rollouts": batch, "reward_NT": reward_NT}, {}))[0]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Median and least seconds of a few rounds, after one to warm up."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times[1:]), min(times[1:])


if __name__ == "__main__":
    main()
