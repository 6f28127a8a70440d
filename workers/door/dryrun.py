"""A reward, dry-run on samples for somebody who waits, before anything is saved or trained with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from workers.contract.errors import RunError
from workers.contract.spec import SpecError
from workers.door.plain import plain
from workers.door.taken import reward_of


def dry_run_on(
    document: Mapping[str, Any], samples: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
) -> dict[str, Any]:
    """What `workers.engine.dryrun` tells of the reward node `document` on samples {prompt, completion, label?, ...}.

    `options` may have `before` (another node to compare with), `threshold`, `share`, `probes`, how lengths are measured
    (`tokenizer`, `own`, `lengths`) and `owner`, the team's key.
    """
    # Not before somebody asks: the sweep loads this file too.
    from workers.engine.dryrun import dry_run
    from workers.engine.dryrun.report import Asked

    given = dict(options)
    try:
        owner = str(given.get("owner", ""))
        node, before = reward_of(document, owner), given.pop("before", None)
        asked = Asked(None if before is None else reward_of(before, owner), **given)
        told: dict[str, Any] = plain(dry_run(node, samples, asked))
    except (RunError, SpecError) as error:
        nothing = {"values": [], "parts": {}, "faults": [], "output": "", "notes": {}, "seconds": 0.0, "warm": False}
        return {"error": error.what if isinstance(error, RunError) else str(error), **nothing}
    return told
