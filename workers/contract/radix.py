"""The prefix tree of a group of completions, for the eye: maximal shared runs of tokens with their rewards.

Tokens are any hashable values (ids, or pieces of text). The tensors of credit methods have their own arithmetic in
the engine; tests show that the two agree.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from math import log


@dataclass
class Node:
    """A maximal run of tokens that the same completions share.

    `start` is the depth of its first token and `end` one past its last; `rows` are the completions that pass through
    it, `ending` those that end with it; `mean` is the mean reward of `rows` (None where none has a reward), `edge` its
    difference to the parent's, and `entropy` the entropy in nats of the choice made after it.
    """

    start: int
    end: int
    rows: list[int]
    ending: list[int] = field(default_factory=list)
    mean: float | None = None
    edge: float | None = None
    entropy: float = 0.0
    children: list["Node"] = field(default_factory=list)

    @property
    def visits(self) -> int:
        """How many completions pass through."""
        return len(self.rows)


def grow(rows: Sequence[Sequence[Hashable]], rewards: Sequence[float | None]) -> Node:
    """The radix tree of `rows`; the root is the empty run that all share. Children stand by visits, most first.

    Raises ValueError when there is not one reward (or None) a row.
    """
    if len(rows) != len(rewards):
        raise ValueError(f"{len(rewards)} rewards for {len(rows)} rows")
    root = Node(0, 0, list(range(len(rows))))
    pending = [root]
    while pending:
        node = pending.pop()
        _branch(node, rows)
        _measure(node, rewards)
        pending.extend(node.children)
    _edges(root)
    return root


def _branch(node: Node, rows: Sequence[Sequence[Hashable]]) -> None:
    """Give `node` its children: one for each token that stands next on some row, as long as its rows agree."""
    by_token: dict[Hashable, list[int]] = {}
    for row in node.rows:
        if len(rows[row]) == node.end:
            node.ending.append(row)
        else:
            by_token.setdefault(rows[row][node.end], []).append(row)
    for members in by_token.values():
        node.children.append(Node(node.end, _shared(rows, members, node.end), members))
    node.children.sort(key=lambda child: (-child.visits, child.rows[0]))


def _shared(rows: Sequence[Sequence[Hashable]], members: list[int], start: int) -> int:
    """How far the rows in `members` stay the same, at least one token past `start`."""
    first, end = rows[members[0]], start + 1
    shortest = min(len(rows[row]) for row in members)
    while end < shortest and all(rows[row][end] == first[end] for row in members):
        end += 1
    return end


def _measure(node: Node, rewards: Sequence[float | None]) -> None:
    known = [reward for reward in (rewards[row] for row in node.rows) if reward is not None]
    node.mean = sum(known) / len(known) if known else None
    shares = [child.visits / node.visits for child in node.children] if node.visits else []
    if node.ending and node.visits:
        shares.append(len(node.ending) / node.visits)
    node.entropy = sum(-share * log(share) for share in shares if share < 1)


def _edges(root: Node) -> None:
    pending = [root]
    while pending:
        node = pending.pop()
        for child in node.children:
            if child.mean is not None and node.mean is not None:
                child.edge = child.mean - node.mean
        pending.extend(node.children)
