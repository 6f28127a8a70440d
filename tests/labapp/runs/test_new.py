"""The new-run page: filled in, checked while one types, exchanged in parts, pasted into, and launched."""

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from labapp import shelf
from labapp.accounts.models import Team, User
from labapp.runs import launch
from labapp.runs.exhibits import title
from labapp.runs.fields import parse
from labapp.runs.guided import WORDS, guided
from labapp.runs.models import Run
from labapp.workshop.models import Reward, RewardVersion
from tests.labapp.runs.browser_form import NEW, Form, page, send, spec_of
from tests.labapp.runs.test_prechecks import data_set, model_in
from workers import documents
from workers.contract.spec import Model, Prompts, from_dict, to_dict

CATALOGUE = shelf.catalogue()


@pytest.fixture
def small(tmp_path: Path) -> dict[str, str]:
    """Fields that name a small model on this machine, in the place of the starter."""
    return {"model.source": "directory", "model.directory": str(model_in(tmp_path / "model"))}


def test_it_works(alice_client: Client) -> None:
    form = page(alice_client, f"{NEW}?guided=1")
    assert spec_of(form) == guided(CATALOGUE)
    assert form.data["experiment"] == "Getting started"


def test_the_guided_page_explains_every_part(alice_client: Client) -> None:
    html = alice_client.get(f"{NEW}?guided=1").content.decode().replace("&#x27;", "'")
    for words in WORDS.values():
        assert words in html
    plain = alice_client.get(NEW).content.decode().replace("&#x27;", "'")
    assert not any(words in plain for words in WORDS.values())


def test_only_those_who_may_change_may_launch(
    client: Client, vera_client: Client, charlie_client: Client, bob_client: Client, small: dict[str, str]
) -> None:
    data = page(bob_client).data | small
    assert client.get(NEW).status_code == 302
    assert vera_client.get(NEW).status_code == 403
    assert send(vera_client, data, "launch").status_code == 403
    assert not Run.objects.exists()
    assert send(bob_client, data, "launch").status_code == 302
    assert send(charlie_client, data, "launch").status_code == 302
    assert sorted(run.team.name for run in Run.objects.select_related("team")) == ["Elsewhere", "Lab"]


def test_a_launch_makes_the_run_and_queues_it(alice_client: Client, alice: User, small: dict[str, str]) -> None:
    form = page(alice_client, f"{NEW}?guided=1")
    response = send(alice_client, form.data | small, "launch")
    run = Run.objects.get()
    assert response.url == reverse("runs:detail", args=[run.id])
    assert (run.state, run.owner, run.experiment.name) == ("queued", alice, "Getting started")
    expected = replace(guided(CATALOGUE), model=Model(small["model.directory"]))
    assert from_dict(run.spec) == expected


def test_ctrl_enter_sends_no_name_of_a_button(alice_client: Client, small: dict[str, str]) -> None:
    assert alice_client.post(NEW, page(alice_client).data | small).status_code == 302
    assert Run.objects.count() == 1


def test_a_run_with_troubles_is_not_launched(alice_client: Client, small: dict[str, str]) -> None:
    data = page(alice_client).data | small | {"siblings": "none", "optimiser.micro_groups": "5", "name": "Mine"}
    response = send(alice_client, data, "launch")
    html = response.content.decode()
    assert response.status_code == 422
    assert not Run.objects.exists()
    assert "Nothing was queued" in html
    assert 'data-trouble="siblings"' in html
    assert 'data-trouble="optimiser.micro_groups"' in html
    assert Form(html).data["siblings"] == "none"  # what was typed stays
    assert Form(html).data["name"] == "Mine"


def test_a_worker_with_other_files_stops_the_launch(alice_client: Client, small: dict[str, str]) -> None:
    data = page(alice_client).data | small
    cache.set(shelf.WORKER_DIGEST, "0123456789ab")
    try:
        assert "0123456789ab" in alice_client.get(NEW).content.decode()
        assert send(alice_client, data, "launch").status_code == 422
    finally:
        cache.delete(shelf.WORKER_DIGEST)
    assert not Run.objects.exists()


def test_checks_come_while_one_types(alice_client: Client, small: dict[str, str]) -> None:
    data = page(alice_client).data | small | {"max_new_tokens": "96"}
    html = send(alice_client, data, "check").content.decode()
    assert "<form" not in html
    assert 'data-trouble="max_new_tokens"' in html
    assert "max_new_tokens = 95" in html
    assert "of memory by estimate" in html


def test_why_memory_is_not_estimated_is_told(alice_client: Client, tmp_path: Path) -> None:
    def said(**model: str) -> str:
        data = page(alice_client).data | {f"model.{name}": text for name, text in model.items()}
        found = re.findall(r"Memory is not estimated: (.*?)</p>", send(alice_client, data, "check").content.decode())
        return str(found[0])

    odd = model_in(tmp_path / "odd", hidden_size=None)
    assert "names its sizes in a way" in said(source="directory", directory=str(odd))
    (odd / "model.safetensors").unlink()
    for model in ({"source": "directory", "directory": str(odd)}, {"source": "hub", "hub": "Qwen/Qwen2.5-0.5B"}):
        assert "are not on this machine, or not whole" in said(**model)


