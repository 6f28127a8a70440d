"""Which columns of the prompts a run's rewards read, found in their text: a missing one is said before the launch."""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from workers.contract import rewardcode
from workers.contract.catalogue import Catalogue
from workers.contract.method import Method
from workers.contract.rewardnode import LEAF, Node
from workers.contract.spec import RewardPick


def columns(reward: RewardPick, catalogue: Catalogue) -> set[str]:
    """The columns that `reward` cannot do without, as far as its text tells."""
    return {name for leaf in _leaves(reward) for name in _leaf_columns(leaf, catalogue)}


def _leaves(reward: RewardPick) -> Iterator[Node]:
    """What of it scores completions: itself, or the leaves of its tree."""
    whole = Node(LEAF, reward.name, reward.params, source=reward.source)
    yield from (node for _, node in (reward.tree or whole).walk() if node.kind == LEAF)


def _leaf_columns(leaf: Node, catalogue: Catalogue) -> Iterator[str]:
    method = catalogue.methods.get(f"{LEAF}/{leaf.name}")
    if leaf.source:
        yield from () if rewardcode.check(leaf.source) else rewardcode.signature_of(leaf.source).columns()
    elif method is not None:
        yield from _method_columns(method, method.defaults() | dict(leaf.params))


def wants_verdict(reward: RewardPick, catalogue: Catalogue) -> bool:
    """Whether the reward reads the verdict of a built-in task's own verifier."""
    return any(
        _reads_verdicts(catalogue.methods.get(f"{LEAF}/{one.name}")) for one in _leaves(reward) if not one.source
    )


def _reads_verdicts(method: Method | None) -> bool:
    return method is not None and any(
        isinstance(node, ast.Attribute) and node.attr == "verdicts" for node in ast.walk(ast.parse(method.source))
    )


def _method_columns(method: Method, params: Mapping[str, Any]) -> Iterator[str]:
    """The arguments of `answers.column(...)`, written as text or as the name of a parameter."""
    for node in ast.walk(ast.parse(method.source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "column":
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value
                elif isinstance(argument, ast.Name) and isinstance(params.get(argument.id), str):
                    yield params[argument.id]
