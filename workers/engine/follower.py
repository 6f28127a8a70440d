"""A further process of a run that uses several devices: `python -m workers.engine.follower`, started by `launch.py`.

Its orders come as one line of JSON on standard input, which stays open for as long as the first process lives.
"""

import json
import os
import sys
from dataclasses import dataclass
from threading import Thread

import torch
from torch._C._distributed_c10d import TCPStore

from workers.contract.errors import Replaced, RunError, Stopped
from workers.contract.events import Event
from workers.contract.spec import from_dict
from workers.engine.boundary import boundary
from workers.engine.launch import HOST, joined, tell_reason
from workers.engine.learner import threads
from workers.engine.run import train_as

FAILED, ORPHANED = 1, 3


@dataclass(frozen=True)
class Silent:
    """A ledger that keeps nothing: the first process tells everything."""

    folder: str

    def write(self, events: list[Event]) -> None:
        """Nothing."""

    def save(self, name: str, content: bytes) -> str:
        """Nothing is kept; the name."""
        return name

    def checkpoints(self) -> str:
        """The run's checkpoints, to go on from."""
        return self.folder


def main() -> int:
    """Follow the first process to the end of the run; the exit status."""
    order = json.loads(sys.stdin.readline())
    Thread(target=_end_with_the_first, daemon=True).start()
    try:
        with boundary("worker"):
            torch.set_num_threads(max(1, threads() // order["count"]))
            store = TCPStore(HOST, order["port"], order["count"], is_master=False)
            with joined(order["index"], order["count"], store) as ranks:
                train_as(ranks, from_dict(order["spec"]), Silent(order["folder"]), resume=order["resume"])
    except (Stopped, Replaced):
        return 0
    except RunError as error:
        tell_reason(error)
        return FAILED
    return 0


def _end_with_the_first() -> None:
    sys.stdin.read()
    os._exit(ORPHANED)


if __name__ == "__main__":
    sys.exit(main())
