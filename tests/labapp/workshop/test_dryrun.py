"""Dry runs on the page of a reward: what is asked of the worker, how its answer is shown, who may see it."""

from __future__ import annotations

import html
import json
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
from labapp.workshop import rewards, treedocs
from tests.labapp.workshop.conftest import QuickWorker
from workers.door.dryrun import dry_run_on

if TYPE_CHECKING:
    from tests.labapp.workshop.conftest import Confirm

GOOD = "def reward(completions, answer, **columns):\n    return [float(a in c) for a, c in zip(answer, completions)]\n"
PASTED = '{"prompt": "1+1", "completion": "it is 2", "answer": "2"}\n{"completion": "no", "answer": "4"}'
TRY = "/workshop/rewards/try/"


@pytest.fixture
def worker(quick_worker: QuickWorker) -> Any:
    """See `quick_worker`."""
    return quick_worker(dry_run_on)


def asked(client: Client, source: str, **fields: str) -> str:
    """The first answer: that it is waited for, or why it is not begun."""
    return client.post(TRY, {"source": source, "place": "pasted", **fields}).content.decode()


def tried(client: Client, source: str, **fields: str) -> str:
    """The final answer."""
    page = asked(client, source, **fields)
    if "hx-get" in page:
        page = client.get(page.split('hx-get="')[1].split('"')[0]).content.decode()
    return html.unescape(page)


def test_it_works(bob_client: Client, worker: Any) -> None:
    page = tried(bob_client, GOOD, pasted=PASTED)
    assert worker.sent[0][:2] == ("merit.dry_run", "quick")
    node, samples, options = worker.sent[0][2]
    assert node["source"] == GOOD
    assert [one["completion"] for one in samples] == ["it is 2", "no"]
    assert (options["before"], options["threshold"], options["share"]) == (None, 0.5, 0.0)
    assert "<dt>mean</dt><dd>0.5</dd>" in page
    assert "it is 2" in page
    assert "As much as honest completions (0.5) earn" not in page  # the median is that of the one that says its answer


def test_the_editors_page_offers_samples_and_versions(
    alice_client: Client, alice: User, team: Team, confirm: Confirm
) -> None:
    version = confirm(alice_client, [{"question": "1", "answer": "1"}])
    made = rewards.create(team, alice, "mine", GOOD)
    page = alice_client.get(f"/workshop/rewards/{made.reward_id}/").content.decode()
    assert f'<option value="{version.dataset_id}@1">' in page
    assert f'<option value="before:{made.reward_id}" selected>the version before' in page
    assert f'<option value="{made.reference}">version 1' in page
    assert "<option selected>200</option>" in page
    assert 'hx-include="#source"' in page


def test_a_fault_is_shown_at_its_sample_with_the_own_line(alice_client: Client, worker: Any) -> None:
    source = "def reward(completions, **columns):\n    return [1 / (len(c) - 2) for c in completions]\n"
    page = tried(alice_client, source, pasted="three\nno\nagain")
    assert '<tr class="faulty">' in page
    assert "It failed on 1 of 3 completions: line 2: ZeroDivisionError" in page
    assert '"line": 2' in page  # for the editor's mark
    assert "<dt>failed</dt><dd>1</dd>" in page


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
    page = tried(alice_client, source, pasted=PASTED)
    assert 'role="alert"' in page
    assert said in page


def test_components_are_told_and_what_was_printed_is_shown(alice_client: Client, worker: Any) -> None:
    source = (
        "def reward(completions, **columns):\n    print('<hello>')\n"
        "    return {'long': [len(c) / 4 for c in completions], 'nice': [0.5 for _ in completions]}\n"
    )
    page = alice_client.get(asked(alice_client, source, pasted="a\nbcd").split('hx-get="')[1].split('"')[0])
    assert "&lt;hello&gt;" in page.content.decode()
    words = page.content.decode()
    assert "long makes 100 % of the variance" in words
    assert "their shares add up to 100 %" in words
    assert words.count('<th scope="row">') == 3


def test_labels_are_agreed_with_and_shown_and_never_a_column(
    alice_client: Client, worker: Any, confirm: Confirm
) -> None:
    rows = [
        {"prompt": f"{n}+1", "completion": str(n + 1 + n % 2), "answer": str(n + 1), "correct": n % 2 == 0}
        for n in range(20)
    ]
    version = confirm(alice_client, rows)
    page = tried(alice_client, GOOD, place="data", dataset=f"{version.dataset_id}@1")
    assert len(worker.sent[0][2][1]) == 20
    assert "It tells right from wrong: AUC 1.00" in page
    assert "10 of 20 labelled completions are right" in page
    assert "<td>right</td>" in page
    source = "def reward(completions, **columns):\n    return [float('label' in columns) for c in completions]\n"
    assert "Every completion earns the same (0)" in tried(
        alice_client, source, place="data", dataset=f"{version.dataset_id}@1"
    )


