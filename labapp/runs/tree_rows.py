"""A reward that is put together from parts, as one row of a run's form: its tree stands in one field, as JSON."""

from collections.abc import Mapping
from typing import Any

from labapp.runs.field_values import Wrong
from labapp.runs.form_data import Data
from labapp.workshop import treedocs
from labapp.workshop.models import RewardVersion
from labapp.workshop.saved import saved_tree
from labapp.workshop.treeformula import formula_of
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.rewardnode import Node
from workers.contract.spec import SpecError


def tree_of(prefix: str, name: str, data: Data, saved: Mapping[str, str], wrong: Wrong) -> Node | None:
    """The tree that the row's field holds, or the saved one of that name; None where there is neither."""
    kept = data.get(f"{prefix}.tree", "") if data.get(f"{prefix}.shown") == name else ""
    text = kept or saved.get(name, "")
    try:
        return treedocs.read_text(text) if text else None
    except SpecError as error:
        wrong.found.append(Trouble(f"{prefix}.tree", str(error).partition(": ")[2]))
        return None


def tree_context(text: str, saved: RewardVersion | None, catalogue: Catalogue) -> dict[str, Any] | None:
    """The row's tree as the page shows it: its formula, its text for the field, and where its saved version is."""
    tree = saved_tree(text)
    if not text:
        return None
    return {
        "math": "" if tree is None else formula_of(tree, catalogue),
        "text": text,
        "saved": saved,
    }
