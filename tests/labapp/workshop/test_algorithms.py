"""Algorithms as recipes of parts: the list, the page where one is built, versions, history, deletion, and rights."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from labapp import shelf
from labapp.accounts.models import Team, User
from labapp.runs import launch
from labapp.runs.guided import guided
from labapp.workshop import algorithm_page, algorithms
from labapp.workshop.algorithm_views import as_text
from labapp.workshop.algorithms import document_of, with_recipe
from labapp.workshop.models import Algorithm, AlgorithmVersion
from labapp.workshop.versioning import NotSaved
from tests.labapp.runs.browser_form import Form
from workers.contract.spec import to_dict

LIST = "/workshop/algorithms/"
NEW = "/workshop/algorithms/new/"
CATALOGUE = shelf.catalogue()
HTMX = {"HX-Request": "true"}


def page(client: Client, address: str = NEW) -> dict[str, str]:
    """The fields of the page's form."""
    response = client.get(address)
    assert response.status_code == 200, response.content
    return plain(Form(response.content.decode()).data)


def plain(data: dict[str, str]) -> dict[str, str]:
    """The fields without the token, which is another one in each answer."""
    return {name: text for name, text in data.items() if name != "csrfmiddlewaretoken"}


def ask(client: Client, data: dict[str, str], do: str, address: str = NEW, **more: str) -> str:
    """The form after one of its buttons."""
    response = client.post(address, data | {"do": do} | more, headers=HTMX)
    assert response.status_code == 200, response.content
    return str(response.content.decode())


def shown(html: str) -> dict[str, str]:
    """The fields of a form that HTMX was given."""
    return plain(Form(html, whole=False).data)


@pytest.fixture
def dapo(bob_client: Client) -> Algorithm:
    """Bob's DAPO with one version."""
    bob_client.post(NEW, page(bob_client, f"{NEW}?from=ready:dapo") | {"name": "DAPO", "message": "as published"})
    return Algorithm.objects.get()


def test_it_works(bob_client: Client, dapo: Algorithm) -> None:
    version = dapo.versions.get()
    assert (str(version), version.message, str(version.author)) == ("DAPO@1", "as published", "Bob")
    assert [one["name"] for one in version.document["selection"]] == ["dynamic_sampling"]
    assert version.document["objective"]["params"] == {"eps_high": 0.28}
    assert version.document["objective"]["digest"] == CATALOGUE.get("objectives", "ppo_clip").digest
    html = bob_client.get(f"{LIST}{dapo.pk}/").content.decode()
    assert "eps_high 0.28 (source 0.2)" in html
    assert f"/runs/new/?algorithm={dapo.pk}@1" in html
    listed = bob_client.get(LIST).content.decode()
    assert "as published" in listed
    assert "Dynamic sampling (DAPO) → Soft overlong punishment (DAPO) → Group-relative (GRPO)" in listed


def test_an_empty_room_says_what_to_do(alice_client: Client, vera_client: Client) -> None:
    assert "Build an algorithm" in alice_client.get(LIST).content.decode()
    html = vera_client.get(LIST).content.decode()
    assert "No algorithms yet" in html
    assert "Build an algorithm" not in html
    assert "Dr. GRPO" in html


def test_critic_credit_without_a_critic_is_refused_and_mended_by_a_click(alice_client: Client) -> None:
    html = ask(alice_client, page(alice_client) | {"credit.name": "gae"}, "change")
    assert 'data-trouble="credit.name"' in html
    assert "needs a critic, which learns what each token&#x27;s state is worth" in html
    assert "Fix: with a critic" in html
    data = shown(html) | {"name": "PPO"}
    refused = alice_client.post(NEW, data)
    assert refused.status_code == 422
    assert "Not saved" in refused.content.decode()
    assert not Algorithm.objects.exists()
    mended = ask(alice_client, data, "fix", what=json.dumps({"companions": [{"role": "critic"}]}))
    assert "nothing is wrong" in mended
    assert alice_client.post(NEW, shown(mended) | {"name": "PPO"}).status_code == 302
    assert AlgorithmVersion.objects.get().document["companions"][0]["role"] == "critic"


def test_preferences_without_pairs_are_refused_and_mended(alice_client: Client) -> None:
    name = CATALOGUE.of("preferences")[0].name
    html = ask(alice_client, page(alice_client) | {"objective.name": f"preferences/{name}"}, "change")
    assert "has no stock of them" in html
    html = ask(alice_client, shown(html), "fix", what='{"pool": {"prompts": 256, "siblings": 4, "rounds": 1}}')
    assert shown(html)["pool.on"] == "on"
    assert "has no stock of them" not in html


def test_the_formula_follows_what_one_types(alice_client: Client) -> None:
    data = page(alice_client, f"{NEW}?from=ready:grpo")
    before = ask(alice_client, data, "check")
    assert "<form" not in before
    assert "<mn>0.2</mn>" in before
    assert "eps_high" not in before
    after = ask(alice_client, data | {"objective.params.eps_high": "0.28"}, "check")
    assert "eps_high 0.28 (source 0.2)" in after
    assert "<mn>0.28</mn>" in after


