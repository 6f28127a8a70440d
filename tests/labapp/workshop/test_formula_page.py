"""Formulas on the pages: the room of words, the check while one types, both forms, versions, runs, and rights."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from labapp import shelf
from labapp.runs import launch
from labapp.runs.fields import parse
from labapp.runs.guided import guided
from labapp.workshop.formula_check import checked
from labapp.workshop.formula_examples import START
from tests.labapp.runs.browser_form import NEW as NEW_RUN
from tests.labapp.runs.browser_form import Form, page, send, spec_of
from workers import documents
from workers.contract.formula import BOTH, FUNCTIONS, NAMES, REDUCTIONS, SCOPES
from workers.contract.spec import Pick, RunSpec, to_dict

if TYPE_CHECKING:
    from labapp.accounts.models import Team, User
    from labapp.workshop.models import AlgorithmVersion

CATALOGUE = shelf.catalogue()
WORDS, CHECK, NEW = "/workshop/formulas/", "/workshop/formulas/check/", "/workshop/algorithms/new/"
MINE = "spread = std(r, group) + 0.5\n(r - mean(r, group)) / spread"
SLIP = "spread = std(r, group) + 0.5\n(r - mean(rr, group)) / spread"
LOSS = "-ratio * A"


def written() -> RunSpec:
    """The guided run with a formula for credit, one for the objective and one beside it."""
    found = replace(guided(CATALOGUE), credit=Pick("credit", "formula", source=MINE))
    return replace(found, objective=Pick("objectives", "formula", source=LOSS))


def ask(client: Client, data: dict[str, str], do: str, address: str = NEW, **more: str) -> str:
    """The form after one of its buttons."""
    response = client.post(address, data | {"do": do} | more, headers={"HX-Request": "true"})
    assert response.status_code == 200, response.content
    return str(response.content.decode())


def fields(html: str) -> dict[str, str]:
    """The fields of a form that HTMX was given."""
    return Form(html, whole=False).data


def checking(client: Client, text: str, kind: str = "credit") -> str:
    """What the editor is told while one types."""
    response = client.post(CHECK, {"kind": kind, "field": "credit.source", "credit.source": text})
    assert response.status_code == 200
    return str(response.content.decode())


def test_every_word_has_its_place_on_the_page(alice_client: Client) -> None:
    html = alice_client.get(WORDS).content.decode()
    for name, stream in NAMES.items():
        row = re.search(rf'<tr id="name-{name}">.*?</tr>', html, re.DOTALL)
        assert row is not None, name
        kinds = {"credit": "credit", "objectives": "objective"}
        assert ", ".join(kinds[kind] for kind in stream.kinds) in row[0]
    for name in (*FUNCTIONS, *REDUCTIONS):
        assert f'<td class="mono">{name}(' in html, name
    for name in SCOPES:
        assert f'<td class="mono">{name}</td>' in html, name
    assert "clip(x, low, high)" in html
    assert "after(x, discount)" in html
    assert html.count('class="table tight worked"') == 4
    editor = ask(alice_client, page(alice_client, NEW).data | {"credit.name": "formula"}, "change")
    assert f'href="{WORDS}#names"' in editor


def test_a_formula_is_shown_with_what_it_needs(alice_client: Client) -> None:
    html = checking(alice_client, MINE)
    assert html.count("<math") == 2
    assert "One number for each completion. Needs nothing beyond the batch. Curves of the run: spread." in html
    assert "Needs a critic" in checking(alice_client, "r - value")
    assert "Needs the reference policy" in checking(alice_client, "-ratio * A + (logp - ref_logp)", "objectives")


@pytest.mark.parametrize(
    ("text", "line", "column", "at", "said"),
    [
        (SLIP, 2, 11, "rr", "Did you mean r?"),
        ("r - value.grad", 1, 5, "value", "a dot has no place in a formula"),
        ("r -", 1, 4, " ", "cannot be read"),
        ("r + <b>", 1, 5, "<", "cannot be read"),
        ("", 1, 1, " ", "the formula is empty"),
        ("\tr + ratio", 1, 6, "ratio", "there is no"),
        ("A * r", 1, 1, "A", "there is no"),
    ],
)
def test_a_slip_is_pointed_at(alice_client: Client, text: str, line: int, column: int, at: str, said: str) -> None:
    html = checking(alice_client, text)
    assert f"Line {line}, column {column}:" in html
    assert f"<mark>{escape(at)}</mark>" in html
    assert said in html
    assert "<b>" not in html
    caret = re.search(r'aria-hidden="true">( *)(\^+)<', html)
    assert caret is not None
    assert (len(caret[1]), len(caret[2])) == (column - 1, max(1, len(at)))


def test_only_members_check_and_only_kinds_that_there_are(
    alice_client: Client, vera_client: Client, client: Client
) -> None:
    assert alice_client.post(CHECK, {"kind": "rewards", "field": "a"}).status_code == 404
    assert alice_client.get(CHECK).status_code == 405
    assert vera_client.post(CHECK, {"kind": "credit", "field": "a"}).status_code == 403
    assert vera_client.get(WORDS).status_code == 200
    for response in (client.get(WORDS), client.post(CHECK, {"kind": "credit"})):
        assert response.status_code == 302


@pytest.mark.parametrize(("prefix", "kind"), [("credit", "credit"), ("objective", "objectives")])
def test_a_new_formula_starts_from_an_example(alice_client: Client, prefix: str, kind: str) -> None:
    for address in (NEW, NEW_RUN):
        data = page(alice_client, address).data
        html = ask(alice_client, data | {f"{prefix}.name": "formula"}, "change", address)
        assert fields(html)[f"{prefix}.source"] == START[kind].text
        assert f"{prefix}.params." not in html
        assert "data-trouble" not in html
        back = fields(ask(alice_client, fields(html) | {f"{prefix}.name": data[f"{prefix}.name"]}, "change", address))
        assert f"{prefix}.source" not in back
        assert {name: text for name, text in back.items() if name.startswith(f"{prefix}.params.")} == {
            name: text for name, text in data.items() if name.startswith(f"{prefix}.params.")
        }


def test_a_further_objective_may_be_a_formula(alice_client: Client) -> None:
    data = fields(ask(alice_client, page(alice_client, NEW).data, "add", add_extras="extras/formula"))
    assert data["extras.0.source"] == START["objectives"].text
    data |= {"extras.0.source": LOSS, "extras.0.weight": "0.25", "name": "two"}
    assert alice_client.post(NEW, data).status_code == 302
    assert newest().document["extras"] == [
        {"name": "formula", "params": {}, "weight": 0.25, "digest": "", "source": LOSS}
    ]


def newest() -> AlgorithmVersion:
    """The version that was saved last."""
    from labapp.workshop.models import AlgorithmVersion

    return AlgorithmVersion.objects.latest("pk")


@pytest.mark.parametrize(("text", "said"), [(SLIP, "line 2, column 11"), ("", "the formula is empty"), ("  ", "empty")])
def test_a_slip_is_a_trouble_at_its_field_and_is_not_saved(alice_client: Client, text: str, said: str) -> None:
    start = fields(ask(alice_client, page(alice_client, NEW).data | {"credit.name": "formula"}, "change"))
    data = start | {"credit.source": text, "name": "wrong"}
    html = ask(alice_client, data, "check")
    assert 'data-trouble="credit.source"' in html
    assert html.count("data-trouble=") == 1
    assert said in html
    refused = alice_client.post(NEW, data)
    assert refused.status_code == 422
    again = Form(refused.content.decode()).data
    assert (again["credit.name"], again["credit.source"]) == ("formula", text)
    for shown in ('data-field="credit.source"', 'class="slip"'):
        assert shown in refused.content.decode()


def test_an_example_takes_the_place_of_the_text_and_asks_for_its_critic(alice_client: Client) -> None:
    html = ask(alice_client, page(alice_client, NEW).data | {"credit.name": "formula"}, "change")
    vals = json.loads(re.findall(r"hx-vals=\"(.*?)\"", html.split("formula-help")[1])[1].replace("&quot;", '"'))
    html = ask(alice_client, fields(html), vals["do"], what=vals["what"])
    assert "next(value)" in fields(html)["credit.source"]
    assert "formula needs a critic" in html
    mended = ask(alice_client, fields(html), "fix", what='{"companions": [{"role": "critic"}]}')
    assert "nothing is wrong" in mended
    assert "next(value)" in fields(mended)["credit.source"]


def test_versions_keep_a_formula_and_their_history_shows_what_changed(alice_client: Client) -> None:
    start = fields(ask(alice_client, page(alice_client, NEW).data | {"credit.name": "formula"}, "change"))
    alice_client.post(NEW, start | {"credit.source": MINE.replace("\n", "\r\n"), "name": "By hand"})
    saved = newest()
    assert saved.document["credit"] == {"kind": "credit", "name": "formula", "params": {}, "digest": "", "source": MINE}
    address = f"/workshop/algorithms/{saved.algorithm_id}/"
    data = page(alice_client, address).data
    assert data["credit.source"] == MINE
    assert alice_client.post(address, data).status_code == 422  # nothing has changed
    alice_client.post(address, data | {"credit.source": MINE.replace("0.5", "0.25")})
    history = alice_client.get(f"{address}history/").content.decode()
    assert "<code>    spread = std(r, group) + 0.5</code>" in history
    assert "<code>    spread = std(r, group) + 0.25</code>" in history
    taken = page(alice_client, f"{NEW_RUN}?algorithm={saved.reference}")
    assert spec_of(taken).credit == Pick("credit", "formula", source=MINE)


def test_a_pasted_document_and_a_clone_keep_formulas(alice_client: Client, team: Team, alice: User) -> None:
    spec = written()
    for text in (documents.as_json(spec), documents.as_yaml(spec)):
        html = send(alice_client, page(alice_client).data, "paste", document=text).content.decode()
        found = spec_of(Form(html, whole=False))
        assert (found.credit, found.objective) == (spec.credit, spec.objective)
    run = launch.create(team, alice, to_dict(spec), "E")
    cloned = parse(page(alice_client, f"{NEW_RUN}?clone={run.pk}").data, CATALOGUE, {}).spec
    assert (cloned.credit, cloned.objective) == (spec.credit, spec.objective)


def test_a_run_shows_its_formulas_as_they_read_and_as_they_were_written(
    alice_client: Client, team: Team, alice: User
) -> None:
    run = launch.create(team, alice, to_dict(written()), "E")
    html = alice_client.get(f"/runs/{run.pk}/?tab=config").content.decode()
    assert f'<pre class="formula-text"><code>{MINE}</code></pre>' in html
    assert f'<pre class="formula-text"><code>{LOSS}</code></pre>' in html
    for text, kind in ((MINE, "credit"), (LOSS, "objectives")):
        assert str(checked(text, kind).math) in html
    old = launch.create(team, alice, to_dict(replace(written(), credit=Pick("credit", "old", source=SLIP))), "E")
    html = alice_client.get(f"/runs/{old.pk}/?tab=config").content.decode()
    assert SLIP in html
    assert "Line 2, column 11: there is no &#x27;rr&#x27;." in html


def test_runs_are_compared_by_their_formulas(alice_client: Client, team: Team, alice: User) -> None:
    specs = [guided(CATALOGUE), written(), replace(written(), credit=Pick("credit", "formula", source=SLIP))]
    runs = [launch.create(team, alice, to_dict(spec), "E") for spec in specs]
    html = alice_client.get("/runs/compare/?" + "&".join(f"run={run.pk}" for run in runs)).content.decode()
    row = re.search(r'<th class="mono">credit\.source</th>(.*?)</tr>', html, re.DOTALL)
    assert row is not None
    cells = row[1].split("<td")[1:]
    assert "<math" not in cells[0]
    assert "formula-text" not in cells[0]
    assert str(checked(MINE, "credit").math) in cells[1]
    assert f"<code>{MINE}</code>" in cells[1]
    assert "<math" not in cells[2]
    assert f"<code>{SLIP}</code>" in cells[2]


def test_viewers_read_a_formula_and_cannot_write(alice_client: Client, vera_client: Client) -> None:
    start = fields(ask(alice_client, page(alice_client, NEW).data | {"credit.name": "formula"}, "change"))
    alice_client.post(NEW, start | {"credit.source": MINE, "name": "By hand"})
    html = vera_client.get(f"/workshop/algorithms/{newest().algorithm_id}/").content.decode()
    assert MINE in html
    assert '<fieldset class="newrun-main stack bare" disabled>' in html


def test_both_kinds_have_examples_and_no_other_part_a_place_for_formulas(alice_client: Client) -> None:
    assert set(START) == set(BOTH)
    html = alice_client.get(NEW).content.decode()
    places = re.findall(r'<select id="f\.(\S+?)\.name"(?:(?!</select>).)*write a formula', html, re.DOTALL)
    assert places == ["credit", "objective"]
