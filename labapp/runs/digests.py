"""Which text of each method a run used: written into its document before it is made."""

from dataclasses import replace
from typing import Any

from labapp.runs.form_data import PARTS
from workers.contract.catalogue import Catalogue
from workers.contract.method import Method
from workers.contract.rewardnode import Node
from workers.contract.spec import Pick, RewardPick, RunSpec


def changed_since(pick: Pick, method: Method) -> bool:
    """Whether the method of a stored pick is another one now than when it was stored."""
    return pick.digest not in ("", method.digest)


def tree_with_digests(tree: Node, catalogue: Catalogue) -> Node:
    """The tree with the digest of every part's file, where it had none."""
    method = None if tree.source or tree.digest else catalogue.methods.get(f"{tree.kind}/{tree.name}")
    digest = tree.digest if method is None else method.digest
    return replace(tree, digest=digest, of=tuple(tree_with_digests(part, catalogue) for part in tree.of))


def with_digests(spec: RunSpec, catalogue: Catalogue) -> RunSpec:
    """The spec with the digest of every method file, where it had none: a record of what ran."""

    def digest(kind: str, name: str, given: str) -> str:
        method = catalogue.methods.get(f"{kind}/{name}")
        return given if given or method is None else method.digest

    def pick(one: Pick) -> Pick:
        return one if one.source else replace(one, digest=digest(one.kind, one.name, one.digest))

    def reward(one: RewardPick) -> RewardPick:
        if one.tree is not None:
            return replace(one, tree=tree_with_digests(one.tree, catalogue))
        return one if one.source else replace(one, digest=digest("rewards", one.name, one.digest))

    task = spec.prompts.task
    parts: dict[str, Any] = {name: pick(part) for name, _ in PARTS if (part := getattr(spec, name)) is not None}
    for name in ("shaping", "selection", "regularisers"):
        parts[name] = tuple(map(pick, getattr(spec, name)))
    extras = tuple(e if e.source else replace(e, digest=digest("objectives", e.name, e.digest)) for e in spec.extras)
    return replace(
        spec,
        prompts=replace(spec.prompts, task=None if task is None else pick(task)),
        rewards=tuple(map(reward, spec.rewards)),
        extras=extras,
        **parts,
    )
