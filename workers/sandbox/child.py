"""The inside: raises the walls, loads the user's code, answers calls. Runs in a process of its own, started by exec.

The code shares this process, so it can do to its own scores whatever it likes; it is the parent that trusts nothing
that comes out of here, and the walls that keep everything else away.
"""

import faulthandler
import linecache
import os
import signal
import sys
import traceback
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from workers.sandbox import walls, wire
from workers.sandbox.called import Call

FILE = "reward.py"  # what the user's code is called in tracebacks
LONGEST_TEXT, LONGEST_MESSAGE = 4000, 500
TEXTS = (
    ". Prompts and completions are texts here; write `completions: list[list[dict]]` in the function's first line to "
    "have them as lists of messages"
)


def main() -> None:
    """Serve until the lab closes the pipe, then end at once (nothing left behind by the user's code is run)."""
    requests, results = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # from here on whatever is printed, also by C code, goes to the captured output
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115 - by line: a crash loses little
    faulthandler.enable(2)  # a crash in C code says in which of the user's lines it was
    faulthandler.register(signal.SIGUSR1, 2)  # the lab asks so before it ends a call that takes too long
    try:
        setup = wire.receive(requests)
        # An event loop makes sockets to itself, which is refused later.
        loop = _event_loop() if setup["is_async"] else None
        ground = walls.Ground(Path(setup["links"]), setup["directories"])
        try:
            walls.raise_walls(ground, **setup["walls"])
        except walls.WallMissing as error:
            wire.send(results, {"nonce": setup["nonce"], "unavailable": str(error)})
            return
        os.environ.pop("PYTHONHASHSEED", None)
        sys.argv = sys.orig_argv = ["reward"]
        for name in [name for name in sys.modules if name.partition(".")[0] == "workers"]:
            del sys.modules[name]
        _serve(requests, results, setup, loop)
    except EOFError:
        pass
    finally:
        os._exit(0)


def _serve(requests: int, results: int, setup: dict[str, Any], loop: Any) -> None:
    """Load the code, say so, then one reply for each request, under the number that the request carries."""
    holder: dict[str, Any] = {}

    def load() -> dict[str, Any]:
        holder["function"] = _load(setup["source"], setup["name"])
        return {"ready": True}

    def score(call: dict[str, Any]) -> dict[str, Any]:
        return {"values": Call(call).answer(holder["function"], loop)}

    wire.send(results, {"nonce": setup["nonce"], **guarded(load, setup["libraries"])})
    while True:
        request = wire.receive(requests)
        reply = guarded(partial(score, request["arguments"]), setup["libraries"])
        wire.send(results, {"nonce": request["nonce"], **reply})


def guarded(work: Callable[[], dict[str, Any]], libraries: list[str]) -> dict[str, Any]:
    """The boundary around the user's code: whatever it raises, SystemExit included, becomes a described fault."""
    try:
        return work()
    except BaseException as error:
        return {"fault": _described(error, libraries)}


def _load(source: str, name: str) -> Callable[..., Any]:
    module = types.ModuleType("reward")
    module.__file__ = FILE
    sys.modules["reward"] = module  # dataclasses and their like look their module up
    if "swift" in source:
        _swift()
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    exec(compile(source, FILE, "exec"), module.__dict__)
    found: Any = getattr(module, name)
    function: Callable[..., Any] = found() if isinstance(found, type) else found
    return function


def _swift() -> None:
    """What ms-swift's reward plugins import: a class to be derived from, and a list to be entered in."""
    made = types.ModuleType("swift")
    plain = type("ORM", (), {"__init__": lambda self, args=None, **more: None})
    made.__dict__.update(ORM=plain, AsyncORM=plain, orms={}, plugin=made, rewards=made, __path__=[])
    sys.modules.update(dict.fromkeys(("swift", "swift.plugin", "swift.plugin.orm", "swift.rewards"), made))


def _event_loop() -> Any:
    import asyncio  # only for async functions: it takes as long to import as everything else here

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


def _described(error: BaseException, libraries: list[str]) -> dict[str, Any]:
    kind = "memory" if isinstance(error, MemoryError) else "raised"
    first = error.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename != FILE:
        first = first.tb_next  # our own frames are of no use to the user
    told = traceback.TracebackException(type(error), error, first, limit=-30)
    lines = [frame.lineno for frame in told.stack if frame.filename == FILE]
    message = "".join(told.format_exception_only()).strip()
    if isinstance(error, ModuleNotFoundError):
        message += f". A reward may import the standard library and: {', '.join(libraries)}"
    if isinstance(error, TypeError) and "string indices must be integers" in message:
        message += TEXTS
    text = "".join(told.format())[-LONGEST_TEXT:] if first is not None else ""
    return {"kind": kind, "message": message[:LONGEST_MESSAGE], "line": lines[-1] if lines else None, "text": text}
