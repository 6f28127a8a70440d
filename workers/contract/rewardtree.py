"""Rewards put together from parts: what is wrong with one, and how it reads as one formula."""

import re
from collections.abc import Iterator

from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.limits import is_schedule
from workers.contract.picking import pick_troubles
from workers.contract.rewardcode import check
from workers.contract.rewardnode import INNER, LEAF, Node
from workers.contract.spec import Pick

DEEPEST, MOST = 12, 64  # levels and parts of one tree
_PLACE = re.compile(r"<(b?)(\d+)>|<([a-z_]+)>|<\*>")


def tree_troubles(path: str, tree: Node, catalogue: Catalogue) -> Iterator[Trouble]:
    """What keeps a tree from being used, each with the path of its node below `path`."""
    nodes = list(tree.walk())
    if len(nodes) > MOST:
        yield Trouble(path, f"a reward has at most {MOST} parts, not {len(nodes)}")
        return
    for place, node in nodes:
        where = f"{path}.{place}" if place else path
        if place.count("of.") >= DEEPEST:
            yield Trouble(where, f"parts stand within parts at most {DEEPEST} deep")
        elif node.kind == LEAF:
            yield from _leaf(where, node, catalogue)
        elif node.kind == INNER:
            yield from pick_troubles(where, Pick(INNER, node.name, node.params, node.digest), INNER, catalogue)
            yield from _counts(where, node, catalogue)
        else:
            yield Trouble(f"{where}.kind", f"is {LEAF} or {INNER}, not {node.kind!r}")


def _leaf(where: str, node: Node, catalogue: Catalogue) -> Iterator[Trouble]:
    if node.of:
        yield Trouble(f"{where}.of", "a part that scores completions has no parts of its own", {f"{where}.of": []})
    if node.source:
        marks = check(node.source)
        if marks:
            yield Trouble(f"{where}.source", f"line {marks[0].line}: {marks[0].message}")
        return
    yield from pick_troubles(where, Pick(LEAF, node.name, node.params, node.digest), LEAF, catalogue)


def _counts(where: str, node: Node, catalogue: Catalogue) -> Iterator[Trouble]:
    method = catalogue.methods.get(f"{INNER}/{node.name}")
    if method is None:
        return
    least, most = parts_of(method.card.compose)
    if len(node.of) < least or (most is not None and len(node.of) > most):
        wanted = f"{least} or more" if most is None else str(least)
        yield Trouble(
            f"{where}.of", f"{node.name} needs {wanted} part{'' if wanted == '1' else 's'}, not {len(node.of)}"
        )


def parts_of(compose: str) -> tuple[int, int | None]:
    """How many parts a combination needs at least and at most, told by how it is written (None: as many as wanted)."""
    places = {int(match[2]) for match in _PLACE.finditer(compose) if match[2]}
    return (max(places) + 1, max(places) + 1) if places else (1, None)


def latex(tree: Node, catalogue: Catalogue) -> str:
    """The whole reward as one formula: `r = …`; a part is named by its label, or else by its method."""
    return f"r = {_written(tree, '', tree.labels(), catalogue)[0]}"


def _written(node: Node, path: str, labels: dict[str, str], catalogue: Catalogue) -> tuple[str, bool]:
    """The node as LaTeX, and whether it is to be put in brackets beside other signs."""
    method = catalogue.methods.get(f"{node.kind}/{node.name}")
    if node.kind == LEAF or method is None:
        return _name(labels[path]), False
    below = f"{path}." if path else ""
    parts = [_written(child, f"{below}of.{index}", labels, catalogue) for index, child in enumerate(node.of)]
    compose, params = method.card.compose, method.defaults() | dict(node.params)
    if not _PLACE.search(compose):
        texts = [_bracketed(*part) for part in parts]
        return compose.join(texts), len(texts) > 1

    def place(match: re.Match[str]) -> str:
        if match[0] == "<*>":
            return r",\ ".join(text for text, _ in parts)
        if match[3]:
            return _value(params[match[3]]) if match[3] in params else match[0]
        number = int(match[2])
        if number >= len(parts):
            return r"\square"
        return _bracketed(*parts[number]) if match[1] else parts[number][0]

    written = _PLACE.sub(place, compose)
    return written, written.startswith("-")


def _bracketed(text: str, loose: bool) -> str:
    return rf"\left({text}\right)" if loose else text


def _name(label: str) -> str:
    plain = re.sub(r"[^0-9A-Za-zÀ-ÿ ._-]", "", label).replace("_", r"\_").replace(" ", r"\ ")
    return r"\mathrm{" + (plain or "?") + "}"


def _value(value: object) -> str:
    if is_schedule(value):
        assert isinstance(value, dict)
        return rf"\left[{value['start']:g} \to {value['end']:g}\right]"
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else _name(str(value))