def test_a_fix_mends_the_field(alice_client: Client, small: dict[str, str]) -> None:
    data = page(alice_client).data | small | {"max_new_tokens": "96"}
    html = send(alice_client, data, "fix", what=json.dumps({"max_new_tokens": 95})).content.decode()
    assert Form(html, whole=False).data["max_new_tokens"] == "95"
    assert "data-trouble" not in html


def test_a_fix_that_is_none_changes_nothing(alice_client: Client) -> None:
    data = page(alice_client).data
    for what in ("", "{", "[1]", "7"):
        html = send(alice_client, data, "fix", what=what).content.decode()
        assert spec_of(Form(html, whole=False)) == parse(data, CATALOGUE, {}).spec


def test_an_exchanged_method_shows_its_own_parameters(alice_client: Client) -> None:
    data = page(alice_client).data | {"credit.name": "tempo"}
    shown = Form(send(alice_client, data, "change").content.decode(), whole=False).data
    assert shown["credit.params.td_weight"] == "1.0"
    assert shown["credit.digest"] == CATALOGUE.get("credit", "tempo").digest


def test_rewards_are_added_and_removed(alice_client: Client) -> None:
    data = page(alice_client).data
    more = Form(send(alice_client, data, "add", add_rewards="rewards/format").content.decode(), whole=False)
    assert [one.name for one in spec_of(more).rewards] == ["exact_answer", "brevity", "format"]
    less = Form(send(alice_client, more.data, "remove", what="rewards/0").content.decode(), whole=False)
    assert [one.name for one in spec_of(less).rewards] == ["brevity", "format"]
    none = Form(send(alice_client, less.data, "remove", what="regularisers/0").content.decode(), whole=False)
    assert spec_of(none).regularisers == ()
    again = Form(send(alice_client, none.data, "add", add_regularisers="regularisers/entropy").content.decode(), False)
    assert [one.name for one in spec_of(again).regularisers] == ["entropy"]


@pytest.mark.parametrize("what", ["", "x", "rewards/x", "rewards/99", "huh/0", f"rewards/{'9' * 5000}"])
def test_removing_what_is_not_there_changes_nothing(alice_client: Client, what: str) -> None:
    data = page(alice_client).data
    html = send(alice_client, data, "remove", what=what).content.decode()
    assert spec_of(Form(html, whole=False)) == parse(data, CATALOGUE, {}).spec


def test_a_teams_code_can_be_chosen(alice_client: Client, charlie_client: Client, team: Team) -> None:
    reward = Reward.objects.create(team=team, name="mine")
    RewardVersion.objects.create(reward=reward, number=1, source="def reward(completions):\n    return [0.0]\n")
    name = f"code:{reward.id}@1"
    data = page(alice_client).data
    shown = Form(send(alice_client, data, "add", add_rewards=f"rewards/{name}").content.decode(), whole=False)
    assert shown.data["rewards.2.source"].strip() == "def reward(completions):\n    return [0.0]"
    assert spec_of(shown).rewards[2].name == name
    theirs = send(charlie_client, data, "add", add_rewards=f"rewards/{name}").content.decode()
    assert "def reward" not in theirs
    assert "no saved text" in theirs


def test_a_pasted_document_gives_the_same_run(alice_client: Client, small: dict[str, str]) -> None:
    spec = replace(
        guided(CATALOGUE), name="pasted", model=Model(small["model.directory"]), seed=7, siblings=4, temperature=0.7
    )
    for text in (documents.as_json(spec), documents.as_yaml(spec)):
        html = send(alice_client, page(alice_client).data, "paste", document=text).content.decode()
        shown = Form(html, whole=False)
        assert spec_of(shown) == spec
        send(alice_client, shown.data, "launch")
        assert Run.objects.latest("created").spec == to_dict(spec)


def test_the_document_on_the_page_is_the_run_that_is_launched(alice_client: Client, small: dict[str, str]) -> None:
    data = page(alice_client).data | small | {"temperature": "0.5"}
    html = send(alice_client, data, "check").content.decode()
    text = html.split('<pre id="document-yaml" tabindex="0">')[1].split("</pre>")[0]
    send(alice_client, data, "launch")
    assert to_dict(documents.read(unescape(text))) == Run.objects.get().spec


def test_a_broken_document_says_where_and_keeps_the_form(alice_client: Client) -> None:
    data = page(alice_client).data | {"seed": "12"}
    text = documents.as_yaml(guided(CATALOGUE)).replace("siblings: 8", "siblings: eight")
    html = send(alice_client, data, "paste", document=text).content.decode()
    line = next(number for number, one in enumerate(text.splitlines(), 1) if "siblings: eight" in one)
    assert f"line {line}: siblings: int is needed" in html
    shown = Form(html, whole=False)
    assert shown.data["seed"] == "12"
    assert shown.data["document"].strip() == text.strip()


