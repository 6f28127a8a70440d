"""What the page of a tree of parts shows: each part with its fields, the formula, what is wrong, what may be added."""

from collections.abc import Iterable, Mapping
from typing import Any

from labapp.workshop import treedocs
from labapp.workshop.forms import ParamsForm, method_form, texts
from labapp.workshop.models import RewardVersion
from labapp.workshop.saved import words_of
from labapp.workshop.treeform import LONGEST_LABEL, ROOT, Draft, field_of, past_text
from labapp.workshop.treeformula import formula_of
from labapp.workshop.wording import quoted, text_of
from workers.contract.card import Text
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.limits import Param, is_schedule
from workers.contract.method import Method
from workers.contract.rewardnode import INNER, LEAF, Node
from workers.contract.rewardtree import tree_troubles

LABEL = Param("label", Text(LONGEST_LABEL, empty=True), "names its values and its place in the formula", "")
SAID = 3  # parameters that stand beside a part's name

Saved = Mapping[str, RewardVersion]


def tree_context(draft: Draft, saved: Saved, catalogue: Catalogue) -> dict[str, Any]:
    """The tree and its panel; `saved` are the team's functions by name."""
    root = None if draft.tree is None else _part(draft.tree, "", (1, 1, 1), draft, saved, catalogue)
    return panel_context(draft, saved, catalogue) | {
        "root": root,
        "past_text": past_text(draft),
        "open": " ".join(draft.open),
        "focus": draft.focus,
    }


def panel_context(draft: Draft, saved: Saved, catalogue: Catalogue) -> dict[str, Any]:
    """The formula, the troubles with the names of their parts, and whether there is something to undo."""
    found = troubles(draft.tree, saved, catalogue)
    labels = {} if draft.tree is None else draft.tree.labels()
    return {
        "formula": "" if draft.tree is None else formula_of(draft.tree, catalogue),
        "refused": draft.refused,
        "troubles": [_trouble(one, labels) for one in found],
        "parts_said": {} if draft.tree is None else {path: _said(node, catalogue) for path, node in draft.tree.walk()},
        "can_undo": draft.changed,
        "tree_text": "" if draft.tree is None else treedocs.text_of(treedocs.bare(draft.tree)),
    }


def _trouble(one: Trouble, labels: Mapping[str, str]) -> dict[str, str]:
    """It with the name of its part, which it does not say twice."""
    part = _named(one.path, labels)
    return {"path": one.path, "part": part, "what": one.what.removeprefix(f"{part} ")}


def _named(path: str, labels: Mapping[str, str]) -> str:
    """The name of the part that a trouble's path lies in: the deepest one."""
    inside = [place for place in labels if f"{path}.".startswith(f"{field_of(place)}.")]
    return labels[max(inside, key=len)] if inside else ""


def troubles(tree: Node | None, saved: Saved, catalogue: Catalogue) -> list[Trouble]:
    """What keeps a tree from being saved."""
    if tree is None:
        return []
    whole = treedocs.filled(tree, {name: one.source for name, one in saved.items()})
    gone = [
        Trouble(field_of(path), f"there is no saved text of {node.name} in this team")
        for path, node in tree.walk()
        if node.name in treedocs.names(tree) - saved.keys()
    ]
    said = {f"{lost.path}.name" for lost in gone}
    return [*gone, *(one for one in tree_troubles(ROOT, whole, catalogue) if one.path not in said)]


def _part(
    node: Node, path: str, place: tuple[int, int, int], draft: Draft, saved: Saved, catalogue: Catalogue
) -> dict[str, Any]:
    """One part as the template draws it; `place` is its level, its number among its neighbours, and their count."""
    method, field = catalogue.methods.get(f"{node.kind}/{node.name}"), field_of(path)
    below, count = f"{path}." if path else "", len(node.of)
    children = [
        _part(child, f"{below}of.{n}", (place[0] + 1, n + 1, count), draft, saved, catalogue)
        for n, child in enumerate(node.of)
    ]
    return {
        "path": path, "field": field, "node": node, "method": method, "children": children, "inner": node.kind == INNER,
        "level": place[0], "number": place[1], "count": place[2], "here": path == draft.focus,
        "open": field in draft.open, "title": node.label or _title(node, method, saved),
        "kind": "" if not node.label else _title(node, method, saved), "said": _said(node, catalogue),
        "purpose": "" if method is None else quoted(method.purpose), "version": saved.get(node.name),
        "label": ParamsForm((LABEL,), field, {f"{field}.label": node.label}).rows(),
        "rows": [] if method is None else _rows(method, f"{field}.params", node.params),
    }  # fmt: skip


def _rows(method: Method, prefix: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    return method_form(method, prefix, texts(method, prefix, params)).rows()


def _title(node: Node, method: Method | None, saved: Saved) -> str:
    if node.name in saved:
        return words_of(saved[node.name])
    return node.name if method is None else method.card.title


def _said(node: Node, catalogue: Catalogue) -> str:
    """The first parameters in words, those that differ from their defaults before the others."""
    method = catalogue.methods.get(f"{node.kind}/{node.name}")
    if method is None:
        return ""
    values = method.defaults() | dict(node.params)
    ordered = sorted(values, key=lambda name: name not in node.params)[:SAID]
    return ", ".join(f"{name.replace('_', ' ')} {_word(values[name])}" for name in ordered)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) or is_schedule(value):
        return f"{value:g}" if isinstance(value, float) else text_of(value)
    return f"“{value}”" if isinstance(value, str) and not value.isalpha() else str(value)


def choices(catalogue: Catalogue, saved: Saved) -> list[dict[str, Any]]:
    """What may be added, in groups: rewards and combinations of the library, and the team's functions."""
    groups: list[tuple[str, Iterable[Method]]] = [
        ("Rewards", catalogue.of(LEAF)), ("Combinations", catalogue.of(INNER)),
    ]  # fmt: skip
    found = [
        {"title": title, "options": [_choice(one.address, one.card.title, one.purpose) for one in methods]}
        for title, methods in groups
    ]
    own = [_choice(f"{LEAF}/{name}", words_of(one), one.message) for name, one in saved.items()]
    return found + ([{"title": "Your team's Python", "options": own}] if own else [])


def _choice(pick: str, title: str, words: str) -> dict[str, str]:
    said = words.removeprefix(f"{title}: ")
    return {"pick": pick, "title": title, "words": said[:1].upper() + said[1:], "kind": pick.partition("/")[0]}
