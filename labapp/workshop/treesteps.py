"""The steps by which a tree of parts is edited: each takes a tree and the path of a part, and gives the next tree and
the path of the part that is looked at then. A step that makes no sense where it is asked changes nothing."""

from collections.abc import Callable
from dataclasses import replace

from workers.contract.rewardnode import INNER, Node

Made = tuple[Node | None, str]


def places(path: str) -> tuple[int, ...]:
    """The indices of a path such as `of.0.of.1`; ValueError for what is none."""
    words = path.split(".") if path else []
    if len(words) % 2 or any(word != "of" for word in words[::2]):
        raise ValueError(f"{path!r} is no path of a part")
    return tuple(int(word) for word in words[1::2])


def path_of(indices: tuple[int, ...]) -> str:
    """The path that `places` reads."""
    return ".".join(f"of.{index}" for index in indices)


def part_at(tree: Node | None, path: str) -> Node | None:
    """The part there; None where there is none."""
    found = tree
    try:
        for index in places(path):
            if found is None or not 0 <= index < len(found.of):
                return None
            found = found.of[index]
    except ValueError:
        return None
    return found


def put(tree: Node, path: str, change: Callable[[Node], Node]) -> Node:
    """The tree with the part at `path` changed."""
    return _put(tree, places(path), change)


def _put(tree: Node, indices: tuple[int, ...], change: Callable[[Node], Node]) -> Node:
    if not indices:
        return change(tree)
    first, rest = indices[0], indices[1:]
    return replace(tree, of=(*tree.of[:first], _put(tree.of[first], rest, change), *tree.of[first + 1 :]))


def _insert(tree: Node, parent: tuple[int, ...], index: int, parts: tuple[Node, ...]) -> Node:
    return _put(tree, parent, lambda node: replace(node, of=(*node.of[:index], *parts, *node.of[index:])))


def _cut(tree: Node, indices: tuple[int, ...]) -> Node:
    last = indices[-1]
    return _put(tree, indices[:-1], lambda node: replace(node, of=(*node.of[:last], *node.of[last + 1 :])))


def add(tree: Node | None, path: str, part: Node, join: str) -> Made:
    """`part` as the last one of the combination at `path`, or after the part there; a part that stands alone is joined
    with it by the combination `join`."""
    if tree is None:
        return part, ""
    here = part_at(tree, path)
    if here is None:
        return tree, ""
    indices = places(path)
    if here.kind == INNER:
        return _insert(tree, indices, len(here.of), (part,)), path_of((*indices, len(here.of)))
    if not indices:
        return Node(INNER, join, of=(tree, part)), path_of((1,))
    return _insert(tree, indices[:-1], indices[-1] + 1, (part,)), path_of((*indices[:-1], indices[-1] + 1))


def remove(tree: Node | None, path: str) -> Made:
    """Without the part at `path`; what follows it is looked at, or what stood before it, or else what held it."""
    if tree is None or part_at(tree, path) is None:
        return tree, ""
    indices = places(path)
    if not indices:
        return None, ""
    made, parent, last = _cut(tree, indices), indices[:-1], indices[-1]
    left = part_at(made, path_of(parent))
    count = 0 if left is None else len(left.of)
    return made, path_of((*parent, min(last, count - 1)) if count else parent)


def wrap(tree: Node | None, path: str, name: str) -> Made:
    """The part at `path` within a new combination."""
    if tree is None or part_at(tree, path) is None:
        return tree, ""
    return put(tree, path, lambda node: Node(INNER, name, of=(node,))), path


def unwrap(tree: Node | None, path: str) -> Made:
    """The parts of the combination at `path` in its place; at the root only where it has one part."""
    here = part_at(tree, path)
    if tree is None or here is None or not here.of:
        return tree, path
    indices = places(path)
    if not indices:
        return (here.of[0], "") if len(here.of) == 1 else (tree, path)
    return _insert(_cut(tree, indices), indices[:-1], indices[-1], here.of), path


def exchange(tree: Node | None, path: str, name: str, label: str = "") -> Made:
    """Another method of the same kind at `path`, at its defaults; a combination keeps its parts."""
    if tree is None or part_at(tree, path) is None:
        return tree, ""
    return put(tree, path, lambda node: Node(node.kind, name, label=label, of=node.of)), path


def up(tree: Node | None, path: str) -> Made:
    """Before the part that stands before it."""
    return _aside(tree, path, -1)


def down(tree: Node | None, path: str) -> Made:
    """After the part that stands after it."""
    return _aside(tree, path, 1)


def _aside(tree: Node | None, path: str, by: int) -> Made:
    indices = places(path) if part_at(tree, path) is not None else ()
    if tree is None or not indices:
        return tree, path
    return place(tree, path, path_of(indices[:-1]), indices[-1] + by)


def out(tree: Node | None, path: str) -> Made:
    """Out of the combination that holds it, to the place after that."""
    indices = places(path) if part_at(tree, path) is not None else ()
    if tree is None or len(indices) < 2:
        return tree, path
    return place(tree, path, path_of(indices[:-2]), indices[-2] + 1)


def into(tree: Node | None, path: str) -> Made:
    """Into the combination that stands before it, as its last part."""
    indices = places(path) if part_at(tree, path) is not None else ()
    if tree is None or not indices or indices[-1] == 0:
        return tree, path
    before = path_of((*indices[:-1], indices[-1] - 1))
    holder = part_at(tree, before)
    return (tree, path) if holder is None or holder.kind != INNER else place(tree, path, before, len(holder.of))


def place(tree: Node | None, path: str, parent: str, index: int) -> Made:
    """The part at `path` as number `index` (counted without itself) of the combination at `parent`, which must not
    stand within it."""
    part, holder = part_at(tree, path), part_at(tree, parent)
    if tree is None or part is None or holder is None or holder.kind != INNER:
        return tree, path
    source, target = places(path), places(parent)
    if not source or target[: len(source)] == source:
        return tree, path
    depth = len(source) - 1
    if len(target) > depth and target[:depth] == source[:depth] and target[depth] > source[depth]:
        target = (*target[:depth], target[depth] - 1, *target[depth + 1 :])  # it moves up as the part is taken out
    room = len(holder.of) - (1 if places(parent) == source[:-1] else 0)
    at = max(0, min(index, room))
    return _insert(_cut(tree, source), target, at, (part,)), path_of((*target, at))
