"""Methods that a test plants into a recipe: a function becomes a part, as if it stood in a file of its kind."""

import inspect
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers.contract.card import Card, Source
from workers.contract.kinds import KINDS
from workers.contract.method import Method
from workers.engine.load import Loaded
from workers.engine.recipe import Part


def planted(kind: str, function: Callable[..., Any], name: str = "planted") -> Part:
    """A part of `kind` that calls `function`; its arguments are what it asks for."""
    needs = tuple(inspect.signature(function).parameters)
    assert set(needs) <= set(KINDS[kind].data), f"{needs} cannot be asked for by {kind}"
    method = Method(kind, name, Path("planted.py"), "Planted.", Card("Planted", "x", Source("", "")), needs, (), "")
    return Part(Loaded(method, types.ModuleType("planted"), function), {})
