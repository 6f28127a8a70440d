"""Approximate equality, as pytest and numpy have it."""

import math
from typing import Any


class Near:
    """`pytest.approx` of a number."""

    def __init__(self, value: float, rel: float = 1e-6, abs: float = 1e-12) -> None:
        self.value, self.rel, self.abs = value, rel, abs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | float) and math.isclose(other, self.value, rel_tol=self.rel, abs_tol=self.abs)

    def __hash__(self) -> int:
        return hash(self.value)


def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8) -> bool:
    """Whether numbers, or lists of them of equal shape, differ by no more than `atol + rtol * |b|`."""
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(allclose(x, y, rtol, atol) for x, y in zip(a, b, strict=True))
    return bool(abs(a - b) <= atol + rtol * abs(b))
