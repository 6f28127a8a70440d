"""The workers of `make run`: `python -m workers.door.worker train|quick|light`.

- `train` does one run at a time, each in a process of its own, forked from a parent that has torch and transformers
  imported (ten seconds) and no thread and no CUDA context (which would not survive the fork).
- `quick` analyses, draws and tries rewards, in two warm processes.
- `light` goes round every few seconds (the sweep) and holds the beat; it never imports torch.

Ctrl-C or SIGTERM once: runs save a checkpoint and go back to the queue, to go on when a worker comes again.
"""

import argparse
import logging
import os
import signal
import sys
from contextlib import suppress
from typing import Any

EVERY = 3.0  # seconds between two sweeps
COMMANDS = {
    "train": ["--queues=train", "--pool=custom", "--concurrency=1", "--max-tasks-per-child=1"],
    "quick": ["--queues=quick", "--pool=prefork", "--concurrency=2"],
    "light": ["--queues=light", "--pool=solo", "--beat"],
}


def main(arguments: list[str] | None = None) -> int:
    """Run one worker until it is asked to end; the exit status is returned."""
    parser = argparse.ArgumentParser(prog="python -m workers.door.worker", description="Start one of Merit's workers.")
    parser.add_argument("kind", choices=sorted(COMMANDS))
    parser.add_argument("--beat-file", default="", help="where `light` keeps its schedule (default: in MERIT_HOME)")
    chosen = parser.parse_args(arguments)
    choose_environment()
    if chosen.kind != "light":
        preload()
    app = make_app(chosen.kind)
    if chosen.kind != "light":
        announce()
    options = [*COMMANDS[chosen.kind], "--without-mingle", "--without-gossip", f"--hostname={chosen.kind}@%h"]
    if chosen.kind == "light":
        options.append(f"--schedule={chosen.beat_file or app.conf.beat_schedule_filename}")
    level = "WARNING" if chosen.kind == "light" else "INFO"  # a line for every sweep would hide the others
    return int(app.worker_main(["--quiet", "worker", f"--loglevel={level}", *options]) or 0)


def choose_environment() -> None:
    """Leave one core to web, database and Redis, unless somebody chose: full cores beside busy neighbours cost 4 x."""
    count = str(max(1, (os.cpu_count() or 2) - 1))
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, count)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads start at import and would not survive a fork
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ["CELERY_CUSTOM_WORKER_POOL"] = "workers.door.pool:RunPool"
    os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # Django's checks import every page, which a worker has no use for


def preload() -> None:
    """Import what every run needs before the first fork: the slow part of starting."""
    import torch  # noqa: F401
    from transformers import LlamaForCausalLM, Qwen2ForCausalLM  # noqa: F401

    import workers.engine.run  # noqa: F401


def make_app(kind: str) -> Any:
    """The Celery application of a worker of this kind, with its tasks."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labapp.settings")
    django.setup()
    from celery.signals import worker_shutting_down

    from labapp.celery_app import app

    app.conf.worker_lost_wait = 0.5  # seconds for a dead process's last words; a run's are rows already
    app.conf.worker_disable_rate_limits = True
    app.conf.worker_send_task_events = False
    app.conf.beat_schedule = {
        # A sweep that nobody came to is of no use later: the next one does all that is left.
        "sweep": {"task": "merit.sweep", "schedule": EVERY, "options": {"queue": "light", "expires": EVERY}}
    }
    app.conf.beat_max_loop_interval = EVERY
    worker_shutting_down.connect(_pass_on, weak=False)
    logging.getLogger("celery.beat").setLevel(logging.WARNING)
    return app


def announce() -> None:
    """Say which catalogue of methods this worker has: the page refuses to launch when the web side's is another."""
    from django.core.cache import cache
    from redis.exceptions import RedisError

    from labapp.shelf import WORKER_DIGEST, catalogue

    with suppress(RedisError):
        cache.set(WORKER_DIGEST, catalogue().digest, timeout=None)


def _pass_on(**_: Any) -> None:
    """Tell the processes of runs that the worker is closing; without it a run would be waited for to its end."""
    from celery.worker.state import active_requests

    for request in list(active_requests):
        if request.worker_pid and request.name in ("merit.train", "merit.analyse"):
            with suppress(ProcessLookupError):
                os.kill(request.worker_pid, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
