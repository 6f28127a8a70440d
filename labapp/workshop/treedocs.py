"""A reward's tree as a document: read with a sentence for what is none, and written as short as it can be."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from labapp.workshop.references import CODE
from workers.contract.rewardnode import INNER, Node
from workers.contract.spec import SpecError, build

LONGEST = 400_000  # characters of a tree, with the texts of its Python parts


def read(document: object) -> Node:
    """The tree of a document of JSON values; SpecError says where it is none."""
    try:
        made = build(Node, document, "tree")
    except RecursionError:
        raise SpecError("tree: parts stand within parts too deep to be read") from None
    assert isinstance(made, Node)
    return made


def read_text(text: str) -> Node:
    """The tree of a JSON text; SpecError when it is none."""
    if len(text) > LONGEST:
        raise SpecError(f"tree: has {len(text):,} characters; at most {LONGEST:,} are read")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"tree: not JSON ({type(error).__name__})") from None
    return read(document)


def document(tree: Node) -> dict[str, Any]:
    """The tree as JSON values, without fields that say nothing."""
    fields: dict[str, Any] = {"kind": tree.kind, "name": tree.name, "params": dict(tree.params), "digest": tree.digest}
    fields |= {"source": tree.source, "label": tree.label, "of": [document(part) for part in tree.of]}
    return {name: value for name, value in fields.items() if value or name in ("kind", "name")}


def text_of(tree: Node) -> str:
    """The tree as JSON text that `read_text` reads back."""
    return json.dumps(document(tree), ensure_ascii=False)


def bare(tree: Node) -> Node:
    """What its author chose: without digests, and without the texts of saved functions, which their names stand for."""
    source = "" if tree.name.startswith(CODE) else tree.source
    return replace(tree, digest="", source=source, of=tuple(map(bare, tree.of)))


def filled(tree: Node, codes: Mapping[str, str]) -> Node:
    """With the text of every saved function that `codes` has by its name, in the place of any other text."""
    of = tuple(filled(part, codes) for part in tree.of)
    if tree.kind == INNER or not tree.name.startswith(CODE):
        return replace(tree, of=of)
    return replace(tree, source=codes.get(tree.name, ""), of=of)


def names(tree: Node) -> set[str]:
    """The saved functions that the tree's parts name."""
    return {node.name for _, node in tree.walk() if node.name.startswith(CODE)}
