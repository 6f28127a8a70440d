"""What is wrong with a spec, found before anything is queued: each trouble with its field and, where known, a fix."""

from collections.abc import Iterator
from math import isfinite

from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.picking import method_of, pick_troubles
from workers.contract.recipes import places, recipe_troubles
from workers.contract.resources import lora_troubles, served_troubles
from workers.contract.rewardtree import tree_troubles
from workers.contract.spec import Pick, RewardPick, RunSpec

PRECISIONS = ("float32", "bfloat16")
FAILURES = ("skip", "zero", "stop")  # what becomes of a completion that a reward fails on
ASKING = {"chats", "service"}  # helpers of rewards that ask a server
# What the engine makes of whole weights outside the network's own way through them.
WHOLE = {"gram_KK": "each reward's own gradient", "over_vocabulary": "whole next-token distributions"}


def troubles(spec: RunSpec, catalogue: Catalogue) -> list[Trouble]:
    """Every trouble that can be seen without the model: unknown methods, parameters out of bounds, sizes, labels."""
    resources = [*served_troubles(spec.served), *lora_troubles(spec.lora)]
    rewards = reward_troubles(spec.rewards, catalogue)
    sizes = [*_numbers(spec), *_sharded(spec, catalogue)]
    return [*sizes, *_prompts(spec), *rewards, *_parts(spec, catalogue), *resources]


def complete(spec_pick: Pick, catalogue: Catalogue) -> dict[str, object]:
    """All parameters of a picked method: the defaults, and over them what was set."""
    return catalogue.get(spec_pick.kind, spec_pick.name).defaults() | dict(spec_pick.params)


def _numbers(spec: RunSpec) -> Iterator[Trouble]:
    least = {
        "batch_prompts": (spec.batch_prompts, 1), "siblings": (spec.siblings, 1),
        "max_new_tokens": (spec.max_new_tokens, 1), "budget.steps": (spec.budget.steps, 1),
        "budget.eval_every": (spec.budget.eval_every, 0), "budget.eval_prompts": (spec.budget.eval_prompts, 1),
        "budget.checkpoint_every": (spec.budget.checkpoint_every, 0), "optimiser.passes": (spec.optimiser.passes, 1),
        "optimiser.micro_groups": (spec.optimiser.micro_groups, 0), "devices": (spec.devices, 1),
        "optimiser.warmup_steps": (spec.optimiser.warmup_steps, 0), "seed": (spec.seed, 0),
    }  # fmt: skip
    for path, (value, low) in least.items():
        if value < low:
            yield Trouble(path, f"must be at least {low}, not {value}", {path: low})
    positive = {
        "temperature": spec.temperature,
        "optimiser.learning_rate": spec.optimiser.learning_rate,
        "optimiser.clip_norm": spec.optimiser.clip_norm,
    }
    for path, rate in positive.items():
        if not (isfinite(rate) and rate > 0):
            yield Trouble(path, f"must be more than 0 and finite, not {rate}")
    micro = spec.optimiser.micro_groups
    if micro > 0 and spec.batch_prompts % micro:
        divisor = max(d for d in range(1, micro + 1) if spec.batch_prompts % d == 0)
        yield Trouble(
            "optimiser.micro_groups",
            f"{micro} groups a micro-batch does not divide the batch of {spec.batch_prompts} prompts",
            {"optimiser.micro_groups": divisor},
        )
    if spec.precision not in PRECISIONS:
        yield Trouble("precision", f"is one of {', '.join(PRECISIONS)}, not {spec.precision!r}")


def _sharded(spec: RunSpec, catalogue: Catalogue) -> Iterator[Trouble]:
    """What a run whose weights are split among processes cannot do, and what would leave some of them idle."""
    if not spec.sharded:
        return
    if spec.devices == 1:
        yield Trouble("sharded", "needs several devices to split the weights among", {"sharded": False})
    if spec.lora is not None:
        yield Trouble("sharded", "splits the weights that learn; an adapter's are few", {"sharded": False})
    if 0 < spec.batch_prompts < spec.devices:
        micro = max(1, spec.optimiser.micro_groups)
        least = -(-spec.devices // micro) * micro
        what = f"with split weights each of {spec.devices} processes needs a prompt of its own; take at least {least}"
        yield Trouble("batch_prompts", what, {"batch_prompts": least})
    for _, pick, kind in places(spec):
        method = method_of(pick, kind, catalogue)
        for need in () if method is None else sorted(WHOLE.keys() & set(method.needs)):
            what = f"{pick.name} asks for {WHOLE[need]}, which split weights cannot give"
            yield Trouble("sharded", what, {"sharded": False})


def _prompts(spec: RunSpec) -> Iterator[Trouble]:
    given = [bool(spec.prompts.task), bool(spec.prompts.path), bool(spec.prompts.dataset)]
    if sum(given) != 1:
        yield Trouble("prompts", "choose one source of prompts: a built-in task, an uploaded set or a file")
    if not 0 < spec.prompts.heldout_share < 1:
        yield Trouble("prompts.heldout_share", "must lie between 0 and 1", {"prompts.heldout_share": 0.1})


def reward_troubles(rewards: tuple[RewardPick, ...], catalogue: Catalogue) -> Iterator[Trouble]:
    """What is wrong with the objectives of a run: none at all, labels not their own, weights, methods."""
    if not rewards:
        yield Trouble("rewards", "a run needs at least one reward")
    labels = [reward.label for reward in rewards]
    for index, reward in enumerate(rewards):
        if not reward.label or labels.count(reward.label) > 1:
            yield Trouble(f"rewards.{index}.label", f"needs a name of its own, not {reward.label!r}")
        if not isfinite(reward.weight):
            yield Trouble(f"rewards.{index}.weight", "must be finite", {f"rewards.{index}.weight": 1.0})
        if reward.on_failure not in FAILURES:
            fix = {f"rewards.{index}.on_failure": "skip"}
            yield Trouble(f"rewards.{index}.on_failure", f"is one of {', '.join(FAILURES)}", fix)
        yield from _made_of(f"rewards.{index}", reward, catalogue)
        yield from _failing(f"rewards.{index}.on_failure", reward, catalogue)


def _failing(path: str, reward: RewardPick, catalogue: Catalogue) -> Iterator[Trouble]:
    """A server that fails says nothing of the completion: 0 would be learned from as if it were wrong."""
    named = [catalogue.methods.get(f"{pick.kind}/{pick.name}") for pick in reward.picks()]
    asking = [method.name for method in named if method is not None and ASKING & set(method.needs)]
    if reward.on_failure == "zero" and asking:
        what = f"{asking[0]} asks a server, whose failure is no value of a completion: skip it, or stop"
        yield Trouble(path, what, {path: "skip"})


def _made_of(path: str, reward: RewardPick, catalogue: Catalogue) -> Iterator[Trouble]:
    if reward.tree is not None:
        yield from tree_troubles(f"{path}.tree", reward.tree, catalogue)
    elif not reward.source:
        yield from pick_troubles(path, Pick("rewards", reward.name, reward.params, reward.digest), "rewards", catalogue)


def _parts(spec: RunSpec, catalogue: Catalogue) -> Iterator[Trouble]:
    if spec.prompts.task is not None:
        yield from pick_troubles("prompts.task", spec.prompts.task, "tasks", catalogue)
    yield from recipe_troubles(spec, catalogue)
