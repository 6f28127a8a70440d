"""The form in which a tree of parts is edited: one field with the tree as it was drawn, and the fields of its parts,
named by their path in it (`tree.of.0.params.threshold`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from labapp.workshop import treedocs, treesteps
from labapp.workshop.forms import differing, method_form
from workers.contract.catalogue import Catalogue
from workers.contract.rewardnode import INNER, LEAF, Node
from workers.contract.rewardtree import DEEPEST, MOST
from workers.contract.spec import SpecError

ROOT = "tree"
KEPT = 20  # trees that can be undone
LONGEST_LABEL = 60
TOO_LARGE = f"A reward has at most {MOST} parts, which stand within one another at most {DEEPEST} deep."
JOIN = "sum"  # what joins a second part with a first one that stands alone
Data = Mapping[str, str]


@dataclass(frozen=True)
class Draft:
    """A tree as the fields say it, the tree as it was drawn, those before it (the newest last), the path of the part
    that is looked at, the parts whose fields are open, by field, and why the last step was not done."""

    tree: Node | None
    drawn: Node | None = None
    past: tuple[Node | None, ...] = ()
    focus: str = ""
    open: tuple[str, ...] = ()
    refused: str = ""

    @property
    def changed(self) -> bool:
        """Whether there is anything to undo."""
        return bool(self.past) or self.tree != self.drawn


def field_of(path: str) -> str:
    """The name under which the fields of the part at `path` stand."""
    return f"{ROOT}.{path}" if path else ROOT


def read(data: Data, catalogue: Catalogue) -> Draft:
    """What the form's texts say; SpecError when its tree is none."""
    drawn = treedocs.read_text(data[ROOT]) if data.get(ROOT) else None
    if drawn is not None and _too_large(drawn):
        raise SpecError(f"tree: {TOO_LARGE}")
    tree = None if drawn is None else _said(treedocs.bare(drawn), "", data, catalogue)
    opened = tuple(filter(None, data.get("open", "").split(" ")))
    return Draft(tree, drawn, _past(data.get("past", "")), data.get("at", ""), opened)


def _past(text: str) -> tuple[Node | None, ...]:
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise SpecError("past: is no list of trees")
    return tuple(None if one is None else treedocs.read(one) for one in found[-KEPT:])


def past_text(draft: Draft) -> str:
    """The trees before this one as the form keeps them."""
    return json.dumps([None if one is None else treedocs.document(one) for one in draft.past[-KEPT:]])


def _said(node: Node, path: str, data: Data, catalogue: Catalogue) -> Node:
    """The part with the texts of its fields; what is no value stays as it was written, for the checks to say so."""
    below = f"{path}." if path else ""
    made = replace(node, of=tuple(_said(one, f"{below}of.{n}", data, catalogue) for n, one in enumerate(node.of)))
    place = field_of(path)
    if data.get(f"{place}.shown") != node.name:
        return made
    made = replace(made, label=" ".join(data.get(f"{place}.label", "").split())[:LONGEST_LABEL])
    method = catalogue.methods.get(f"{node.kind}/{node.name}")
    if method is None:
        return made
    values, wrong = method_form(method, f"{place}.params", data).values()
    written = {where.rpartition(".")[2]: data.get(where, "") for where in wrong}
    return replace(made, params=differing(method, values | written))


def stepped(draft: Draft, do: str, data: Data, names: Mapping[str, str]) -> Draft:
    """The draft after the step `do` at the part of the field `at`; `names` are those of the team's functions."""
    if do == "undo":
        return _undone(draft)
    made, focus = _step(draft.tree, do, draft.focus, data, names)
    if made is not None and _too_large(made):
        return replace(draft, drawn=draft.tree, past=_with(draft), refused=TOO_LARGE)
    if made == draft.tree:
        return replace(draft, drawn=draft.tree, past=_with(draft), focus=focus)
    before = (*_with(draft), draft.tree)
    return Draft(made, made, before[-KEPT:], focus, draft.open if do == "change" else ())


def _too_large(tree: Node) -> bool:
    nodes = [place for place, _ in tree.walk()]
    return len(nodes) > MOST or max(place.count("of.") for place in nodes) >= DEEPEST


def _with(draft: Draft) -> tuple[Node | None, ...]:
    """The past, with the tree as it was drawn where fields were changed since."""
    return draft.past if draft.tree == draft.drawn else (*draft.past, draft.drawn)


def _undone(draft: Draft) -> Draft:
    if draft.tree != draft.drawn:
        return replace(draft, tree=draft.drawn)
    if not draft.past:
        return draft
    last = draft.past[-1]
    return Draft(last, last, draft.past[:-1], draft.focus if treesteps.part_at(last, draft.focus) else "")


def _step(tree: Node | None, do: str, at: str, data: Data, names: Mapping[str, str]) -> treesteps.Made:
    kind, _, name = data.get("pick", "").partition("/")
    if do == "add" and kind in (LEAF, INNER):
        return treesteps.add(tree, at, Node(kind, name, label=names.get(name, "")), JOIN)
    if do == "wrap" and kind == INNER:
        return treesteps.wrap(tree, at, name)
    if do == "change" and name:
        return treesteps.exchange(tree, at, name, names.get(name, ""))
    if do == "place":
        index = data.get("index", "")
        return treesteps.place(tree, at, data.get("to", ""), int(index) if index.isdecimal() and len(index) < 4 else 0)
    plain: dict[str, Any] = {
        "remove": treesteps.remove, "unwrap": treesteps.unwrap, "up": treesteps.up, "down": treesteps.down,
        "out": treesteps.out, "into": treesteps.into,
    }  # fmt: skip
    made: treesteps.Made = plain[do](tree, at) if do in plain else (tree, at)
    return made
