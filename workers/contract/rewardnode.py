"""A reward put together from parts: a tree whose leaves score completions and whose other nodes combine the scores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

LEAF, INNER = "rewards", "combining"


@dataclass(frozen=True)
class Node:
    """One part. A leaf (`kind` rewards) is a method, or users' code (`name` `code:<id>@<version>`, text in `source`);
    any other node (`kind` combining) makes one value of those of the nodes in `of`. `label` names it where its values
    are shown."""

    kind: str
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""
    source: str = ""
    label: str = ""
    of: "tuple[Node, ...]" = ()

    def walk(self, path: str = "") -> "Iterator[tuple[str, Node]]":
        """Every node with its path (`of.0.of.1`; the root's is empty), a node before those that it combines."""
        yield path, self
        for index, child in enumerate(self.of):
            yield from child.walk(f"{path}.of.{index}" if path else f"of.{index}")

    def labels(self) -> dict[str, str]:
        """The name under which each node's values are shown, by path: its label, else its method's name; numbers make
        equal ones differ."""
        found: dict[str, str] = {}
        taken: set[str] = set()
        for path, node in self.walk():
            wanted = node.label or node.name
            name, count = wanted, 1
            while name in taken:
                count += 1
                name = f"{wanted} {count}"
            taken.add(name)
            found[path] = name
        return found
