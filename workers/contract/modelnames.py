"""Where a run's document names models: those that ship by name, and `run:<number>`, what another run learned."""

from collections.abc import Callable
from dataclasses import replace

from workers.contract.analysis import AnalysisSpec
from workers.contract.card import Text
from workers.contract.catalogue import Catalogue
from workers.contract.rewardnode import LEAF, Node
from workers.contract.spec import RewardPick, RunSpec

STARTERS = {"starter": "starter", "starter-skills": "starter_skills"}
"""Models that ship with the project: name -> folder in `workers/models`."""
OF_RUN = "run:"
Rename = Callable[[str, str], str]
"""The name that takes a name's place: (path in the document, name) -> name."""


def is_of_run(name: str) -> bool:
    """Whether a model's name stands for what another run learned."""
    return name.startswith(OF_RUN)


def renamed(spec: RunSpec, catalogue: Catalogue, rename: Rename) -> RunSpec:
    """The run with every name of a model in its document exchanged: its own, its companions', those in rewards."""
    companions = tuple(
        replace(one, model=replace(one.model, name=rename(f"companions.{index}.model.name", one.model.name)))
        for index, one in enumerate(spec.companions)
    )
    model = replace(spec.model, name=rename("model.name", spec.model.name))
    return replace(spec, model=model, companions=companions, rewards=of_rewards(spec.rewards, catalogue, rename))


def renamed_in(spec: AnalysisSpec, catalogue: Catalogue, rename: Rename) -> AnalysisSpec:
    """The analysis with every name of a model in its document exchanged: its tokenizer's, those in rewards."""
    tokenizer = rename("tokenizer", spec.tokenizer)
    return replace(spec, tokenizer=tokenizer, rewards=of_rewards(spec.rewards, catalogue, rename))


def of_rewards(rewards: tuple[RewardPick, ...], catalogue: Catalogue, rename: Rename) -> tuple[RewardPick, ...]:
    """The rewards with every name of a model in their parameters exchanged; users' code is left as it is."""
    return tuple(_of_reward(f"rewards.{index}", one, catalogue, rename) for index, one in enumerate(rewards))


def of_node(node: Node, catalogue: Catalogue, rename: Rename, path: str = "") -> Node:
    """A reward or a part of one, at `path` in the document, with every name of a model exchanged."""
    below = f"{path}." if path else ""
    method = catalogue.methods.get(f"{node.kind}/{node.name}")
    params = () if method is None or node.source else method.params
    marked = {param.name for param in params if isinstance(param.limit, Text) and param.limit.model}
    given = {
        name: rename(f"{below}params.{name}", value)
        for name, value in node.params.items()
        if name in marked and isinstance(value, str)
    }
    of = tuple(of_node(part, catalogue, rename, f"{below}of.{index}") for index, part in enumerate(node.of))
    return replace(node, params={**node.params, **given}, of=of)


def _of_reward(path: str, reward: RewardPick, catalogue: Catalogue, rename: Rename) -> RewardPick:
    if reward.tree is not None:
        return replace(reward, tree=of_node(reward.tree, catalogue, rename, f"{path}.tree"))
    leaf = Node(LEAF, reward.name, reward.params, source=reward.source)
    return replace(reward, params=of_node(leaf, catalogue, rename, path).params)


def models_named(spec: RunSpec | AnalysisSpec, catalogue: Catalogue) -> list[tuple[str, str]]:
    """(path in the document, name) of every model."""
    found: list[tuple[str, str]] = []

    def note(path: str, name: str) -> str:
        found.append((path, name))
        return name

    if isinstance(spec, AnalysisSpec):
        renamed_in(spec, catalogue, note)
    else:
        renamed(spec, catalogue, note)
    return found


def runs_named(spec: RunSpec | AnalysisSpec, catalogue: Catalogue) -> list[tuple[str, str]]:
    """(path in the document, name) of every model that is another run's."""
    return [(path, name) for path, name in models_named(spec, catalogue) if is_of_run(name)]