def test_a_saved_version_is_compared_with(alice_client: Client, alice: User, team: Team, worker: Any) -> None:
    saved = rewards.create(team, alice, "mine", GOOD)
    page = tried(alice_client, GOOD.replace("float(", "2 * float("), pasted=PASTED, against=saved.reference)
    assert worker.sent[0][2][2]["before"]["source"] == GOOD
    assert "Against version 1" in page
    assert "1 of 2 changed (1 up, 0 down" in page
    assert "Not one of the samples changed" in tried(alice_client, GOOD, pasted=PASTED, against=saved.reference)


def test_the_version_before_is_the_newest_that_says_something_else(
    alice_client: Client, charlie_client: Client, alice: User, team: Team, worker: Any
) -> None:
    texts = [GOOD, GOOD.replace("float(", "2 * float("), GOOD.replace("float(", "3 * float(")]
    one = rewards.create(team, alice, "mine", texts[0]).reward
    for text in texts[1:]:
        rewards.save(one, alice, text)
    for text, words in ((texts[2], "Against version 2"), (texts[0] + "# new", "Against version 3")):
        assert words in tried(alice_client, text, pasted=PASTED, against=f"before:{one.pk}")
    for client, against in ((charlie_client, f"before:{one.pk}"), (alice_client, "before:x"), (alice_client, "9@9")):
        assert "Against" not in tried(client, texts[0], pasted=PASTED, against=against)
    tree: dict[str, Any] = {"kind": "combining", "name": "sum", "of": [{"kind": "rewards", "name": "exact_answer"}]}
    parts = rewards.create(team, alice, "parts", treedocs.read(tree)).reward
    assert "Against" not in tried(alice_client, "", tree=json.dumps(tree), pasted=PASTED, against=f"before:{parts.pk}")
    tree["of"].append({"kind": "rewards", "name": "numeric_answer"})
    page = tried(alice_client, "", tree=json.dumps(tree), pasted=PASTED, against=f"before:{parts.pk}")
    assert "Against version 1" in page


def test_a_tree_is_tried_with_the_saved_functions_in_it(
    alice_client: Client, alice: User, team: Team, worker: Any
) -> None:
    saved = rewards.create(team, alice, "mine", GOOD)
    tree = {"kind": "combining", "name": "sum", "of": [
        {"kind": "rewards", "name": saved.reference, "label": "mine"}, {"kind": "rewards", "name": "exact_answer"},
    ]}  # fmt: skip
    page = tried(alice_client, "", tree=json.dumps(tree), pasted=PASTED, share="50")
    assert worker.sent[0][2][2]["share"] == 0.5
    assert "<dt>mean</dt><dd>0.5</dd>" in page
    assert 'class="indent-0">mine' in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tree": "{"}, "not JSON"),
        ({"tree": '{"kind": "rewards", "name": "nowhere"}'}, "nowhere"),
        ({"tree": '{"kind": "rewards", "name": "code:99@1"}'}, "There is no saved text of code:99@1"),
        ({"share": "200"}, "from 0 to 100"),
        ({"threshold": "much"}, "The threshold is a number"),
        ({"threshold": "inf"}, "The threshold is a number"),
    ],
)
def test_what_cannot_be_asked_is_said(
    alice_client: Client, team: Team, worker: Any, fields: dict[str, str], said: str
) -> None:
    assert said in tried(alice_client, GOOD, **{"pasted": PASTED, **fields})
    assert worker.sent == []


def test_a_cheap_text_that_beats_honest_work_is_flagged(alice_client: Client, worker: Any) -> None:
    source = "def reward(completions, **columns):\n    return [float(len(c)) for c in completions]\n"
    page = tried(alice_client, source, pasted=PASTED)
    assert "kinds of cheap text beat honest completions, whose median is 7: very long text (" in page
    only = source.replace("len(c)", "len(c) > 1000")
    assert "Very long text beats honest completions: 1 against a median of 0." in tried(
        alice_client, only, pasted=PASTED
    )
    assert '<details class="probe beats">' in page


