"""The prefix tree of a group as its picture needs it: texts of nodes, and what they are worth.

A picture ends at DEEPEST levels: completions of which each is the start of the next make a chain of any depth, and
JSON is neither written nor read at any depth.
"""

from typing import Any

from workers.contract.radix import Node, grow

DEEPEST = 200


def tree_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """`{mean, size, tokens, root}` of the completions of one group (as `reading.group` gives them).

    A node is {id, text, pieces, start, tokens, visits, rows (indices of rollouts), ending, mean, edge, entropy,
    children, deeper}; `id` is its path from the root, the same for the same tree, and `deeper` says that its children
    are left out for being too deep.
    """
    root = grow([row["tokens"] for row in rows], [row["total"] for row in rows])
    return {
        "mean": root.mean,
        "size": len(rows),
        "tokens": max((len(row["tokens"]) for row in rows), default=0),
        "root": _picture(root, rows),
    }


def _picture(root: Node, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The root and all below it down to DEEPEST, in a loop: a chain may be longer than Python lets functions nest."""
    drawn = _drawn(root, rows, "0")
    pending = [(root, drawn, 1)]
    while pending:
        node, picture, level = pending.pop()
        if level == DEEPEST:
            picture["deeper"] = bool(node.children)
            continue
        for place, child in enumerate(node.children):
            picture["children"].append(_drawn(child, rows, f"{picture['id']}.{place}"))
            pending.append((child, picture["children"][-1], level + 1))
    return drawn


def _drawn(node: Node, rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """One node without its children."""
    pieces = rows[node.rows[0]]["pieces"][node.start : node.end] if node.rows else []
    return {
        "id": name, "text": "".join(pieces), "pieces": pieces, "start": node.start, "tokens": node.end - node.start,
        "visits": node.visits, "rows": [rows[row]["index"] for row in node.rows],
        "ending": [rows[row]["index"] for row in node.ending],
        "mean": node.mean, "edge": node.edge, "entropy": node.entropy, "children": [], "deeper": False,
    }  # fmt: skip
