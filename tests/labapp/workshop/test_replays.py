"""The tab Replay of a run: what may be chosen, what is asked of the worker, what is shown, and rights."""

from __future__ import annotations

import html
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from kombu.exceptions import OperationalError

from labapp import shelf
from labapp.accounts.models import Team, User
from labapp.celery_app import app
from labapp.runs import files, launch
from labapp.runs.guided import guided
from labapp.runs.models import Run
from labapp.workshop import replays, rewards
from tests.labapp.observatory.stored import add_rollouts
from tests.labapp.workshop.conftest import QuickWorker
from tests.workers import stored_step
from workers.contract.analysis import AnalysisSpec
from workers.contract.analysis import to_dict as analysis_dict
from workers.contract.rewardnode import INNER, LEAF, Node
from workers.contract.spec import RewardPick, to_dict
from workers.door.again import replay_stored
from workers.door.tasks import replay as task

LETTERS = "def reward(completions, **columns):\n    return [float(len(text)) for text in completions]\n"
SEVEN = "def reward(completions, **columns):\n    return [float('7' in text) for text in completions]\n"


@pytest.fixture
def worker(quick_worker: QuickWorker) -> Any:
    """See `quick_worker`."""
    return quick_worker(replay_stored)


def stored(run: Run, *steps: int) -> Run:
    """The run with completions at these steps: two groups of two, of which one completion is right."""
    for step in steps:
        rows = add_rollouts(run, [{}] * 4, step)
        files.save(rows[0].file, stored_step.content(step))
    return run


@pytest.fixture
def run(team: Team, alice: User) -> Run:
    """A guided run of Alice's with two stored steps."""
    spec = replace(guided(shelf.catalogue()), rewards=(RewardPick("correct", "exact_answer", weight=2.0),))
    return stored(launch.create(team, alice, to_dict(spec), "E"), 1, 3)


def answer(client: Client, run: Run, name: str, **more: str) -> str:
    """The final answer to a replay."""
    response = client.post(f"/runs/{run.pk}/replay/", {"with": name, **more})
    assert response.status_code == 200, response.content
    page = response.content.decode()
    page = page if "hx-get" not in page else client.get(page.split('hx-get="')[1].split('"')[0]).content.decode()
    return html.unescape(page)


def test_it_works(vera_client: Client, team: Team, alice: User, run: Run, worker: Any) -> None:
    """A viewer too may ask; right and wrong change places in each step's first group."""
    saved = rewards.create(team, alice, "sevens", SEVEN)
    page = vera_client.get(f"/runs/{run.pk}/?tab=replay").content.decode()
    assert f'<option value="{saved.reference}">sevens · version 1</option>' in page
    assert '<option value="method:brevity">' in page
    assert '<option value="own:correct">' in page
    assert "hx-post" not in page.split('id="replay-form"')[1], "nothing is asked before something is chosen"
    asked = vera_client.get(f"/runs/{run.pk}/?tab=replay&with={saved.reference}").content.decode()
    assert f'hx-post="/runs/{run.pk}/replay/"' in asked

    shown = answer(vera_client, run, saved.reference)
    name, queue, (steps, question, owner, own) = worker.sent[0]
    assert (name, queue, owner, own) == ("merit.replay", "quick", str(team.pk), "")
    assert [step for step, _ in steps] == [3, 1]
    assert (question["seed"], question["steps"], question["weights"]) == (0, 60, {"correct": 2.0})
    assert "sevens · version 1 in place of the whole reward" in shown
    assert "8 completions in 4 groups of 2 steps" in shown
    assert "τ-b −1.00" in shown
    assert "100 % of the 2 pairs that both order swap" in shown
    assert "of the run's recipe; correlation; 50 % of the completions change sign" in shown
    assert "2 → 2" in shown
    assert "?tab=rollouts&step=3&group=0&index=1" in shown


def test_a_tree_a_method_and_the_runs_own_reward_may_be_replayed(
    alice_client: Client, team: Team, alice: User, run: Run, worker: Any
) -> None:
    code = rewards.create(team, alice, "letters", LETTERS)
    tree = Node(INNER, "sum", of=(Node(LEAF, code.reference), Node(LEAF, "brevity")))
    saved = rewards.create(team, alice, "both", tree)
    assert "both · version 1 in place of correct" in answer(alice_client, run, saved.reference, instead="correct")
    assert worker.sent[-1][2][1]["node"]["of"][0]["source"] == LETTERS
    assert worker.sent[-1][2][1]["instead"] == "correct"
    assert "in place of the whole reward" in answer(alice_client, run, "method:brevity")
    assert "correct in place of correct" in answer(alice_client, run, "own:correct", instead="correct")
    assert "digest" not in worker.sent[-1][2][1]["node"]
    assert worker.sent[-1][2][3] == str(run.pk), "its models are those that the run began with"


def test_failures_count_as_they_do_for_the_reward_that_is_replaced(
    alice_client: Client, team: Team, alice: User, run: Run, worker: Any
) -> None:
    pick = RewardPick("correct", "exact_answer", on_failure="zero")
    spec = replace(guided(shelf.catalogue()), rewards=(pick, RewardPick("short", "brevity")))
    lenient = stored(launch.create(team, alice, to_dict(spec), "E"), 1)
    for name, instead, zero in (
        ("own:correct", "", True), ("method:brevity", "", False),
        ("method:format", "correct", True), ("own:correct", "short", False),
    ):  # fmt: skip
        answer(alice_client, lenient, name, **({"instead": instead} if instead else {}))
        assert worker.sent[-1][2][1]["zero"] == zero


