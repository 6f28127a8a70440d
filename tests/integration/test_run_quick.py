"""What the warm worker does: analyses of recorded completions, figures of methods, dry runs of rewards."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labapp.accounts.models import Team
from labapp.celery_app import app
from labapp.runs import feed, launch
from labapp.runs.models import Run
from labapp.shelf import worker_differs
from labapp.workshop.models import DataSet, DataVersion
from tests.conftest import Servers
from tests.integration.conftest import Lab, reason, until

ROWS = [
    {"prompt": f"What is {a}+{a}?", "completion": f"It is {a + a + wrong}.", "answer": str(a + a), "label": 1 - wrong}
    for a in range(20)
    for wrong in (0, 1)
]


@pytest.fixture(scope="module")
def quick_worker(lab: Lab) -> Iterator[subprocess.Popen[bytes]]:
    """The warm worker."""
    with lab.worker("quick") as process:
        yield process


@pytest.fixture
def team(transactional_db: None) -> Team:
    return Team.objects.create(name="Lab", slug="lab")


def uploaded(team: Team, servers: Servers) -> str:
    """An uploaded set in the storage that the worker sees; its address."""
    name = f"data/{team.pk}.jsonl"
    file = Path(servers.home) / "files" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    made = DataSet.objects.create(team=team, name="Sums", kind=DataSet.COMPLETIONS)
    DataVersion.objects.create(dataset=made, number=1, original=name, filename="x", file=name, digest="d", rows=40)
    return f"{made.pk}@1"


def ask(name: str, *arguments: Any) -> Any:
    return app.send_task(name, list(arguments), queue="quick").get(timeout=60)


@pytest.mark.usefixtures("quick_worker")
def test_an_analysis_of_recorded_completions(team: Team, servers: Servers) -> None:
    spec = {
        "name": "scores", "dataset": uploaded(team, servers),
        "rewards": [{"label": "correct", "name": "numeric_answer"}], "credits": [{"kind": "credit", "name": "grpo"}],
    }  # fmt: skip
    run = launch.create(team, None, spec, "Analyses", kind=Run.ANALYSIS)
    launch.enqueue(run)
    assert until(run, "done", "failed").state == "done", run.reason
    assert run.rollouts.count() == len(ROWS)
    row = run.rollouts.get(completion="It is 7.")
    assert (row.rewards, row.label, row.answer) == ({"correct": 0.0}, 0.0, "6")
    assert feed.view(run.pk)["metrics"]["agreement/correct"]["0"] == 1.0


@pytest.mark.usefixtures("quick_worker")
def test_an_analysis_of_a_set_that_is_not_there(team: Team) -> None:
    spec = {"name": "scores", "dataset": "77@1", "rewards": [{"label": "correct", "name": "numeric_answer"}]}
    run = launch.create(team, None, spec, "Analyses", kind=Run.ANALYSIS)
    launch.enqueue(run)
    until(run, "failed")
    assert reason(run)["where"] == "data"


@pytest.mark.usefixtures("quick_worker", "transactional_db")
def test_a_figure_comes_in_under_two_seconds() -> None:
    assert ask("merit.probe", "objectives", "ppo_clip", {})["series"]
    begun = time.monotonic()
    assert ask("merit.probe", "credit", "grpo", {})["kind"] == "strip"
    assert time.monotonic() - begun < 2
    with pytest.raises(ValueError, match="clip"):
        ask("merit.probe", "objectives", "ppo_clip", {"clip_low": -1})


@pytest.mark.usefixtures("quick_worker", "transactional_db")
def test_a_reward_is_tried_on_samples() -> None:
    source = (
        "def reward(completions, answer, **columns):\n    return [float(c == a) for c, a in zip(completions, answer)]"
    )
    samples = [
        {"prompt": "1+1=", "completion": "2", "answer": "2"},
        {"prompt": "1+2=", "completion": "4", "answer": "3"},
    ]
    tried = ask("merit.dry_run", {"kind": "rewards", "name": "this", "source": source}, samples, {})
    assert (tried["values"], tried["faults"], tried["error"]) == ([1.0, 0.0], [], "")
    wrong = "def reward(completions, **columns):\n    return 1 / 0\n"
    found = ask("merit.dry_run", {"kind": "rewards", "name": "this", "source": wrong}, samples, {})
    assert found["values"] == [None, None]
    assert found["faults"][0]["line"] == 2
    assert "ZeroDivisionError" in found["faults"][0]["sentence"]


@pytest.mark.usefixtures("quick_worker", "transactional_db")
def test_a_dry_run_of_two_hundred_completions_comes_in_under_two_seconds() -> None:
    source = (
        "def reward(completions, answer, **columns):\n    return [float(a in c) for c, a in zip(completions, answer)]"
    )
    samples = [
        {
            "prompt": f"{n}+1=",
            "completion": f"it is {n + 1 + n % 2} " * (1 + n % 9),
            "answer": f"{n + 1}",
            "label": 1 - n % 2,
        }
        for n in range(200)
    ]
    node, before = (
        {"kind": "rewards", "name": "this", "source": text} for text in (source, source.replace(" in c)", " == c)"))
    )
    for _ in range(4):  # each of the worker's two processes has met it then, most likely
        ask("merit.dry_run", node, samples, {"before": before})
    begun = time.monotonic()
    found = ask("merit.dry_run", node, samples, {"before": before})
    assert time.monotonic() - begun < 2
    assert len(found["probes"]["rows"]) == 8


@pytest.mark.usefixtures("quick_worker", "transactional_db")
def test_the_worker_says_which_catalogue_it_has() -> None:
    assert worker_differs() is None