def test_lengths_are_told_by_the_tokenizer_that_is_chosen(
    alice_client: Client, alice: User, team: Team, worker: Any
) -> None:
    source = "def reward(completions):\n    return [len(c) % 7 + len(c.split()) for c in completions]\n"
    pasted = "\n".join("ab " * n + "x" * (9 - n) for n in range(1, 9))
    page = tried(alice_client, source, pasted=pasted)
    assert "per 1,000 letters" in page
    assert "tokens" not in page
    launch.create(team, alice, {"name": "r", "model": {"name": "Org/model"}}, "E")
    for name in ("words", "starter"):
        page = tried(alice_client, source, pasted=pasted, tokenizer=name)
        told = page.split("What length buys")[1].split("</section>")[0]
        assert told.index("per 100 tokens") < told.index("per 1,000 letters")
        assert "Reward over the tokens of each completion" in told
        assert '"of": "tokens"' in page
        assert worker.sent[-1][2][2]["tokenizer"] == name
    assert "There is no tokenizer" in asked(alice_client, source, pasted=pasted, tokenizer="/etc")
    made = rewards.create(team, alice, "mine", GOOD)
    offered = alice_client.get(f"/workshop/rewards/{made.reward_id}/").content.decode()
    assert [f'<option value="{name}">tokens: {name}' in offered for name in ("words", "starter", "Org/model")] == [
        True
    ] * 3


def test_a_runs_completions_have_their_tokens_with_them(
    alice_client: Client, alice: User, team: Team, worker: Any
) -> None:
    run = launch.create(team, alice, {"name": "r", "model": {"name": "starter"}}, "E")
    for index, text in enumerate(("a", "bcd", "efghi")):
        Rollout.objects.create(
            run=run, step=1, index=index, group=0, prompt_key="k", prompt="p", completion=text, answer="2",
            end="finished", length=len(text) + 1, rewards={}, file="f",
        )  # fmt: skip
    source = "def reward(completions, completion_ids):\n    return [len(ids) for ids in completion_ids]\n"
    page = tried(alice_client, source, place="run", run=str(run.pk))
    options = worker.sent[0][2][2]
    assert (options["lengths"], options["own"], options["tokenizer"]) == ([2, 4, 6], "starter", "")
    assert "per 100 tokens" in page
    assert "+100" in page  # the starter's tokens are bytes


def test_probes_can_be_left_out(alice_client: Client, worker: Any) -> None:
    page = tried(alice_client, GOOD, pasted=PASTED, unprobed="1")
    assert worker.sent[0][2][2]["probes"] is False
    assert 'id="dry-values"' in page
    assert "Property probes" not in page


def test_everything_can_be_had_as_data(alice_client: Client, worker: Any) -> None:
    task = asked(alice_client, GOOD, pasted=PASTED).split('hx-get="')[1].split('"')[0]
    found = alice_client.get(f"{task}data/")
    assert "attachment" in found["Content-Disposition"]
    assert found.json()["values"] == [1.0, 0.0]
    assert found.json()["samples"][1]["completion"] == "no"


def test_another_teams_data_versions_and_dry_runs_stay_theirs(
    alice_client: Client, charlie_client: Client, alice: User, team: Team, worker: Any, confirm: Confirm
) -> None:
    version = confirm(alice_client, [{"question": "1", "answer": "1"}])
    saved = rewards.create(team, alice, "mine", GOOD)
    assert "Choose a data set" in tried(charlie_client, GOOD, place="data", dataset=f"{version.dataset_id}@1")
    tried(charlie_client, GOOD, pasted="x", against=saved.reference)
    assert worker.sent[0][2][2]["before"] is None
    address = asked(alice_client, GOOD, pasted="x").split('hx-get="')[1].split('"')[0]
    for one in (address, f"{address}data/"):
        assert charlie_client.get(one).status_code == 404
        assert alice_client.get(one).status_code == 200
    assert alice_client.get(f"{TRY}{uuid4()}/").status_code == 404


def test_a_queue_that_is_away_is_said(alice_client: Client, monkeypatch: pytest.MonkeyPatch, servers: Any) -> None:
    def away(*args: Any, **options: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(app, "send_task", away)
    assert "The queue cannot be reached" in tried(alice_client, GOOD, pasted="x")


@pytest.mark.parametrize(
    ("state", "since", "said"),
    [("PENDING", 0.0, "A worker tries it"), ("PENDING", 61.0, "No worker answered"), ("FAILURE", 0.0, "could not try")],
)
def test_one_that_is_not_there_yet(
    alice_client: Client, worker: Any, monkeypatch: pytest.MonkeyPatch, state: str, since: float, said: str
) -> None:
    import time

    monkeypatch.setattr(app, "AsyncResult", lambda number: SimpleNamespace(state=state, result="boom"))
    address = asked(alice_client, GOOD, pasted="x").split('hx-get="')[1].split('"')[0]
    later = time.time() + since
    monkeypatch.setattr("labapp.workshop.dryruns.time.time", lambda: later)
    assert said in alice_client.get(address).content.decode()
    assert alice_client.get(f"{address}data/").status_code == 404