def test_a_number_may_follow_a_schedule(alice_client: Client) -> None:
    data = page(alice_client) | {"objective.params.eps_high": "0.3 → 0.2 over 0.5", "name": "falling"}
    assert alice_client.post(NEW, data).status_code == 302
    version = AlgorithmVersion.objects.get()
    assert version.document["objective"]["params"] == {"eps_high": {"start": 0.3, "end": 0.2, "share": 0.5}}
    again = page(alice_client, f"{LIST}{version.algorithm_id}/")
    assert again["objective.params.eps_high"] == "0.3 → 0.2 over 0.5"
    html = ask(alice_client, data | {"objective.params.eps_low": "2 → 1"}, "check")
    assert "eps_low must be at most 1, not 2.0" in html


def test_parts_come_and_go(alice_client: Client) -> None:
    data = page(alice_client)
    more = shown(ask(alice_client, data, "add", add_selection="selection/knapsack"))
    more = shown(ask(alice_client, more, "add", add_extras="extras/policy_gradient"))
    more = shown(ask(alice_client, more, "add", add_companions="companions/guide"))
    spec = algorithm_page.read_form(more).spec
    assert [one.name for one in spec.selection] == ["knapsack"]
    assert [(one.name, one.weight) for one in spec.extras] == [("policy_gradient", 1.0)]
    assert [one.role for one in spec.companions] == ["guide"]
    for what in ("selection/0", "extras/0", "companions/0"):
        more = shown(ask(alice_client, more, "remove", what=what))
    assert algorithm_page.read_form(more).spec == algorithm_page.read_form(data).spec


def test_a_fix_of_nothing_that_a_page_proposes_changes_nothing(alice_client: Client) -> None:
    data = page(alice_client)
    for what in ("", "{", "[1]", '{"companions": 7}', '{"credit": {"huh": 1}}', '{"pool": "x"}'):
        assert shown(ask(alice_client, data, "fix", what=what)) == data


def test_every_save_is_a_new_version_and_old_ones_stay(alice_client: Client, dapo: Algorithm) -> None:
    address = f"{LIST}{dapo.pk}/"
    data = page(alice_client, address)
    assert alice_client.post(address, data).status_code == 422  # nothing has changed
    alice_client.post(address, data | {"objective.params.eps_high": "0.3", "message": "wider", "base": "1"})
    assert [one.number for one in dapo.versions.order_by("number")] == [1, 2]
    assert page(alice_client, address)["objective.params.eps_high"] == "0.3"
    assert page(alice_client, f"{address}?version=1")["objective.params.eps_high"] == "0.28"
    assert alice_client.get(f"{address}?version=3").status_code == 404
    late = data | {"objective.params.eps_high": "0.4", "base": "1"}
    said = alice_client.post(address, late, follow=True).content.decode()
    assert "It follows version 2, which was saved after the one you started from (1)" in said


def test_history_shows_what_differs(alice_client: Client, dapo: Algorithm) -> None:
    address = f"{LIST}{dapo.pk}/"
    alice_client.post(address, page(alice_client, address) | {"objective.params.eps_high": "0.3", "message": "wider"})
    html = alice_client.get(f"{address}history/").content.decode()
    assert "Version 1 to 2" in html
    assert "wider" in html
    assert "<code>    eps_high: 0.28</code>" in html
    assert "<code>    eps_high: 0.3</code>" in html
    assert "digest" not in html
    assert "These two are the same" in alice_client.get(f"{address}history/?from=1&to=1").content.decode()
    for wrong in ("?from=9", "?to=x"):
        assert alice_client.get(f"{address}history/{wrong}").status_code == 404


@pytest.mark.parametrize(("name", "said"), [("", "a name"), ("x" * 81, "80 are allowed"), (" DAPO ", "already")])
def test_a_name_must_be_given_short_and_free(alice_client: Client, dapo: Algorithm, name: str, said: str) -> None:
    response = alice_client.post(NEW, page(alice_client) | {"name": name})
    assert response.status_code == 422
    assert said in response.content.decode()
    assert Algorithm.objects.count() == 1


def test_null_characters_are_refused(alice_client: Client) -> None:
    data = page(alice_client, f"{NEW}?from=ready:hpt") | {"name": "a\0b"}
    response = alice_client.post(NEW, data | {"selection.0.params.column": "x\0"})
    assert response.status_code == 422
    assert "null character" in response.content.decode()
    assert alice_client.post(NEW, data).status_code == 302
    assert Algorithm.objects.get().name == "ab"
    assert alice_client.get(f"{LIST}?q=%00").status_code == 200


