"""A saved reward asked over HTTP by another trainer, in figures: batches of 64 short texts, one after the other.

    python -m tests.bench.serving [--asked 40]

A whole lab in a temporary home; the reward is a function in Python, so each batch goes to the sandbox and back. The
floor is the same request to an operation of the API that asks no worker.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests import lab_process
from tests.bench.story import signed_in, wait_for_worker

TEXTS = 64
SOURCE = (
    "def reward(completions, answer, **columns):\n    return [float(a == b) for a, b in zip(completions, answer)]\n"
)


def main() -> None:
    """Start a lab, save a reward, ask it, and print the times in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--asked", type=int, default=40)
    asked: int = parser.parse_args().asked
    lab = lab_process.start(Path(tempfile.mkdtemp(prefix="merit-bench-")))
    try:
        client = signed_in(lab.link(), lab.url)
        wait_for_worker(client)
        made = client.post("/workshop/rewards/new/", data={"name": "same", "source": SOURCE, "message": ""})
        made.raise_for_status()
        (saved,) = client.get("/api/v1/rewards").json()["rewards"]
        address = f"/api/v1/rewards/{saved['reference']}/score"
        body = {"completions": ["42"] * TEXTS, "prompts": ["6*7="] * TEXTS, "answer": ["42"] * TEXTS}

        def score() -> None:
            answer = client.post(address, json=body)
            answer.raise_for_status()
            assert answer.json()["rewards"] == [1.0] * TEXTS

        first = _milliseconds(score)
        score()  # the second of the worker's two processes may be cold as well
        _told("first question", [first])
        _told(f"{TEXTS} texts, warm", [_milliseconds(score) for _ in range(asked)])
        floor = lambda: client.get("/api/v1/rewards").raise_for_status()  # noqa: E731
        _told("floor: list of rewards", [_milliseconds(floor) for _ in range(asked)])
    finally:
        lab.stop()


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def _told(name: str, times: list[float]) -> None:
    print(f"{name:24} median {statistics.median(times):7.1f} ms   worst {max(times):7.1f} ms")


if __name__ == "__main__":
    main()