def test_a_clone_starts_with_the_values_of_its_run(
    alice_client: Client, charlie_client: Client, team: Team, alice: User, small: dict[str, str]
) -> None:
    spec = replace(guided(CATALOGUE), model=Model(small["model.directory"]), seed=3)
    run = launch.create(team, alice, to_dict(spec), "Sums")
    form = page(alice_client, f"{NEW}?clone={run.id}")
    assert spec_of(form) == replace(spec, name="guided-run again")
    assert form.data["experiment"] == "Sums"
    send(alice_client, form.data, "launch")
    assert Run.objects.latest("created").parent == run
    assert charlie_client.get(f"{NEW}?clone={run.id}").status_code == 404
    assert alice_client.get(f"{NEW}?clone=huh").status_code == 404
    theirs = page(charlie_client).data | small | {"parent": str(run.id)}
    send(charlie_client, theirs, "launch")
    assert Run.objects.latest("created").parent is None


@pytest.mark.parametrize("method", sorted(CATALOGUE.methods))
def test_every_method_can_be_tried(alice_client: Client, method: str) -> None:
    spec = spec_of(page(alice_client, f"{NEW}?try={method}"))
    kind, _, name = method.partition("/")
    assert name in [pick.name for pick in spec.picks() if pick.kind == kind]


def test_a_null_character_is_told(alice_client: Client) -> None:
    response = send(alice_client, page(alice_client).data | {"name": "a\0b"}, "launch")
    assert response.status_code == 422
    assert "null character" in response.content.decode()


def test_a_new_run_is_not_put_among_those_of_an_exhibit(alice_client: Client, team: Team, alice: User) -> None:
    """Its experiment holds the runs that its verdict is drawn from, and may well be the newest one."""
    launch.create(team, alice, to_dict(guided(CATALOGUE)), "Sums")
    launch.create(team, alice, to_dict(guided(CATALOGUE)), title(CATALOGUE.get("credit", "tempo")))
    assert page(alice_client).data["experiment"] == "Sums"


def test_a_prompt_set_can_be_chosen(alice_client: Client, team: Team, small: dict[str, str]) -> None:
    version = data_set(team, [{"prompt": "1+1=", "answer": "2"}], ["answer"], {"answer": "a"})
    reference = f"{version.dataset_id}@1"
    assert f'value="{reference}"' in alice_client.get(NEW).content.decode()
    data = page(alice_client).data | small | {"prompts.source": "dataset", "prompts.dataset": reference}
    send(alice_client, data, "launch")
    assert from_dict(Run.objects.get().spec).prompts == Prompts(dataset=reference)


def test_no_set_chosen_is_said_at_the_choice(alice_client: Client) -> None:
    data = page(alice_client).data | {"prompts.source": "dataset"}
    html = send(alice_client, data, "check").content.decode()
    assert 'data-trouble="prompts.dataset"' in html
    assert 'data-trouble="prompts.source"' not in html


def test_pages_of_the_workshop_lead_here(alice_client: Client, team: Team) -> None:
    version = data_set(team, [{"prompt": "1+1=", "answer": "2"}], ["answer"], {"answer": "a"})
    reward = Reward.objects.create(team=team, name="mine")
    RewardVersion.objects.create(reward=reward, number=1, source="def reward(): ...")
    address = f"{NEW}?dataset={version.dataset_id}@1&reward=code:{reward.id}@1"
    spec = spec_of(page(alice_client, address))
    assert spec.prompts.dataset == f"{version.dataset_id}@1"
    assert spec.rewards[-1].name == f"code:{reward.id}@1"
    assert "mine · version 1" in alice_client.get(address).content.decode()


def test_labels_are_escaped_in_formulas(alice_client: Client) -> None:
    data = page(alice_client).data | {"rewards.0.label": "<script>alert(1)</script>"}
    html = send(alice_client, data, "check").content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_the_page_asks_few_questions(
    alice_client: Client, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    alice_client.get(NEW)
    with django_assert_num_queries(
        8
    ) as few:  # user, membership, experiment, codes, runs, sets, algorithms, experiments
        alice_client.get(NEW)
    reward = Reward.objects.create(team=team, name="mine")
    for number in range(5):
        RewardVersion.objects.create(reward=reward, number=number, source="def reward(): ...")
    data_set(team, [{"prompt": "x", "answer": "1"}], ["answer"], {"answer": "a"})
    with django_assert_num_queries(len(few.captured_queries)):
        alice_client.get(NEW)


def test_a_post_without_fields_launches_nothing(alice_client: Client) -> None:
    assert alice_client.post(NEW, {}).status_code == 422
    assert alice_client.post(NEW, {"do": "huh"}).status_code == 422
    assert not Run.objects.exists()
