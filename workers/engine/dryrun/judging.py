"""Who scores in a dry run: judges that stay warm from one question to the next, with whatever users' code reports."""

import json
import time
from dataclasses import asdict, dataclass, field

from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.contract.finite import told_apart
from workers.contract.rewardnode import Node
from workers.contract.values import Values
from workers.engine.boundary import boundary
from workers.engine.dryrun.listening import Listening
from workers.engine.judges import Made, make_judge
from workers.engine.warm import Warm
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

    def end(self) -> None:
        """End the children of both."""
        self.made.close()
        self.facilities.close()


_kept: Warm[_Kept] = Warm(WARM, _Kept.end)


def judge(node: Node, answers: Answers, share: float = 0.0, owner: str = "") -> Judged:
    """Score `answers` by the reward `node`, when `share` of a run is done. What two owners ask shares no process."""
    began = time.monotonic()
    what = json.dumps(asdict(node), sort_keys=True)
    warm, listening = (owner, what) in _kept, Listening()
    nothing = Values([None] * len(answers.texts))
    try:
        with boundary("reward"):
            kept = _kept.get(owner, what, lambda: _made(node))
            listening = kept.facilities
            listening.forget()
            values = kept.made.judge(answers, 1 + round(share * (STEPS - 1)))
            error = _miscounted(values, len(answers.texts))
    except SandboxFault as fault:  # before the code saw a sample
        return Judged(nothing, [fault], seconds=time.monotonic() - began, error=fault.what)
    except RunError as trouble:
        error, values = f"{trouble.what} {trouble.mend}".strip(), nothing
    taken = time.monotonic() - began
    told = nothing if error else told_apart(values)
    return Judged(told, listening.faults, listening.printed, taken, warm, error)


def close_all() -> None:
    """End all that is warm."""
    _kept.clear()


def _made(node: Node) -> _Kept:
    facilities = Listening(steps=STEPS)
    return _Kept(make_judge(node, node.label or node.name, facilities), facilities)


def _miscounted(values: Values, count: int) -> str:
    """Why values cannot be those of `count` completions; empty when they can."""
    columns = {"the total": values.total, **{f"the part {name!r}": column for name, column in values.parts.items()}}
    for name, column in columns.items():
        if len(column) != count:
            return f"{name} has {len(column)} values for {count} completions"
    return ""
