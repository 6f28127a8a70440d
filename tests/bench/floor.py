"""What the arithmetic alone would take: a step's floating point operations at the rate of a matrix product."""

import time

import torch

from tests.bench.models import Size


def matmul_rate(size: Size, rows: int, rounds: int = 12) -> float:
    """Floating point operations a second of the network's largest product on `rows` tokens, the best of a few."""
    left, right = torch.randn(rows, size.hidden), torch.randn(size.hidden, size.intermediate)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        left @ right
        times.append(time.perf_counter() - start)
    return 2 * rows * size.hidden * size.intermediate / min(times)


def step_flops(parameters: int, prompt_tokens: int, new_tokens: float, *, reference: bool) -> float:
    """2 operations a parameter and token forward, 4 backward: sampling, training, and the reference's pass; each prompt
    is read once for its group."""
    passes = 2 + 6 + (2 if reference else 0)
    return passes * parameters * (prompt_tokens + new_tokens)
