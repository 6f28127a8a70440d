"""Probes: a method's own function on a small fixed stage, as the data of a figure. One module for each kind."""

import importlib
from collections.abc import Mapping
from typing import Any

from workers.contract.catalogue import Catalogue
from workers.engine.load import load, settings


def probe(
    kind: str, name: str, params: Mapping[str, object] | None = None, catalogue: Catalogue | None = None
) -> dict[str, Any]:
    """The figure of one method with `params` over its defaults, as JSON values (see `figure.Figure`).

    MethodError for an unknown method, ValueError for parameters out of their limits or for what the method refuses.
    """
    loaded = load(kind, name, catalogue)
    stage = importlib.import_module(f"workers.engine.probes.{kind}")
    figure = stage.figure(loaded, settings(loaded.method, params or {}))
    return dict(figure.as_json())
