"""Helpers that rewards ask for by naming them (see `contract/services.py`): made when first asked for, then shared."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workers.engine import seeds
from workers.engine.tensors import Progress

if TYPE_CHECKING:
    from workers.sandbox import Scorer

Maker = Callable[[ExitStack], Any]


def _queries(stack: ExitStack) -> Any:
    from workers.engine.sandboxed import make_queries

    return make_queries(stack)


def _programs(stack: ExitStack) -> Any:
    from workers.engine.programs import make_programs

    return make_programs(stack)


def _chats(stack: ExitStack) -> Any:
    from workers.engine.chatting import make_chats

    return make_chats(stack)


def _service(stack: ExitStack) -> Any:
    from workers.engine.posting import make_service

    return make_service(stack)


def _reward_model(stack: ExitStack) -> Any:
    from workers.engine.rewardmodels import make_reward_model

    return make_reward_model(stack)


def _likelihood(stack: ExitStack) -> Any:
    from workers.engine.likelihoods import make_likelihood

    return make_likelihood(stack)


# What each name makes, imported late; whatever has to be closed is entered on the stack.
MAKERS: dict[str, Maker] = {
    "queries": _queries, "programs": _programs, "chats": _chats, "service": _service, "reward_model": _reward_model,
    "likelihood": _likelihood,
}  # fmt: skip


@dataclass
class Facilities:
    """The helpers of one run's rewards, its seed and its number of steps. A context manager: it ends the children that
    run users' code."""

    seed: int = 0
    steps: int = 1
    _made: dict[str, Any] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def supply(self, names: tuple[str, ...], address: str, step: int, *, held_out: bool = False) -> dict[str, Any]:
        """What a part at `address` asks for by `names`, at a step (0 before the first); where nobody learns from the
        completions (`held_out`) there is no generator, and so no noise."""
        found: dict[str, Any] = {}
        if "progress" in names:
            found["progress"] = self.progress(step)
        if "generator" in names:
            found["generator"] = None if held_out else seeds.generator(self.seed, address, step)
        for name in names:
            if name in MAKERS:
                found[name] = self._get(name)
        return found

    def scorer(self, source: str) -> "Scorer":
        """Who runs a user's function; SandboxFault where its text cannot be used."""
        # Imported late: a run without users' code needs no sandbox.
        from workers.sandbox import Scorer

        return Scorer(source)

    def progress(self, step: int) -> Progress:
        """Where the run stands at a step; 0, before the first, is told as the first."""
        return Progress(max(1, step), max(1, self.steps))

    def close(self) -> None:
        """End what was started; a later question starts it again."""
        self._stack.close()
        self._made.clear()

    def _get(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = MAKERS[name](self._stack)
        return self._made[name]
