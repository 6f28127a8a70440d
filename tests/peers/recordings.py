"""The recorded numbers as files: float32 in the fewest digits that give it back exactly."""

import json
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

FOLDER = Path(__file__).parent / "recorded"
RELATIVE = 1e-5


def plain(tensor: Tensor) -> Any:
    """A tensor as nested lists."""
    if tensor.dtype is not torch.float32:
        return tensor.tolist()
    array = tensor.detach().numpy()
    if array.ndim == 0:
        return float(str(numpy.float32(array)))
    return [plain(part) for part in tensor.detach()]


def read(name: str) -> dict[str, Any]:
    """One recorded file."""
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return document


def tensors(numbers: dict[str, Any]) -> dict[str, Tensor]:
    """Its inputs or outputs as tensors: floats in float32."""
    return {name: torch.tensor(value) for name, value in numbers.items()}


def assert_equal(found: Tensor, recorded: Any) -> None:
    """To 1e-5 of the largest number: gradients that cancel to nothing have no relative error of their own."""
    expected = torch.tensor(recorded)
    torch.testing.assert_close(found, expected, rtol=RELATIVE, atol=RELATIVE * float(expected.abs().max()))


def differences(then: Any, now: Any, place: str = "") -> list[str]:
    """Where two documents differ by more than float32 rounding."""
    if isinstance(now, dict) and isinstance(then, dict):
        names = sorted(set(now) | set(then))
        return [line for name in names for line in differences(then.get(name), now.get(name), f"{place}/{name}")]
    if isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        pairs = enumerate(zip(then, now, strict=True))
        return [line for n, (old, new) in pairs for line in differences(old, new, f"{place}[{n}]")]
    if isinstance(now, float) and isinstance(then, float | int):
        return [] if abs(now - then) <= 1e-6 * max(1.0, abs(then)) else [f"{place} was {then}, is {now}"]
    return [] if now == then else [f"{place} was {then!r}, is {now!r}"]
