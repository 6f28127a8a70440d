"""Who scores in a dry run: judges that stay warm from one question to the next, with whatever users' code reports."""

import json
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from hashlib import blake2b

from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.contract.rewardnode import Node
from workers.contract.values import Values
from workers.engine.boundary import boundary
from workers.engine.dryrun.listening import Listening
from workers.engine.judges import Made, make_judge
from workers.sandbox import SandboxFault

WARM = 6  # judges kept in a process, each with a child for every function in it
STEPS = 1000  # a run of so many steps stands for all, where a part changes over a run


@dataclass(frozen=True)
class Judged:
    """What a reward said: its values (all None where `error` says why it cannot be used), the failures of users' code
    with its lines, what it printed, the seconds it took, and whether it was warm."""

    values: Values
    faults: list[SandboxFault] = field(default_factory=list)
    output: str = ""
    seconds: float = 0.0
    warm: bool = False
    error: str = ""


@dataclass(frozen=True)
class _Kept:
    made: Made
    facilities: Listening


_kept: "OrderedDict[str, _Kept]" = OrderedDict()


def judge(node: Node, answers: Answers, share: float = 0.0, owner: str = "") -> Judged:
    """Score `answers` by the reward `node`, when `share` of a run is done. What two owners ask shares no process."""
    began = time.monotonic()
    key = blake2b(json.dumps([owner, asdict(node)], sort_keys=True).encode(), digest_size=16).hexdigest()
    warm = key in _kept
    nothing = Values([None] * len(answers.texts))
    try:
        with boundary("reward"):
            kept = _kept_or_made(key, node)
            kept.facilities.forget()
            values = kept.made.judge(answers, 1 + round(share * (STEPS - 1)))
            error = _miscounted(values, len(answers.texts))
    except SandboxFault as fault:  # before the code saw a sample
        return Judged(nothing, [fault], seconds=time.monotonic() - began, error=fault.what)
    except RunError as trouble:
        error, values = f"{trouble.what} {trouble.mend}".strip(), nothing
    listening = _kept[key].facilities if key in _kept else Listening()
    taken = time.monotonic() - began
    told = nothing if error else values
    return Judged(told, listening.faults, listening.printed, taken, warm, error)


def close_all() -> None:
    """End all that is warm."""
    while _kept:
        _end(_kept.popitem()[1])


def _kept_or_made(key: str, node: Node) -> _Kept:
    if key not in _kept:
        facilities = Listening(steps=STEPS)
        _kept[key] = _Kept(make_judge(node, node.label or node.name, facilities), facilities)
        if len(_kept) > WARM:
            _end(_kept.popitem(last=False)[1])
    _kept.move_to_end(key)
    return _kept[key]


def _end(kept: _Kept) -> None:
    kept.made.close()
    kept.facilities.close()


def _miscounted(values: Values, count: int) -> str:
    """Why values cannot be those of `count` completions; empty when they can."""
    columns = {"the total": values.total, **{f"the part {name!r}": column for name, column in values.parts.items()}}
    for name, column in columns.items():
        if len(column) != count:
            return f"{name} has {len(column)} values for {count} completions"
    return ""
