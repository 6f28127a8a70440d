"""The analysis page: what it starts with, what it refuses, and a run that a worker can take from it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from django.core.cache import cache
from django.test import Client

from labapp import shelf
from labapp.accounts.models import Team, User
from labapp.observatory.agreement import agreement
from labapp.observatory.models import Rollout
from labapp.runs.models import Event, Run
from labapp.workshop import analysis_form, rewards
from labapp.workshop.models import DataVersion
from workers.contract import analysis
from workers.contract.rewardnode import Node
from workers.contract.spec import Pick

if TYPE_CHECKING:
    from tests.labapp.workshop.conftest import Confirm

PAGE = "/data/analyse/"
HTMX = {"HX-Request": "true"}
COMMITTED = pytest.mark.django_db(transaction=True)  # a run's heart beats over a connection of its own
CODE = """def reward(completions, answer, **columns):
    return [float(text.endswith(right)) for right, text in zip(answer, completions)]
"""


def fields(html: str) -> dict[str, str]:
    """What a browser would send of the form as it stands."""
    form = html.split('<form id="analysis"')[1].split("</form>")[0] if '<form id="analysis"' in html else html
    sent = {}
    for tag in re.findall(r"<input[^>]*>", form):
        at = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if at.get("type") != "checkbox" or " checked" in tag:
            sent[at["name"]] = at.get("value", "on")
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option(?: value="([^"]*)")? selected>([^<]*)', options) or re.search(
            r'<option(?: value="([^"]*)")?>([^<]*)', options
        )
        assert chosen is not None
        sent[name] = chosen[2] if chosen[1] is None else chosen[1]
    return sent


def started(client: Client, **changes: str) -> tuple[Any, Run | None]:
    """The answer to a launch of the form as it starts, with some fields changed."""
    sent = fields(client.get(PAGE).content.decode()) | {"do": "launch"} | changes
    response = client.post(PAGE, {name: text for name, text in sent.items() if text != "DROP"})
    return response, Run.objects.first()


def test_it_works(alice_client: Client, recorded: DataVersion) -> None:
    page = alice_client.get(f"{PAGE}?dataset={recorded.dataset_id}@1").content.decode()
    assert "nothing is wrong" in page
    response, run = started(alice_client)
    assert run is not None
    assert response.url == f"/runs/{run.pk}/"
    assert (run.kind, run.state, run.experiment.name) == (Run.ANALYSIS, "queued", "Analyses")
    spec = analysis.from_dict(run.spec)
    assert spec.dataset == f"{recorded.dataset_id}@1"
    assert [(one.label, one.name) for one in spec.rewards] == [("numeric", "numeric_answer")]
    assert [one.name for one in spec.credits] == ["grpo", "tempo"]
    assert spec.tokenizer == "words"
    assert all(one.digest for one in spec.rewards)
    assert all(one.digest for one in spec.credits)
    assert analysis.troubles(analysis.from_dict({**run.spec, "dataset": "", "path": "x"}), shelf.catalogue()) == []


def test_without_completions_the_page_says_what_to_do(alice_client: Client, confirm: Confirm) -> None:
    confirm(alice_client, [{"question": "1+1", "answer": "2"}])  # prompts are no completions
    html = alice_client.get(PAGE).content.decode()
    assert "No recorded completions yet" in html
    assert 'id="launch"' not in html


@COMMITTED
def test_a_worker_scores_credits_and_indexes_every_completion(
    alice_client: Client, recorded: DataVersion, team: Team, alice: User
) -> None:
    from workers.door.tasks import analyse

    made = rewards.create(team, alice, "ends right", CODE)
    first = fields(alice_client.get(PAGE).content.decode())
    html = alice_client.post(PAGE, {**first, "do": "look", "add_reward": f"code:{made.reward_id}@1"}, headers=HTMX)
    alice_client.post(PAGE, {**fields(html.content.decode()), "do": "launch"})
    run = Run.objects.get()
    analyse(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.reason) == ("done", None)
    rows = Rollout.objects.filter(run=run)
    assert rows.count() == 20
    assert set(rows.values_list("source", flat=True)) == {"a", "b"}
    for label in ("numeric", "code"):
        table = agreement(run, label)[0]["table"]
        assert (table.both, table.neither, table.accuracy) == (10, 10, 1.0)
    assert Event.objects.filter(run=run, kind="progress").exists()
    strip = alice_client.get(f"/runs/{run.pk}/rollouts/0/0/").json()
    assert {"advantage", "advantage.tempo"} <= set(strip["streams"])
    page = alice_client.get(f"/runs/{run.pk}/").content.decode()
    assert "right, scored right" in page


@COMMITTED
def test_a_reward_from_parts_scores_recorded_completions(
    alice_client: Client, recorded: DataVersion, team: Team, alice: User
) -> None:
    from workers.door.tasks import analyse

    code = rewards.create(team, alice, "ends right", CODE)
    tree = Node("combining", "minimum", of=(Node("rewards", code.reference), Node("rewards", "numeric_answer")))
    made = rewards.create(team, alice, "both ways", tree)
    first = fields(alice_client.get(PAGE).content.decode())
    html = alice_client.post(PAGE, {**first, "do": "look", "add_reward": made.reference}, headers=HTMX)
    alice_client.post(PAGE, {**fields(html.content.decode()), "do": "launch"})
    run = Run.objects.get()
    used = analysis.from_dict(run.spec).rewards[1].tree
    assert used is not None
    assert [bool(node.digest) for _, node in used.walk()] == [True, False, True]  # a function is there as its text
    analyse(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.reason) == ("done", None)
    assert agreement(run, "tree")[0]["table"].accuracy == 1.0


@COMMITTED
def test_code_that_fails_everywhere_fails_the_run_with_the_reason(
    alice_client: Client, recorded: DataVersion, team: Team, alice: User
) -> None:
    from workers.door.tasks import analyse

    made = rewards.create(team, alice, "broken", "def reward(completions, **columns):\n    return 1 / 0\n")
    _, run = started(alice_client, **{"rewards.0.name": f"code:{made.reward_id}@1"})
    assert run is not None
    analyse(str(run.pk))
    run.refresh_from_db()
    assert run.state == "failed"
    assert run.reason is not None
    assert "ZeroDivisionError" in run.reason["what"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dataset": "9@9"}, "choose recorded completions"),
        ({"dataset": ""}, "choose recorded completions"),
        ({"credit.grpo": "DROP", "credit.tempo": "DROP"}, "choose at least one credit method"),
        ({"rewards.0.name": "DROP"}, "reward"),
        ({"rewards.0.name": "code:7@1"}, "there is no saved text of code:7@1"),
        ({"rewards.0.name": "verified"}, "asks a task&#x27;s own verifier"),
        ({"rewards.0.params.column": "nowhere"}, "reads the column &#x27;nowhere&#x27;"),
        ({"rewards.0.params.tolerance": "soft"}, "needs a number"),
        ({"rewards.0.label": ""}, "label"),
        ({"rewards.0.on_failure": "one"}, "rewards.0.on_failure"),
        ({"rewards.0.name": "judge", "rewards.0.on_failure": "zero"}, "rewards.0.on_failure"),
        ({"tokenizer": "own", "own_tokenizer": ""}, "name a tokenizer"),
        ({"tokenizer": "own", "own_tokenizer": "a b"}, "is no id on the hub"),
        ({"tokenizer": "own", "own_tokenizer": "/nowhere/at/all"}, "there is no directory"),
    ],
)
def test_what_cannot_be_analysed_is_refused_before_it_is_queued(
    alice_client: Client, recorded: DataVersion, changes: dict[str, str], said: str
) -> None:
    response, run = started(alice_client, **changes)
    assert response.status_code == 422
    assert run is None
    html = response.content.decode()
    assert "Nothing was queued" in html
    assert said in html.split("Checks</h2>")[1]


def test_an_exchanged_method_starts_at_its_own_defaults(alice_client: Client, recorded: DataVersion) -> None:
    first = fields(alice_client.get(PAGE).content.decode())
    changed = {**first, "do": "look", "rewards.0.name": "brevity", "rewards.0.params.tolerance": "3"}
    html = alice_client.post(PAGE, changed, headers=HTMX).content.decode()
    assert "rewards.0.params.tolerance" not in html
    assert "nothing is wrong" in html


def test_rewards_are_added_and_removed(alice_client: Client, recorded: DataVersion) -> None:
    first = fields(alice_client.get(PAGE).content.decode())
    added = alice_client.post(PAGE, {**first, "do": "look", "add_reward": "brevity"}, headers=HTMX).content.decode()
    assert fields(added)["rewards.1.label"] == "brevity"
    gone = alice_client.post(PAGE, {**fields(added), "do": "look", "what": "0"}, headers=HTMX).content.decode()
    assert [fields(gone)["rewards.0.label"], "rewards.1.label" in fields(gone)] == ["brevity", False]


def test_removing_a_reward_that_no_form_could_have_changes_nothing(alice_client: Client, recorded: DataVersion) -> None:
    sent = {**fields(alice_client.get(PAGE).content.decode()), "do": "remove", "what": "9" * 5000}
    response = alice_client.post(PAGE, sent, headers=HTMX)
    assert response.status_code == 200
    assert 'name="rewards.0.name"' in response.content.decode()


def test_a_null_character_is_told(alice_client: Client, recorded: DataVersion) -> None:
    sent = {**fields(alice_client.get(PAGE).content.decode()), "do": "launch", "name": "a\0b", "experiment": "E\0"}
    response = alice_client.post(PAGE, sent)
    assert response.status_code == 422
    assert "null character" in response.content.decode()
    assert alice_client.post(PAGE, {**sent, "name": "ab"}).status_code == 302
    assert Run.objects.get().experiment.name == "E"


def test_parameters_reach_the_document_only_where_they_differ(recorded: DataVersion) -> None:
    catalogue = shelf.catalogue()
    data = analysis_form.starting_data(catalogue, "1@1", "x")
    draft = analysis_form.parse(data, catalogue, {})
    assert [one.params for one in draft.spec.rewards] == [{}]
    assert [one.params for one in draft.spec.credits] == [{}, {}]
    shown = data | {"rewards.0.shown": "numeric_answer", "rewards.0.params.tolerance": "0"}
    draft = analysis_form.parse(shown, catalogue, {})
    assert draft.spec.rewards[0].params["tolerance"] == 0  # nought is a number
    assert draft.spec.credits[0] == Pick("credit", "grpo", {}, catalogue.get("credit", "grpo").digest)


def test_a_worker_with_other_methods_is_not_launched_on(alice_client: Client, recorded: DataVersion) -> None:
    cache.set(shelf.WORKER_DIGEST, "another")
    response, run = started(alice_client)
    cache.clear()
    assert (response.status_code, run) == (422, None)
    assert "other method files" in response.content.decode()


def test_viewers_and_outsiders_analyse_nothing(
    vera_client: Client, charlie_client: Client, alice_client: Client, recorded: DataVersion
) -> None:
    assert vera_client.get(PAGE).status_code == 403
    assert vera_client.post(PAGE, {"do": "launch"}).status_code == 403
    assert "sums" not in charlie_client.get(PAGE).content.decode()
    sent = fields(alice_client.get(PAGE).content.decode()) | {"do": "launch"}
    assert charlie_client.post(PAGE, sent).status_code == 422
    assert Run.objects.count() == 0


@COMMITTED
def test_real_solutions_agree_with_their_labels(
    alice_client: Client, confirm: Confirm, real: Callable[[str], bytes]
) -> None:
    from workers.door.tasks import analyse

    lines = real("gsm8k-model-solutions.jsonl").decode().splitlines()[:60]
    version = confirm(alice_client, [json.loads(line) for line in lines], "real.jsonl")
    response, run = started(alice_client)
    assert run is not None
    assert UUID(response.url.split("/")[2]) == run.pk
    analyse(str(run.pk))
    tables = agreement(run, "numeric")
    assert [row["source"] for row in tables[1:]] == sorted(
        ["6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"]
    )
    assert (tables[0]["table"].total, tables[0]["table"].accuracy) == (version.rows, 1.0)