def test_going_back_is_a_change_too(dapo: Algorithm, bob: User) -> None:
    first = dapo.versions.get().document
    other = {**first, "siblings": 3}
    assert [algorithms.save(dapo, bob, one).number for one in (other, first)] == [2, 3]
    with pytest.raises(NotSaved, match="version 3"):
        algorithms.save(dapo, bob, first)


def test_what_a_run_uses_is_not_deleted(alice_client: Client, alice: User, team: Team, dapo: Algorithm) -> None:
    spec = with_recipe(guided(CATALOGUE), dapo.versions.get().document, f"{dapo.pk}@1")
    run = launch.create(team, alice, to_dict(spec), "E")
    said = alice_client.post(f"{LIST}{dapo.pk}/delete/", follow=True).content.decode()
    assert "is used by guided-run" in said
    assert Algorithm.objects.count() == 1
    run.delete()
    alice_client.post(f"{LIST}{dapo.pk}/delete/")
    assert Algorithm.objects.count() == 0


def test_another_algorithms_run_does_not_hold_it(
    alice_client: Client, alice: User, team: Team, dapo: Algorithm
) -> None:
    launch.create(team, alice, to_dict(guided(CATALOGUE)) | {"algorithm": f"1{dapo.pk}@1"}, "E")
    alice_client.post(f"{LIST}{dapo.pk}/delete/")
    assert Algorithm.objects.count() == 0


def test_viewers_read_and_change_nothing(vera_client: Client, dapo: Algorithm) -> None:
    address = f"{LIST}{dapo.pk}/"
    html = vera_client.get(address).content.decode()
    assert "disabled" in html
    assert "Save version" not in html
    assert vera_client.get(f"{address}history/").status_code == 200
    assert vera_client.get(NEW).status_code == 403
    for do in ("check", "save", "fix"):
        assert vera_client.post(address, {"do": do}).status_code == 403
    assert vera_client.post(f"{address}delete/").status_code == 403
    assert dapo.versions.count() == 1


def test_outsiders_see_nothing(charlie_client: Client, dapo: Algorithm) -> None:
    address = f"{LIST}{dapo.pk}/"
    assert address not in charlie_client.get(LIST).content.decode()
    assert "version 1" not in charlie_client.get("/runs/new/").content.decode()
    for response in (charlie_client.get(address), charlie_client.get(f"{address}history/")):
        assert response.status_code == 404
    assert charlie_client.post(address, {"do": "save"}).status_code == 404
    assert charlie_client.post(f"{address}delete/").status_code == 404
    for there in (f"{NEW}?from={dapo.pk}@1", f"/runs/new/?algorithm={dapo.pk}@1"):
        assert charlie_client.get(there).status_code == 404


@pytest.mark.parametrize("name", ["999999999@1", "ready:none", "1@", "nonsense", "%00"])
def test_a_link_to_an_algorithm_that_is_not_there_is_no_page(alice_client: Client, name: str) -> None:
    for address in (f"{NEW}?from={name}", f"/runs/new/?algorithm={name}"):
        assert alice_client.get(address).status_code == 404
        assert alice_client.get(address.replace(name, "")).status_code == 200, "no name asks for nothing"


def test_strangers_sign_in_first(client: Client, dapo: Algorithm) -> None:
    for address in (LIST, NEW, f"{LIST}{dapo.pk}/"):
        assert client.get(address).status_code == 302


def test_the_list_asks_the_database_a_fixed_number_of_times(
    alice_client: Client, alice: User, team: Team, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        algorithms.create(team, alice, f"algorithm {number}", document_of(guided(CATALOGUE)))
    alice_client.get(LIST)
    with django_assert_max_num_queries(8):
        assert alice_client.get(LIST).content.decode().count("algorithm ") >= 5


def test_the_search_finds_algorithms(alice_client: Client, charlie_client: Client, dapo: Algorithm) -> None:
    assert f"{LIST}{dapo.pk}/" in alice_client.get("/search/?q=dap").content.decode()
    assert f"{LIST}{dapo.pk}/" not in charlie_client.get("/search/?q=dap").content.decode()


def test_a_document_of_another_version_of_the_lab_does_not_break_the_list(
    alice_client: Client, alice: User, team: Team
) -> None:
    odd: dict[str, Any] = {"selection": "once this was a text"}
    made = algorithms.create(team, alice, "old", odd)
    assert "old" in alice_client.get(LIST).content.decode()
    assert alice_client.get(f"{LIST}{made.algorithm_id}/history/").status_code == 200
    assert as_text(odd) == "selection: once this was a text\n"
    response = alice_client.get(f"{LIST}{made.algorithm_id}/")
    assert response.status_code == 422
    assert "selection: a list is needed" in response.content.decode()
    for address in (f"{NEW}?from={made.reference}", f"/runs/new/?algorithm={made.reference}"):
        response = alice_client.get(address)
        assert response.status_code == 200
        assert "This lab cannot read old@1; the guided run" in response.content.decode()
