"""A document with some of its fields changed, named by dotted paths."""

from collections.abc import Mapping
from typing import Any

from labapp.api.errors import Refusal
from labapp.runs import mending
from workers.contract.spec import SpecError


def changed(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `document` in which each path (`rewards.0.weight`) has its new value; a parameter may be new.

    Refuses a path whose parent the document does not have.
    """
    try:
        return mending.changed(document, changes)
    except SpecError as error:
        path = str(error).partition(":")[0]
        mend = "Read the run to see its document."
        raise Refusal(422, f"changes.{path}", "the run's document has no such field", mend) from None
