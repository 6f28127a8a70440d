"""The tasks that the web side sends by name. Each is thin: take the run, let the engine work, say how it ended.

This file is imported by every worker, the light one too, so the engine is only imported by the tasks that use it.
"""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labapp.celery_app import app
from labapp.runs import launch
from labapp.runs.models import Run
from labapp.runs.sweep import sweep
from workers.door.again import replay_stored
from workers.door.boundary import boundary, on_shutdown
from workers.door.dryrun import dry_run_on
from workers.door.heart import Heart
from workers.door.judged import judge
from workers.door.ledger import RunLedger
from workers.door.look import look_at
from workers.door.resume import newest_checkpoint
from workers.door.serve import serve
from workers.door.sources import analysis_spec, train_spec

LOST = "workers.door.lost:RunRequest"  # what the worker's parent does when the process of a run dies


@app.task(name="merit.train", ignore_result=True, Request=LOST)
def train(run_id: str) -> None:
    """Train a queued run, or go on from its newest checkpoint."""
    hold(run_id, _train, newest_checkpoint(run_id))


@app.task(name="merit.analyse", ignore_result=True, Request=LOST)
def analyse(run_id: str) -> None:
    """Score and credit the recorded completions of a queued analysis."""
    hold(run_id, _analyse, 0)


@app.task(name="merit.probe")
def probe(kind: str, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a method's figure; ValueError for parameters that it refuses."""
    from workers.engine.probes import probe as draw

    return draw(kind, name, params)


@app.task(name="merit.dry_run")
def dry_run(
    document: Mapping[str, Any], samples: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
) -> dict[str, Any]:
    """See `dryrun.py`."""
    return dry_run_on(document, samples, options)


@app.task(name="merit.judge")
def judge_samples(
    documents: Sequence[Mapping[str, Any]],
    samples: Sequence[Mapping[str, Any]],
    owner: str,
    stored: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """See `judged.py`."""
    return judge(documents, samples, owner, stored)


@app.task(name="merit.serve_reward", ignore_result=True)
def serve_reward(reply: str, owner: str, node: Mapping[str, Any], texts: Mapping[str, Sequence[Any]]) -> None:
    """See `serve.py`."""
    serve(reply, owner, node, texts)


@app.task(name="merit.microscope")
def microscope(file: str, step: int, documents: Sequence[Mapping[str, Any]], even: bool = False) -> dict[str, Any]:
    """See `look.py`."""
    return look_at(file, step, documents, even)


@app.task(name="merit.replay", time_limit=55)  # seconds: a judge that does not answer must not hold the worker
def replay(
    stored: Sequence[tuple[int, str]], question: Mapping[str, Any], owner: str = "", own: str = ""
) -> dict[str, Any]:
    """See `again.py`."""
    return replay_stored(stored, question, owner, own)


@app.task(name="merit.sweep", ignore_result=True)
def go_round() -> None:
    """See `sweep.py`."""
    sweep()


def hold(run_id: str, work: Callable[[Run, RunLedger], None], step: int) -> None:
    """Take the run to go on after `step`, do the work with a beating heart, and record how it ended.

    A run that is not queued (any more) is left alone: messages may come twice.
    """
    run = launch.take(run_id, f"{socket.gethostname()}:{os.getpid()}", step)
    if run is None:
        return
    ledger = RunLedger(run)
    with on_shutdown(ledger.closing.set), boundary(ledger), Heart(ledger):
        work(run, ledger)


def _train(run: Run, ledger: RunLedger) -> None:
    from workers.engine.run import train as engine_train

    engine_train(train_spec(run), ledger, resume=True)


def _analyse(run: Run, ledger: RunLedger) -> None:
    from workers.engine.offline import analyse as engine_analyse

    engine_analyse(analysis_spec(run), ledger)
