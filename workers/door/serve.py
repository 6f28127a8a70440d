"""Saved rewards, asked over HTTP by other trainers: scored by judges that stay warm, answered through a list in Redis.

A list and not Celery's results: who waits for it is woken at once, and any number of web threads may wait.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from django.conf import settings
from redis import Redis

from workers.contract.answers import FINISHED, Answers
from workers.contract.errors import RunError
from workers.contract.values import Values

if TYPE_CHECKING:
    from workers.engine.judges import Made

WARM = 8  # rewards kept ready in each process
KEPT = 60  # seconds that an answer waits for the web side to fetch it
_made: "OrderedDict[str, Made]" = OrderedDict()


def serve(reply: str, node: Mapping[str, Any], texts: Mapping[str, Sequence[Any]]) -> None:
    """Score `texts` (`prompts`, `completions` and further columns) by the reward `node` and put the answer on the list
    `reply`: `{rewards, parts, faults}` or `{error}`."""
    with Redis.from_url(settings.REDIS_URL) as redis, redis.pipeline() as both:
        both.rpush(reply, json.dumps(_answer(node, texts)))
        both.expire(reply, KEPT)
        both.execute()


def _answer(node: Mapping[str, Any], texts: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    try:
        values = _judge(node).judge(_answers(texts), 1)
    except (RunError, ValueError) as error:
        return {"error": error.sentence() if isinstance(error, RunError) else str(error)}
    return _plain(values)


def _plain(values: Values) -> dict[str, Any]:
    faults = [{"index": n, "what": what} for n, what in sorted(values.faults.items())]
    return {
        "rewards": list(values.total),
        "parts": {name: list(column) for name, column in values.parts.items()},
        "faults": faults,
    }


def _judge(node: Mapping[str, Any]) -> "Made":
    """The judge by this reward, warm if it was asked lately."""
    # Not before somebody asks: the sweep loads this file too.
    from workers.contract.rewardnode import Node
    from workers.contract.spec import build
    from workers.engine.facilities import Facilities
    from workers.engine.judges import make_judge

    key = blake2b(json.dumps(node, sort_keys=True).encode(), digest_size=16).hexdigest()
    if key in _made:
        _made.move_to_end(key)
        return _made[key]
    made = _made[key] = make_judge(build(Node, node, "reward"), "served", Facilities())
    if len(_made) > WARM:
        _made.popitem(last=False)[1].close()
    return made


def _answers(texts: Mapping[str, Sequence[Any]]) -> Answers:
    completions = tuple(texts["completions"])
    return Answers(
        completions,
        tuple(texts["prompts"]),
        tuple(map(len, completions)),
        (FINISHED,) * len(completions),
        {name: tuple(column) for name, column in texts.items() if name not in ("prompts", "completions")},
    )
