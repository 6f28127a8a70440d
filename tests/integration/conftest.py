"""A real lab in pieces: PostgreSQL, Redis, and worker processes started as `make run` starts them."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import Servers
from tests.integration.tiny import make_tiny

if TYPE_CHECKING:
    from labapp.runs.models import Run

ROOT = Path(__file__).resolve().parents[2]
NOT_COMPARED = ("seconds/", "tokens_per_second", "memory/")  # what it took is not what it did


@dataclass(frozen=True)
class Lab:
    """The environment of a worker process that works on the tests' database, and where its words go."""

    environment: dict[str, str]
    logs: Path

    @contextmanager
    def worker(self, kind: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker of this kind, ready; it is asked to end afterwards, and killed when it does not."""
        log = self.logs / f"{kind}-{time.monotonic_ns()}.log"
        command = [sys.executable, "-m", "workers.door.worker", kind]
        if kind == "light":
            command += ["--beat-file", str(log.with_suffix(".beat"))]
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **self.environment, **more}, stdout=out, stderr=out
            )
        try:
            wait_for(lambda: "ready." in log.read_text() or (kind == "light" and process.poll() is None), 120, log)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def wait_for(condition: Callable[[], Any], seconds: float = 60, log: Path | None = None) -> Any:
    """What `condition` returns when it is first true; AssertionError, with the log, when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds} seconds in vain. {log.read_text()[-3000:] if log else ''}")


@pytest.fixture(scope="session")
def lab(servers: Servers, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The lab of this session; its workers share the database of the tests."""
    from django.db import connection

    name = connection.settings_dict["NAME"]
    environment = {
        "MERIT_HOME": str(servers.home), "REDIS_URL": servers.redis_url, "OMP_NUM_THREADS": "1", "MERIT_THREADS": "1",
        "DATABASE_URL": servers.database_url.replace("/merit?", f"/{name}?"), "MERIT_SILENCE": "4",
    }  # fmt: skip
    return Lab(environment, tmp_path_factory.mktemp("logs"))


@pytest.fixture(scope="session")
def train_worker(lab: Lab) -> Iterator[subprocess.Popen[bytes]]:
    """One worker for training runs, with torch imported once for all tests."""
    with lab.worker("train") as process:
        yield process


@pytest.fixture(scope="session")
def light_worker(lab: Lab) -> Iterator[subprocess.Popen[bytes]]:
    """The sweep and the beat."""
    with lab.worker("light") as process:
        yield process


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model on disk."""
    return make_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def make_run(transactional_db: None, tiny: Path) -> Callable[..., Run]:
    """Makes a run of the tiny model in state draft; `budget` and other parts of the spec may be given."""
    from labapp.accounts.models import Membership, Team, User
    from labapp.runs import launch

    team = Team.objects.create(name="Lab", slug="lab")
    alice = User.objects.create_user("alice@example.org", name="Alice")
    Membership.objects.create(user=alice, team=team, role="owner")

    def make(**parts: Any) -> Run:
        return launch.create(team, alice, document(tiny) | parts, "Tests")

    return make


def document(model: Path) -> dict[str, Any]:
    """The spec of a small run: brevity of a model that says anything, four prompts, four completions each."""
    return {
        "name": "tiny", "model": {"name": str(model)},
        "prompts": {"task": {"kind": "tasks", "name": "arithmetic"}},
        "rewards": [{"label": "brevity", "name": "brevity", "params": {"zero_from": 8}, "weight": 1.0}],
        "credit": {"kind": "credit", "name": "grpo"}, "objective": {"kind": "objectives", "name": "ppo_clip"},
        "regularisers": [{"kind": "regularisers", "name": "kl_k3"}],
        "reduction": {"kind": "reductions", "name": "token_mean"},
        "batch_prompts": 4, "siblings": 4, "max_new_tokens": 8, "optimiser": {"learning_rate": 0.01},
        "budget": {"steps": 30, "eval_every": 5, "eval_prompts": 4, "checkpoint_every": 5},
    }  # fmt: skip


def state(run: Run) -> str:
    """The run's state as it is now."""
    return str(type(run).objects.values_list("state", flat=True).get(pk=run.pk))


def until(run: Run, *states: str, seconds: float = 90) -> Run:
    """The run when it is in one of `states`."""
    wait_for(lambda: state(run) in states, seconds)
    run.refresh_from_db()
    return run


def until_step(run: Run, step: int, seconds: float = 90) -> Run:
    """The run, running, when `step` is done."""
    wait_for(lambda: type(run).objects.filter(pk=run.pk, state="running", step__gte=step).exists(), seconds)
    run.refresh_from_db()
    return run


def kill_worker_of(run: Run) -> None:
    """SIGKILL for the process that has the run."""
    run.refresh_from_db()
    os.kill(int(run.worker.rpartition(":")[2]), signal.SIGKILL)


def reason(run: Run) -> dict[str, Any]:
    """Why the run failed."""
    assert run.reason is not None
    return dict(run.reason)


def curves(run: Run) -> dict[str, Any]:
    """What the run's page shows of its numbers, without how long they took, and the weights of its checkpoints."""
    from labapp.runs import feed, files

    view = feed.view(run.pk)
    kept = {name: series for name, series in view["metrics"].items() if not name.startswith(NOT_COMPARED)}
    previews = {step: {**data, "file": ""} for step, data in view["rollouts"].items()}
    folder = files.checkpoint_directory(run.pk)
    weights = {
        (step, name): hashlib.sha256((folder / data["name"] / name).read_bytes()).hexdigest()
        for step, data in view["checkpoints"].items()
        for name in ("model.safetensors", "optimiser.safetensors")
    }
    return {"metrics": kept, "rollouts": previews, "front": view["front"], "weights": weights}
