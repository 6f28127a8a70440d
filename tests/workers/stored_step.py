"""A step's completions as a run stores them, small enough to be worked out by hand."""

from typing import Any

import numpy as np

from workers.engine.store import Table

PIECES = (["4", "2"], ["7"], ["1", "0", "!"], ["9", "9"])
CORRECT = (1.0, 0.0, 0.0, 0.0)


def content(step: int = 3, **streams: float) -> bytes:
    """Two groups of two completions, of which the first alone is right; `streams` by name, the same for all tokens."""
    lengths = [len(row) for row in PIECES]
    stored = {"logp": -1.0, "ratio": 1.0, "ref_logp": -1.0, "advantage": 0.0} | streams
    columns: dict[str, list[Any]] = {
        "group": [0, 0, 1, 1],
        "prompt": ["40+2=", "40+2=", "<b>1+1</b>=", "<b>1+1</b>="],
        "completion": ["".join(row) for row in PIECES],
        "prompt_ids": [[] for _ in PIECES],
        "token_ids": [[ord(piece) for piece in row] for row in PIECES],
        "pieces": [list(row) for row in PIECES],
        "mask": [[True] * length for length in lengths],
        "end": ["finished"] * 4,
        "length": lengths,
        "answer": ["42", "42", "2", "2"],
        "reward_total": list(CORRECT),
        "advantage": [0.0] * 4,
    }
    arrays = {name: np.full((4, max(lengths)), value, dtype=np.float32) for name, value in stored.items()}
    return Table(step, columns, {"correct": list(CORRECT)}, arrays).content()
