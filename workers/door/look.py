"""The microscope for the page of an algorithm: recipes on a step's completions as a run stored them."""

from collections.abc import Mapping, Sequence
from typing import Any

from labapp.runs import files
from workers.contract.errors import RunError
from workers.contract.spec import SpecError, from_dict
from workers.door.plain import plain

SHOWN = 32  # completions that a page is given


def look_at(file: str, step: int, documents: Sequence[Mapping[str, Any]], even: bool = False) -> dict[str, Any]:
    """`{error}` with a sentence, or what `side_by_side` tells of the run documents in `documents` on the stored
    `file` of that step, their weights scaled to one mean size where `even`. The caller vouches that whoever asked may
    see the file."""
    # Not before somebody looks: the sweep loads this file too.
    from workers.engine.side_by_side import side_by_side
    from workers.engine.stored_credit import read_stored

    try:
        stored = read_stored(files.read(file))
        specs = [from_dict(one) for one in documents]
        made: dict[str, Any] = side_by_side(stored, specs, max(1, step), SHOWN, even=even)
    except FileNotFoundError:
        return {"error": f"The file of step {step} is gone from storage: {file}"}
    except RunError as error:
        return {"error": error.sentence()}
    except SpecError as error:
        return {"error": f"This lab cannot read a recipe: {error}"}
    told: dict[str, Any] = plain({"error": "", **made})
    return told
