"""The guided run as a newcomer meets it, in figures: starts of the lab, launch to first point, curves, page times.

    python -m tests.bench.story [--seeds 0 1 2] [--steps 60]

A whole lab in a temporary home, driven over HTTP by the API that the pages stand on. Prints one table a part.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from labapp.runs.guided import guided
from tests import lab_process
from workers.contract.catalogue import read_catalogue
from workers.contract.spec import to_dict

PAGES = 15  # times that a page is asked for
POLL = 0.05  # seconds between two looks at a run
ENDED = ("done", "failed", "stopped")


def main() -> None:
    """Start a lab, run the story for each seed, ask for the pages, and start the lab again."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=60)
    chosen = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="merit-bench-"))
    started = time.monotonic()
    lab = lab_process.start(home)
    try:
        link = lab.link()
        print(f"first start, new home      {time.monotonic() - started:6.1f} s to the sign-in link")
        client = signed_in(link, lab.url)
        wait_for_worker(client)
        print(f"worker ready               {time.monotonic() - started:6.1f} s")
        rows = [story(client, seed, chosen.steps) for seed in chosen.seeds]
        report(rows)
        pages(client, rows[-1]["id"])
    finally:
        lab.stop()
    started = time.monotonic()
    again = lab_process.start(home)
    again.link()
    print(f"second start               {time.monotonic() - started:6.1f} s to the sign-in link")
    again.stop()


def signed_in(link: str, url: str) -> httpx.Client:
    """A client with the owner's session, and the token that posts need."""
    client = httpx.Client(base_url=url, follow_redirects=True, timeout=30)
    client.get(link).raise_for_status()
    client.get("/runs/new/?guided=1").raise_for_status()
    client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
    client.headers["Referer"] = url
    return client


def wait_for_worker(client: httpx.Client) -> None:
    """Until a worker for training answers."""
    for _ in range(600):
        if "train" in client.get("/workers/").text and "no worker" not in client.get("/workers/").text.lower():
            return
        time.sleep(0.2)
    raise SystemExit("no worker answered within two minutes")


def story(client: httpx.Client, seed: int, steps: int) -> dict[str, Any]:
    """One guided run to its end: seconds until taken, first point and end, and its curve."""
    spec = guided(read_catalogue())
    spec = replace(spec, seed=seed, name=f"guided-{seed}", budget=replace(spec.budget, steps=steps))
    launched = time.monotonic()
    answer = client.post("/api/v1/runs", json={"spec": to_dict(spec), "experiment": "bench", "launch": True})
    answer.raise_for_status()
    row: dict[str, Any] = {"id": answer.json()["id"], "seed": seed, "taken": None, "first": None}
    seq = 0
    metrics: dict[int, dict[str, float]] = {}
    while True:
        for event in client.get(f"/api/v1/runs/{row['id']}/events", params={"after": seq}).json()["events"]:
            seq, now = event["seq"], time.monotonic() - launched
            if event["kind"] == "state" and event["data"]["state"] == "running":
                row["taken"] = now
            if event["kind"] == "metrics":
                metrics.setdefault(event["step"], {}).update(event["data"]["values"])
                row["first"] = row["first"] if row["first"] is not None else now
            if event["kind"] == "state" and event["data"]["state"] in ENDED:
                return row | {"end": now, "state": event["data"]["state"], "metrics": metrics}
        time.sleep(POLL)


def report(rows: list[dict[str, Any]]) -> None:
    """One line a seed."""
    print(
        "\nseed  state  taken s  first point s  end s   held-out: first   20    40   last   correct, last 5  "
        "tokens/s  s a step"
    )
    for row in rows:
        metrics = row["metrics"]
        held = {step: one["heldout/accuracy"] for step, one in metrics.items() if "heldout/accuracy" in one}
        near = [held[_nearest(held, at)] for at in (0, 20, 40, 10**9)]
        last = [one["reward/correct"] for step, one in sorted(metrics.items()) if "reward/correct" in one][-5:]
        speed = statistics.median(one["tokens_per_second"] for one in metrics.values() if "tokens_per_second" in one)
        seconds = statistics.median(one["seconds/step"] for one in metrics.values() if "seconds/step" in one)
        print(
            f"{row['seed']:4}  {row['state']:6}{row['taken']:8.2f}{row['first']:14.2f}{row['end']:8.1f}"
            f"{near[0]:17.3f}{near[1]:7.3f}{near[2]:6.3f}{near[3]:7.3f}{statistics.mean(last):15.3f}{speed:12.0f}{seconds:9.2f}"
        )


def _nearest(held: dict[int, float], step: int) -> int:
    return min(held, key=lambda one: abs(one - step))


def pages(client: httpx.Client, run: str) -> None:
    """Median and worst time of each page, seen from the other side of the socket."""
    print("\npage                        median ms   worst ms")
    found = {
        "home": "/",
        "runs": "/runs/",
        "run": f"/runs/{run}/",
        "new run": "/runs/new/?guided=1",
        "library": "/library/",
        "method": "/library/credit/tempo/",
        "front": f"/runs/{run}/front/",
        "tree": f"/runs/{run}/tree/",
    }
    for name, address in found.items():
        times = []
        for _ in range(PAGES):
            before = time.perf_counter()
            client.get(address).raise_for_status()
            times.append((time.perf_counter() - before) * 1000)
        print(f"{name:24}{statistics.median(times):13.0f}{max(times):11.0f}")


if __name__ == "__main__":
    main()