def test_which_steps_are_replayed(team: Team, alice: User, run: Run) -> None:
    stored(run, *range(4, 20))
    assert [step for step, _ in replays.steps(run, "last")] == [19]
    assert [step for step, _ in replays.steps(run, "newest")] == list(range(19, 9, -1))
    spread = [step for step, _ in replays.steps(run, "spread")]
    assert (spread[0], spread[-1], len(set(spread))) == (19, 1, 10)


def test_an_analysis_is_replayed(alice_client: Client, team: Team, alice: User, worker: Any) -> None:
    spec = AnalysisSpec("recorded", (RewardPick("correct", "exact_answer"),), dataset="1@1")
    run = stored(launch.create(team, alice, analysis_dict(spec), "E", kind=Run.ANALYSIS), 0)
    assert "4 completions in 2 groups of 1 step" in answer(alice_client, run, "method:brevity")
    assert "seed" not in worker.sent[0][2][1]


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [("", {}, "Choose a reward"), ("code:99@1", {}, "Choose a reward"), ("method:nothing", {}, "Choose a reward"),
     ("own:style", {}, "This run has no reward 'style'"), ("brevity", {}, "Choose a reward"),
     ("method:brevity", {"instead": "style"}, "This run has no reward 'style'")],
)  # fmt: skip
def test_what_is_not_there_is_said(
    alice_client: Client, run: Run, worker: Any, name: str, more: dict[str, str], said: str
) -> None:
    assert said in answer(alice_client, run, name, **more)
    assert worker.sent == []


def test_a_run_without_completions_says_so(alice_client: Client, team: Team, alice: User, worker: Any) -> None:
    run = launch.create(team, alice, to_dict(guided(shelf.catalogue())), "E")
    assert "has no stored completions yet" in answer(alice_client, run, "method:brevity")


def test_what_the_worker_refuses_is_said(alice_client: Client, team: Team, alice: User, run: Run, worker: Any) -> None:
    asks = "def reward(completions, rubric, **columns):\n    return [0.0 for _ in completions]\n"
    saved = rewards.create(team, alice, "rubric", asks)
    page = answer(alice_client, run, saved.reference)
    assert "asks for the column 'rubric', but the prompts have: answer" in page
    files.remove(run.pk)
    assert "is gone from storage" in answer(alice_client, run, "method:brevity")


def test_failures_are_shown_with_their_completions(
    alice_client: Client, team: Team, alice: User, run: Run, worker: Any
) -> None:
    fails = LETTERS.replace("float(len(text))", "1.0 / (text != '7')")
    page = answer(alice_client, run, rewards.create(team, alice, "fails", fails).reference)
    assert "?tab=rollouts&step=1&index=1" in page
    assert "failed on 1 of 4 completions" in page
    assert "the reward failed on 2 of them" in page


def test_another_team_sees_nothing(
    alice_client: Client, charlie_client: Client, charlie: User, run: Run, worker: Any
) -> None:
    assert charlie_client.post(f"/runs/{run.pk}/replay/", {"with": "method:brevity"}).status_code == 404
    theirs = rewards.create(charlie.memberships.get().team, charlie, "theirs", LETTERS)
    assert "Choose a reward" in answer(alice_client, run, theirs.reference)
    page = alice_client.post(f"/runs/{run.pk}/replay/", {"with": "method:brevity"}).content.decode()
    address = page.split('hx-get="')[1].split('"')[0]
    assert charlie_client.get(address).status_code == 404
    assert alice_client.get(f"/runs/{run.pk}/replay/{uuid4()}/").status_code == 404
    launch.delete(run)
    assert alice_client.get(address).status_code == 404


def test_a_viewer_asks_no_judge(vera_client: Client, bob_client: Client, run: Run, worker: Any) -> None:
    assert "which viewers do not start" in answer(vera_client, run, "method:judge")
    assert worker.sent == []
    assert "hx-get" in bob_client.post(f"/runs/{run.pk}/replay/", {"with": "method:judge"}).content.decode()


def test_the_worker_gives_up_before_the_page_does() -> None:
    assert task.time_limit is not None
    assert 0 < task.time_limit < replays.PATIENCE


def test_a_queue_that_is_away_is_said(alice_client: Client, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **options: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(app, "send_task", away)
    assert "The queue cannot be reached" in answer(alice_client, run, "method:brevity")


@pytest.mark.parametrize(
    ("state", "since", "said"),
    [("PENDING", 0.0, "scores the completions anew"), ("PENDING", 61.0, "No worker answered"),
     ("FAILURE", 0.0, "could not replay it: boom")],
)  # fmt: skip
def test_a_replay_that_is_not_there_yet(
    alice_client: Client, run: Run, worker: Any, monkeypatch: pytest.MonkeyPatch, state: str, since: float, said: str
) -> None:
    monkeypatch.setattr(app, "AsyncResult", lambda number: SimpleNamespace(state=state, result="boom"))
    later = time.time() + since
    page = alice_client.post(f"/runs/{run.pk}/replay/", {"with": "method:brevity"}).content.decode()
    monkeypatch.setattr("labapp.workshop.replays.time.time", lambda: later)
    assert said in alice_client.get(page.split('hx-get="')[1].split('"')[0]).content.decode()
