"""Marks while someone types, and trials: which samples are sent, how results and faults are shown."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.test import Client
from kombu.exceptions import OperationalError

from labapp.accounts.models import Team, User
from labapp.celery_app import app
from labapp.observatory.models import Rollout
from labapp.runs import launch
from labapp.workshop import samples
from labapp.workshop.samples import NoSamples
from tests.labapp.workshop.conftest import QuickWorker
from workers.door.trial import try_reward

if TYPE_CHECKING:
    from tests.labapp.workshop.conftest import Confirm

GOOD = "def reward(completions, answer, **columns):\n    return [float(a in c) for a, c in zip(answer, completions)]\n"
PASTED = '{"prompt": "1+1", "completion": "it is 2", "answer": "2"}\n{"completion": "no", "answer": "4"}'
TRY = "/workshop/rewards/try/"


@pytest.fixture
def worker(quick_worker: QuickWorker) -> Any:
    """See `quick_worker`."""
    return quick_worker(try_reward)


def tried(client: Client, source: str, **fields: str) -> str:
    """The final answer to a trial."""
    html = client.post(TRY, {"source": source, **fields}).content.decode()
    if "hx-get" not in html:
        return html
    return client.get(html.split('hx-get="')[1].split('"')[0]).content.decode()


def test_it_works(bob_client: Client, worker: Any) -> None:
    html = tried(bob_client, GOOD, place="pasted", pasted=PASTED)
    assert worker.sent[0][:2] == ("merit.try_reward", "quick")
    assert "<dt>mean</dt><dd>0.500</dd>" in html
    assert "it is 2" in html


@pytest.mark.parametrize(
    ("source", "line"), [(GOOD, None), ("def reward(completions):\n    return [", 2), ("x = 1", 1), ("", 1)]
)
def test_marks_come_while_one_types(alice_client: Client, source: str, line: int | None) -> None:
    marks = alice_client.post("/workshop/rewards/check/", {"source": source}).json()["marks"]
    assert [mark["line"] for mark in marks] == ([] if line is None else [line])


def test_the_text_is_read_and_not_run(alice_client: Client, tmp_path: Any) -> None:
    proof = tmp_path / "ran"
    source = f"open({str(proof)!r}, 'w')\n{GOOD}"
    assert alice_client.post("/workshop/rewards/check/", {"source": source}).json() == {"marks": []}
    assert not proof.exists()


def test_a_fault_is_shown_at_its_sample_with_the_own_line(alice_client: Client, worker: Any) -> None:
    source = "def reward(completions, **columns):\n    return [1 / (len(c) - 2) for c in completions]\n"
    html = tried(alice_client, source, place="pasted", pasted="three\nno\nagain")
    assert html.count('class="faulty"') == 1
    assert "line 2: ZeroDivisionError" in html
    assert '"line": 2' in html  # for the editor's mark
    assert "<dt>without a value</dt><dd>1</dd>" in html


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def reward(completions, **columns):\n    return [1.0]\n", "values"),
        ("import nowhere\n" + GOOD, "nowhere"),
        ("def reward(completions, level):\n    return level\n", "level"),
        ("def reward(completions):\n    return [", "Line 2"),
    ],
)
def test_what_fails_as_a_whole_says_why(alice_client: Client, worker: Any, source: str, said: str) -> None:
    html = tried(alice_client, source, place="pasted", pasted=PASTED)
    assert 'role="alert"' in html
    assert said in html


def test_components_have_columns_and_what_was_printed_is_shown(alice_client: Client, worker: Any) -> None:
    source = (
        "def reward(completions, **columns):\n    print('<hello>')\n"
        "    return {'short': [0.25 for _ in completions], 'nice': [0.5 for _ in completions]}\n"
    )
    html = tried(alice_client, source, place="pasted", pasted="a\nb")
    assert '<th class="number">short</th>' in html
    assert "0.25" in html
    assert "&lt;hello&gt;" in html


def test_samples_come_from_a_data_set(alice_client: Client, worker: Any, confirm: Confirm) -> None:
    rows = [{"question": f"{n}", "answer": f"{n}", "level": n} for n in range(100)]
    version = confirm(alice_client, rows)
    html = tried(alice_client, GOOD, place="data", dataset=f"{version.dataset_id}@1", count="8")
    sent = worker.sent[0][2][1]
    assert [one["prompt"] for one in sent] == ["0", "12", "24", "36", "48", "60", "72", "84"]
    assert sent[1]["level"] == 12
    assert "<dt>mean</dt><dd>1</dd>" in html


def test_labels_are_shown_and_not_sent(alice_client: Client, worker: Any, confirm: Confirm) -> None:
    rows = [{"prompt": "1+1", "completion": "2", "answer": "2", "correct": True}]
    version = confirm(alice_client, rows)
    html = tried(alice_client, GOOD, place="data", dataset=f"{version.dataset_id}@1")
    assert "<td>right</td>" in html
    assert "label" not in worker.sent[0][2][1][0]


def test_samples_come_from_a_runs_newest_step(alice_client: Client, alice: User, team: Team, worker: Any) -> None:
    run = launch.create(team, alice, {"name": "r"}, "E")
    for step, text in ((1, "old"), (2, "it is 2")):
        Rollout.objects.create(
            run=run, step=step, index=0, group=0, prompt_key="k", prompt="1+1", completion=text, answer="2",
            end="finished", length=3, rewards={}, file="f",
        )  # fmt: skip
    html = tried(alice_client, GOOD, place="run", run=str(run.pk))
    assert [one["completion"] for one in worker.sent[0][2][1]] == ["it is 2"]
    assert "<dt>mean</dt><dd>1</dd>" in html


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"place": "pasted", "pasted": " \n"}, "at least one completion"),
        ({"place": "pasted", "pasted": "x\n" * 129}, "128 are allowed"),
        ({"place": "pasted", "pasted": "x" * 200_001}, "letters"),
        ({"place": "pasted", "pasted": "a\n{nonsense"}, "Line 2 starts as an object but is not JSON"),
        ({"place": "pasted", "pasted": '{"prompt": "x"}'}, "Line 1 needs a completion"),
        ({"place": "data", "dataset": "9@9"}, "Choose a data set"),
        ({"place": "run", "run": "nonsense"}, "Choose a run"),
        ({"place": "run", "run": str(uuid4())}, "no completions yet"),
    ],
)
def test_without_samples_nothing_is_sent(
    alice_client: Client, team: Team, worker: Any, asked: dict[str, str], said: str
) -> None:
    with pytest.raises(NoSamples, match=said):
        samples.gather(team, asked)
    assert said in tried(alice_client, GOOD, **asked)
    assert worker.sent == []


def test_another_teams_data_runs_and_trials_stay_theirs(
    alice_client: Client, charlie_client: Client, worker: Any, confirm: Confirm
) -> None:
    version = confirm(alice_client, [{"question": "1", "answer": "1"}])
    assert "Choose a data set" in tried(charlie_client, GOOD, place="data", dataset=f"{version.dataset_id}@1")
    html = alice_client.post(TRY, {"source": GOOD, "place": "pasted", "pasted": "x"}).content.decode()
    address = html.split('hx-get="')[1].split('"')[0]
    assert charlie_client.get(address).status_code == 404
    assert alice_client.get(address).status_code == 200
    assert alice_client.get(f"{TRY}{uuid4()}/").status_code == 404


def test_a_queue_that_is_away_is_said(alice_client: Client, monkeypatch: pytest.MonkeyPatch, servers: Any) -> None:
    def away(*args: Any, **options: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(app, "send_task", away)
    assert "The queue cannot be reached" in tried(alice_client, GOOD, place="pasted", pasted="x")


@pytest.mark.parametrize(
    ("state", "since", "said"),
    [("PENDING", 0.0, "A worker tries it"), ("PENDING", 61.0, "No worker answered"), ("FAILURE", 0.0, "could not try")],
)
def test_a_trial_that_is_not_there_yet(
    alice_client: Client, worker: Any, monkeypatch: pytest.MonkeyPatch, state: str, since: float, said: str
) -> None:
    import time

    monkeypatch.setattr(app, "AsyncResult", lambda number: SimpleNamespace(state=state, result="boom"))
    html = alice_client.post(TRY, {"source": GOOD, "place": "pasted", "pasted": "x"}).content.decode()
    later = time.time() + since
    monkeypatch.setattr("labapp.workshop.trials.time.time", lambda: later)
    assert said in alice_client.get(html.split('hx-get="')[1].split('"')[0]).content.decode()
