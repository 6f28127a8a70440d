"""A critic beside the policy: what has no numbers moves neither, in one process or in several."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor

from tests.workers.engine.test_faults import breaking
from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.errors import RunError
from workers.contract.spec import Budget, Companion, Pick, RunSpec
from workers.engine.critic import Critic, Lesson
from workers.engine.ranks import Ranks
from workers.engine.run import train
from workers.engine.update import NonFinite, agree

T = TypeVar("T")


def ppo(folder: Path, steps: int = 3) -> RunSpec:
    """PPO with a critic and a checkpoint after each step."""
    budget = Budget(steps=steps, eval_every=0, checkpoint_every=1)
    return tiny_spec(folder, budget=budget, credit=Pick("credit", "gae"), companions=(Companion("critic"),))


@dataclass(frozen=True)
class Faulty(Ranks):
    """One process in which the gradient of `weight` becomes no number."""

    weight: torch.nn.Parameter | None = None

    def add_gradients(self, weights: Sequence[Tensor]) -> None:
        assert self.weight is not None
        assert self.weight.grad is not None
        self.weight.grad.fill_(torch.nan)


def infinite_target(lesson: Lesson) -> None:
    assert lesson.batch.target_NT is not None
    lesson.batch.target_NT[0, 0] = torch.inf


def slope_without_numbers(lesson: Lesson) -> None:
    """The loss is a number and the way back gives none."""
    lesson.ranks = Faulty(weight=lesson.critic.network.value.bias)


def breaking_critic(monkeypatch: pytest.MonkeyPatch, fault: Callable[[Lesson], None], steps: set[int]) -> None:
    sound = Critic.lesson

    def lesson(self: Critic, batch: Any, *others: Any) -> Lesson:
        made = sound(self, batch, *others)
        if batch.progress.step in steps:
            fault(made)
        return made

    monkeypatch.setattr(Critic, "lesson", lesson)


def kept(ledger: MemoryLedger, name: str) -> list[bytes]:
    """A file of the checkpoints, step by step."""
    return [path.read_bytes() for path in sorted(Path(ledger.checkpoints()).glob(f"step-*/{name}.safetensors"))]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (infinite_target, "the critic's loss is no"),
        (slope_without_numbers, "gradient of the critic's value.bias is no"),
    ],
)
def test_a_critic_without_numbers_skips_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[[Lesson], None], said: str
) -> None:
    breaking_critic(monkeypatch, fault, {1, 2})
    ledger = MemoryLedger(tmp_path)
    train(ppo(tmp_path), ledger)
    assert [event.step for event in ledger.kind("trouble")] == [1, 2]
    assert said in ledger.kind("trouble")[0].data["what"]
    assert [curves["skipped"] for curves in ledger.curves().values()] == [1, 1, 0]
    for name in ("model", "optimiser", "critic"):
        first, second, third = kept(ledger, name)
        assert first == second != third, f"a skipped step changes nothing of the {name}"


def test_a_policy_without_numbers_leaves_the_critic_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch, {1, 2})
    ledger = MemoryLedger(tmp_path)
    train(ppo(tmp_path), ledger)
    first, second, third = kept(ledger, "critic")
    assert first == second != third


def test_three_in_a_row_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking_critic(monkeypatch, infinite_target, {2, 3, 4})
    with pytest.raises(RunError, match="the critic's loss is no finite number, 3 steps in a row") as caught:
        train(ppo(tmp_path, steps=9), MemoryLedger(tmp_path))
    assert caught.value.evidence["step"] == 4


@dataclass(frozen=True)
class Beside(Ranks):
    """The first of two processes, the other of which brings `theirs`."""

    count: int = 2
    theirs: Any = None

    def together(self, mine: T) -> list[T]:
        return [mine, self.theirs]


def test_a_non_number_in_one_process_is_one_in_all() -> None:
    with pytest.raises(NonFinite, match=r"25\.0% of the critic's loss"):
        agree(Beside(theirs=("the critic's loss", 0.25)), None)
    with pytest.raises(NonFinite, match=r"50\.0% of mine"):
        agree(Beside(), NonFinite("mine", 0.5))
    agree(Beside(), None)
