"""Saved rewards, asked over HTTP by other trainers: scored by judges that stay warm, answered through a list in Redis.

A list and not Celery's results: who waits for it is woken at once, and any number of web threads may wait.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from redis import Redis

from workers.contract.answers import FINISHED, Answers
from workers.contract.errors import RunError
from workers.contract.finite import told_apart
from workers.contract.values import Values
from workers.door.plain import plain
from workers.door.taken import reward_of
from workers.engine.warm import Warm

if TYPE_CHECKING:
    from workers.engine.judges import Judge

WARM = 8  # rewards kept ready in each process
KEPT = 60  # seconds that an answer waits for the web side to fetch it


@dataclass(frozen=True)
class _Kept:
    judge: "Judge"
    ends: tuple[Callable[[], None], ...]

    def end(self) -> None:
        for end in self.ends:
            end()


_kept: Warm[_Kept] = Warm(WARM, _Kept.end)


def serve(reply: str, owner: str, node: Mapping[str, Any], texts: Mapping[str, Sequence[Any]]) -> None:
    """Score `texts` (`prompts`, `completions` and further columns) by the reward `node` and put the answer on the list
    `reply`: `{rewards, parts, faults}` or `{error}`. What two owners ask shares no process."""
    with Redis.from_url(settings.REDIS_URL) as redis, redis.pipeline() as both:
        both.rpush(reply, json.dumps(_answer(owner, node, texts)))
        both.expire(reply, KEPT)
        both.execute()


def _answer(owner: str, node: Mapping[str, Any], texts: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    try:
        values = told_apart(_judge(owner, node)(_answers(texts), 1))
    except (RunError, ValueError) as error:
        return {"error": error.sentence() if isinstance(error, RunError) else str(error)}
    return _plain(values)


def _plain(values: Values) -> dict[str, Any]:
    faults = [{"index": n, "what": what} for n, what in sorted(values.faults.items())]
    return {
        "rewards": list(values.total),
        "parts": {name: plain(list(column)) for name, column in values.parts.items()},
        "faults": faults,
    }


def _judge(owner: str, node: Mapping[str, Any]) -> "Judge":
    """The judge by this reward, warm if its owner asked it lately."""
    # Not before somebody asks: the sweep loads this file too.
    from workers.engine.facilities import Facilities
    from workers.engine.judges import make_judge

    asked = reward_of(node, owner)

    def make() -> _Kept:
        facilities = Facilities()
        made = make_judge(asked, "served", facilities)
        return _Kept(made.judge, (made.close, facilities.close))

    # By the reward with directories: a run that learned on is another model.
    return _kept.get(owner, json.dumps(asdict(asked), sort_keys=True), make).judge


def _answers(texts: Mapping[str, Sequence[Any]]) -> Answers:
    completions = tuple(texts["completions"])
    return Answers(
        completions,
        tuple(texts["prompts"]),
        tuple(map(len, completions)),
        (FINISHED,) * len(completions),
        {name: tuple(column) for name, column in texts.items() if name not in ("prompts", "completions")},
    )
