"""A reward, dry-run on samples for somebody who waits, before anything is saved or trained with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from workers.contract.rewardnode import Node
from workers.contract.spec import SpecError, build
from workers.door.plain import plain


def dry_run_on(
    document: Mapping[str, Any], samples: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
) -> dict[str, Any]:
    """What `workers.engine.dryrun` tells of the reward node `document` on samples {prompt, completion, label?, ...}.

    `options` may have `before` (another node to compare with), `threshold`, `share`, `probes` and `owner`.
    """
    # Not before somebody asks: the sweep loads this file too.
    from workers.engine.dryrun import dry_run
    from workers.engine.dryrun.report import Asked

    given = dict(options)
    try:
        node: Node = build(Node, document, "reward")
        before = given.pop("before", None)
        asked = Asked(None if before is None else build(Node, before, "reward"), **given)
    except SpecError as error:
        nothing = {"values": [], "parts": {}, "faults": [], "output": "", "notes": {}, "seconds": 0.0, "warm": False}
        return {"error": str(error), **nothing}
    told: dict[str, Any] = plain(dry_run(node, samples, asked))
    return told
