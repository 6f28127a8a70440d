"""What happens in a run, as numbered rows: the closed list of kinds, and the shape of each kind's data."""

from dataclasses import dataclass, field
from typing import Any, Protocol

KINDS: dict[str, str] = {
    "state": "the run moved: {state, reason?: {where, what, mend, evidence}}",
    "progress": "{phase, done, total, rate}: long work before or beside the steps (loading, evaluating, scoring)",
    "metrics": "{values: {name: number}}: the numbers of one step",
    "rollouts": "{count, file, preview: [row]}: the completions of one step were stored; a few of them are shown",
    "checkpoint": "{step, name, bytes, digest}: a checkpoint was written",
    "front": "{values: {label: mean}, errors: {label: standard error}}: held-out rewards of the policy at this step",
    "trouble": "{where, what, mend, evidence}: something went wrong and the run goes on",
    "note": "{text}: a line for the log",
}

METRICS: dict[str, str] = {
    "reward/total": "mean of the weighted sum of rewards",
    "kl": "mean over tokens of the k3 estimate of KL(policy, reference), nats per token",
    "entropy": "mean entropy of the policy's next-token distribution, nats",
    "length": "mean completion length, tokens",
    "clip_fraction": "share of tokens whose ratio was clipped",
    "dead_groups": "share of prompts whose completions all earned the same",
    "cut_off": "share of completions that reached the length limit",
    "heldout/accuracy": "held-out mean of the first reward",
    "tokens_per_second": "completion tokens per second of the whole step",
    "loss": "the minimised loss",
    "grad_norm": "norm of the gradient before clipping",
    "learning_rate": "learning rate of this step",
    "mismatch": "largest difference between sampling and training log-probabilities, nats",
    "skipped": "1 where the update was skipped because something was no finite number, else 0",
    "memory/estimate": "what the run was expected to take on its device, MiB",
    "memory/peak": "the most that it has taken so far, beyond what its process had before, MiB",
    "seconds/step": "wall time of the step",
    "seconds/sample": "of it, sampling",
    "seconds/reward": "of it, rewards",
    "seconds/update": "of it, the update",
    "seconds/store": "of it, bookkeeping of the step before (events, rollouts)",
}
"""Fixed metric names. Beside them: `reward/<label>`, `reward/<label>/<part>`, `heldout/<label>`, `served/<label>` (the
served model's, at step 0) and `<kind>/<statistic>` of methods."""


@dataclass(frozen=True)
class Event:
    """One thing that happened at a step of a run; `data` follows KINDS. The number is given when it is stored."""

    step: int
    kind: str
    data: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.kind in KINDS, f"unknown event kind {self.kind!r}"


class Ledger(Protocol):
    """Where a run's events and files go: PostgreSQL and storage behind the door, a directory on the command line."""

    def write(self, events: list[Event]) -> None:
        """Store the events in order, in one transaction.

        Raises Replaced when another worker took the run over, and Stopped when a person asked it to stop.
        """

    def save(self, name: str, content: bytes) -> str:
        """Store a file of the run under a relative name, whole or not at all, and return its stored name."""

    def checkpoints(self) -> str:
        """The local directory that holds the run's checkpoints."""
