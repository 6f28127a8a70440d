"""Starts the further processes of a run, joins them, and says which of them was the one that failed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torch._C._distributed_c10d import TCPStore

from workers.contract.errors import RunError
from workers.contract.spec import RunSpec, to_dict
from workers.engine.boundary import boundary
from workers.engine.ranks import ALONE, Lost, Ranks

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]
# How long a process waits for one that lives and says nothing; one that is gone is noticed at once all the same. All
# come to an exchange of tensors after an exchange of words: what may be unequal between the two is the reading of a
# model from disk and a few micro-batches, minutes at most.
PATIENCE = timedelta(minutes=30)
# In the exchange of words the others wait while one samples longer than they do, and while the first alone scores,
# evaluates a served model or has it fill a stock: that may take hours.
SILENCE = timedelta(hours=6)
GRACE = 5.0  # seconds between the moment a process cannot be reached and the moment it must have ended
CLOSED = ("Connection closed by peer", "Connection reset by peer", "Timed out waiting", "NCCL error")
RESUME = "Resume the run: it goes on from its newest checkpoint."
ENDING = 30.0  # seconds that the others may take to end when the first one has


@contextmanager
def launched(spec: RunSpec, folder: str, *, resume: bool) -> Iterator[Ranks]:
    """The run's processes, this one being the first; the others are gone when the block is left.

    RunError at `worker` names the process that was killed, or has the place and words of the one that failed.
    """
    if spec.devices == 1:
        yield ALONE
        return
    _must_have(spec.devices)
    store = TCPStore(HOST, 0, spec.devices, is_master=True, wait_for_workers=False)
    order = {"spec": to_dict(spec), "folder": folder, "resume": resume, "port": store.port, "count": spec.devices}
    children = [_start({**order, "index": index}) for index in range(1, spec.devices)]
    try:
        with boundary("worker"), joined(0, spec.devices, store) as ranks:
            yield ranks
        for child in children:
            _wait(child)
    except RunError as error:
        raise _blamed(error, children) from error
    finally:
        for child in children:
            child.kill()
        for child in children:
            _wait(child)
            for pipe in filter(None, (child.stdin, child.stdout)):
                with suppress(OSError):  # there may be nobody left to read what was not sent yet
                    pipe.close()


@contextmanager
def joined(index: int, count: int, store: TCPStore) -> Iterator[Ranks]:
    """Be process `index` of `count` while the block runs."""
    from accelerate import PartialState  # not before a run has several processes: it takes a second

    # One machine: without the name of its inner interface gloo would ask for the address of the host's name.
    told = {"LOCAL_RANK": str(index), "RANK": str(index), "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count),
            "OMP_NUM_THREADS": str(torch.get_num_threads()), "GLOO_SOCKET_IFNAME": "lo"}  # fmt: skip
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        on_cpu = not torch.cuda.is_available()
        PartialState(cpu=on_cpu, store=store, rank=index, world_size=count, timeout=PATIENCE)
        yield Ranks(index, count, distributed.new_group(backend="gloo", timeout=SILENCE))
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()
        PartialState._reset_state()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def _must_have(devices: int) -> None:
    there = torch.cuda.device_count()
    if torch.cuda.is_available() and devices > there:
        what = f"the run asks for {devices} devices; this machine has {there}."
        raise RunError("spec", what, f"Set devices to {there} at most.")


def _start(order: dict[str, Any]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "workers.engine.follower"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    # A session of its own: Ctrl-C asks the first process to stop, and it tells the others when.
    child = subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes)
    assert child.stdin is not None
    child.stdin.write(json.dumps(order) + "\n")
    child.stdin.flush()  # it stays open: its end tells the child that this process is no more
    return child


def _wait(child: subprocess.Popen[str]) -> None:
    """Until a child is gone. One that does not end by itself is killed: its run is over, well or badly."""
    with suppress(subprocess.TimeoutExpired):
        child.wait(ENDING)
        return
    child.kill()
    with suppress(subprocess.TimeoutExpired):  # the system could not end it yet; it has nothing left to do
        child.wait(ENDING)


def _blamed(error: RunError, children: list[subprocess.Popen[str]]) -> RunError:
    """The failure of the process that failed first, when it was not this one."""
    until = time.monotonic() + (GRACE if _is_lost(error) else 0.0)
    waiting = dict(enumerate(children, start=2))
    while True:
        for number, child in list(waiting.items()):
            if child.poll() is not None:
                found = _reason(waiting.pop(number), number, len(children) + 1)
                if found is not None:
                    return found
        if not waiting or time.monotonic() >= until:
            return _silent(error) if _is_lost(error) else error
        time.sleep(0.05)


def _silent(error: RunError) -> RunError:
    """What is told when no process says why another one could not be reached."""
    what = "another process of the run could not be reached, or did not answer in time, and none says why."
    return RunError("worker", what, RESUME, {**error.evidence, "said": error.what})


def _is_lost(error: BaseException | None) -> bool:
    if error is None:
        return False
    # Within a way back torch speaks to the other processes by itself, and says so in its own words.
    closed = isinstance(error, RuntimeError) and any(words in str(error) for words in CLOSED)
    return closed or isinstance(error, Lost | distributed.DistError) or _is_lost(error.__cause__)


def _reason(child: subprocess.Popen[str], number: int, count: int) -> RunError | None:
    """Why a child ended; None when it was not by a failure, or when it only says that it lost another one."""
    status = child.returncode
    if not status:
        return None
    who, mend = f"process {number} of {count}", RESUME
    if status < 0:
        name = signal.Signals(-status).name
        return RunError("worker", f"{who} was killed by {name}.", mend, {"process": number, "signal": name})
    assert child.stdout is not None
    last = child.stdout.read().strip().split("\n")[-1]
    if not last.startswith("{"):
        return RunError("worker", f"{who} ended with status {status}.", mend, {"process": number})
    said = json.loads(last)
    if said["lost"]:
        return None
    return RunError(said["where"], f"{said['what']} (in {who})", said["mend"], {**said["evidence"], "process": number})


def tell_reason(error: RunError) -> None:
    """Say why this process ends to the one that started it."""
    said = {"where": error.where, "what": error.what, "mend": error.mend, "evidence": error.evidence}
    print(json.dumps({**said, "lost": _is_lost(error)}, default=str), flush=True)
