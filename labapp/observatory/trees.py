"""The prefix tree of a group as its picture needs it: texts of nodes, and what they are worth."""

from typing import Any

from workers.contract.radix import Node, grow


def tree_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """`{mean, size, tokens, root}` of the completions of one group (as `reading.group` gives them).

    A node is {id, text, pieces, start, tokens, visits, rows (indices of rollouts), ending, mean, edge, entropy,
    children}; `id` is its path from the root, the same for the same tree.
    """
    root = grow([row["tokens"] for row in rows], [row["total"] for row in rows])
    return {
        "mean": root.mean,
        "size": len(rows),
        "tokens": max((len(row["tokens"]) for row in rows), default=0),
        "root": _drawn(root, rows, "0"),
    }


def _drawn(node: Node, rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    pieces = rows[node.rows[0]]["pieces"][node.start : node.end] if node.rows else []
    return {
        "id": name, "text": "".join(pieces), "pieces": pieces, "start": node.start, "tokens": node.end - node.start,
        "visits": node.visits, "rows": [rows[row]["index"] for row in node.rows],
        "ending": [rows[row]["index"] for row in node.ending],
        "mean": node.mean, "edge": node.edge, "entropy": node.entropy,
        "children": [_drawn(child, rows, f"{name}.{place}") for place, child in enumerate(node.children)],
    }  # fmt: skip
