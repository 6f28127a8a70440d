"""Judges by a reward that is put together from parts: leaves score, the other nodes combine, from the leaves up."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from workers.contract.answers import Answers
from workers.contract.rewardnode import INNER, Node
from workers.contract.spec import Pick
from workers.contract.values import Values, as_values
from workers.engine.facilities import Facilities
from workers.engine.judges import Made, make_judge
from workers.engine.recipe import Part, make_part


@dataclass(frozen=True)
class _Tree:
    """The loaded nodes by path: judges of the leaves, methods of the others, and the names of all."""

    root: Node
    leaves: Mapping[str, Made]
    inner: Mapping[str, Part]
    names: Mapping[str, str]


def composed(root: Node, label: str, facilities: Facilities) -> Made:
    """The judge by a tree. Its values have every node's as parts, by name, and the parts of each as `<name>/<part>`; a
    completion on which any leaf fails has failed."""
    nodes = dict(root.walk())
    leaves = {path: make_judge(node, label, facilities) for path, node in nodes.items() if node.kind != INNER}
    inner = {path: _combination(node) for path, node in nodes.items() if node.kind == INNER}
    tree = _Tree(root, leaves, inner, root.labels())

    def judge(answers: Answers, step: int) -> Values:
        return _judged(tree, answers, step, facilities)

    def close() -> None:
        for leaf in leaves.values():
            leaf.close()

    return Made(judge, close=close)


def _combination(node: Node) -> Part:
    return make_part(Pick(INNER, node.name, node.params, node.digest))


def _judged(tree: _Tree, answers: Answers, step: int, facilities: Facilities) -> Values:
    found: dict[str, Values] = {}
    faults: dict[int, str] = {}
    for path, node in reversed(list(tree.root.walk())):  # parts before what combines them
        if path in tree.leaves:
            made = _named(tree.leaves[path].judge(answers, step), tree.names[path])
            faults = {n: f"{tree.names[path]}: {what}" for n, what in made.faults.items()} | faults
        else:
            below = f"{path}." if path else ""
            parts = [found[f"{below}of.{index}"] for index in range(len(node.of))]
            part = tree.inner[path].at(facilities.progress(step).share)
            needs, address = part.loaded.method.needs, f"{part.address}/{path}"
            supplied = facilities.supply(needs, address, step, held_out=answers.held_out)
            made = as_values(part(parts=parts, answers=answers, groups=answers.group_numbers(), **supplied))
        found[path] = made
    whole = found[""]
    total = [None if n in faults else value for n, value in enumerate(whole.total)]
    parts_ = {tree.names[path]: values.total for path, values in found.items() if path}
    for path, values in found.items():  # a leaf's own parts stand beside those of the tree
        parts_ |= {f"{tree.names[path]}/{name}": column for name, column in values.parts.items()}
    spans = {n: spans for n, spans in whole.spans.items() if n not in faults}
    return Values(total, parts_, spans, faults, _notes(tree, found))


def _named(values: Values, name: str) -> Values:
    """A leaf's values, whose places say which leaf they are of."""
    spans = {
        n: [replace(span, part=f"{name}/{span.part}" if span.part else name) for span in several]
        for n, several in values.spans.items()
    }
    return replace(values, spans=spans)


def _notes(tree: _Tree, found: Mapping[str, Values]) -> dict[int, str]:
    """What all nodes note beside their values, each under its name."""
    notes: dict[int, str] = {}
    for path, values in found.items():
        for n, note in values.notes.items():
            notes[n] = "\n\n".join(filter(None, (notes.get(n), f"{tree.names[path]}: {note}")))
    return notes
