"""Preference pairs: every form of a side, prompts inside and beside them, bad rows by line; upload, mapping, rights."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from labapp.workshop import prepared, samples, uploads
from labapp.workshop.guessing import guess_kind, guess_mapping
from labapp.workshop.mapping import ColumnMap
from labapp.workshop.models import DataSet, DataVersion
from labapp.workshop.pairing import map_pairs
from labapp.workshop.reading import Table, read_rows
from tests.labapp.workshop.conftest import lines, send
from tests.labapp.workshop.test_data_columns import draft, rows_of

if TYPE_CHECKING:
    from tests.labapp.workshop.conftest import Confirm

INSIDE = ColumnMap("", chosen="chosen", rejected="rejected")
BESIDE = ColumnMap("prompt", chosen="chosen", rejected="rejected")
PLAIN = [{"prompt": f"{n}+{n}=", "chosen": str(2 * n), "rejected": str(2 * n + 1), "level": n} for n in range(1, 13)]


def table(*rows: Any) -> Table:
    return read_rows("\n".join(json.dumps(row) for row in rows).encode(), "x.jsonl")


def said(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def talk(*turns: str) -> str:
    """A transcript in which people and assistant take turns."""
    names = ("\n\nHuman:", "\n\nAssistant:")
    return "".join(f"{names[number % 2]} {turn}" for number, turn in enumerate(turns))


@pytest.mark.parametrize(
    ("row", "pairs"),
    [
        ({"prompt": "p", "chosen": "x", "rejected": "y"}, [("p", "x", "y")]),
        ({"prompt": [said("user", "p")], "chosen": [said("assistant", "x")], "rejected": [said("assistant", "y")]},
         [("p", "x", "y")]),
        ({"prompt": "p", "chosen": [said("user", "p"), said("assistant", "x")],
          "rejected": [said("user", "p"), said("assistant", "y")]}, [("p", "x", "y")]),
        ({"prompt": "p", "chosen": ["x"], "rejected": ["y", "z"]}, [("p", "x", "y"), ("p", "x", "z")]),
        ({"prompt": [said("system", "s"), said("user", "p")], "chosen": "x", "rejected": "y"},
         [("system: s\n\nuser: p\n\nassistant:", "x", "y")]),
    ],
)  # fmt: skip
def test_a_prompt_beside_the_sides(row: dict[str, Any], pairs: list[tuple[str, str, str]]) -> None:
    found, bad = map_pairs(table(row), BESIDE)
    assert (bad, [(one.problem.prompt, one.chosen, one.rejected) for one in found]) == ([], pairs)


@pytest.mark.parametrize(
    ("chosen", "rejected", "pair"),
    [
        ([said("user", "p"), said("assistant", "x")], [said("user", "p"), said("assistant", "y")], ("p", "x", "y")),
        ([said("user", "a"), said("assistant", "b"), said("user", "c"), said("assistant", "x")],
         [said("user", "a"), said("assistant", "b"), said("user", "c"), said("assistant", "y")],
         ("user: a\n\nassistant: b\n\nuser: c\n\nassistant:", "x", "y")),
        (talk("a", "yes"), talk("a", "no"), (talk("a") + "\n\nAssistant:", " yes", " no")),
        (talk("a", "b", "c", "d"), talk("a", "b", "c", "e"), (talk("a", "b", "c") + "\n\nAssistant:", " d", " e")),
    ],
)  # fmt: skip
def test_a_prompt_inside_the_sides(chosen: Any, rejected: Any, pair: tuple[str, str, str]) -> None:
    rows = table({"chosen": chosen, "rejected": rejected, "id": 7})
    mapping = guess_mapping(rows)
    assert mapping == INSIDE
    found, bad = map_pairs(rows, mapping)
    assert bad == []
    assert [(one.problem.prompt, one.chosen, one.rejected, one.line) for one in found] == [(*pair, 1)]
    assert found[0].problem.columns == {"id": 7}


@pytest.mark.parametrize(
    ("mapping", "row", "why"),
    [
        (BESIDE, {"prompt": "p", "chosen": "x", "rejected": "x"}, "chosen and rejected are the same text"),
        (BESIDE, {"prompt": "p", "chosen": "x"}, "the rejected completion is missing"),
        (BESIDE, {"prompt": "p", "chosen": " ", "rejected": "x"}, "the chosen completion is empty"),
        (BESIDE, {"prompt": "p", "chosen": 5, "rejected": "x"}, "the chosen completion is not text but int"),
        (BESIDE, {"prompt": "", "chosen": "y", "rejected": "x"}, "the prompt is empty"),
        (BESIDE, {"prompt": "p", "chosen": [said("user", "q"), said("assistant", "x")],
                  "rejected": [said("user", "p"), said("assistant", "y")]}, "do not begin with the same messages"),
        (BESIDE, {"prompt": "p", "chosen": [said("user", "x")], "rejected": [said("assistant", "y")]},
         "the last message of chosen is not the assistant's but of role 'user'"),
        (BESIDE, {"prompt": "p", "chosen": [said("assistant", "x")], "rejected": "y"},
         "rejected is not a conversation"),
        (INSIDE, {"chosen": [said("assistant", "x")], "rejected": [said("assistant", "y")]},
         "no message before the answer"),
        (INSIDE, {"chosen": "x", "rejected": "y"}, "share no beginning up to"),
        (INSIDE, {"chosen": talk("a", "b", "c", "d"), "rejected": talk("a", "e", "c", "d")}, "differ in more than"),
        (ColumnMap("prompt", chosen="chosen", rejected="rejected", longest=3),
         {"prompt": "pp", "chosen": "é", "rejected": "x"}, "prompt and completion have 4 bytes; 3 are allowed"),
    ],
)  # fmt: skip
def test_a_row_that_holds_no_pair_is_left_out_by_line(mapping: ColumnMap, row: dict[str, Any], why: str) -> None:
    good = {"prompt": "long", "chosen": talk("a", "x"), "rejected": talk("a", "y")}
    found, bad = map_pairs(table(good, row), mapping)
    assert len(found) == (0 if mapping.longest else 1)
    assert bad[-1].line == 2
    assert why in bad[-1].reason


@pytest.mark.parametrize(
    ("row", "mapping"),
    [
        (PLAIN[0], BESIDE),
        ({"question": "p", "chosen": "x", "rejected": "y", "answer": "z"},
         ColumnMap("question", "answer", chosen="chosen", rejected="rejected")),
        ({"history": "p", "Chosen": "x", "Rejected": "y"}, ColumnMap("history", chosen="Chosen", rejected="Rejected")),
    ],
)  # fmt: skip
def test_pairs_are_known_by_the_names_of_their_columns(row: dict[str, Any], mapping: ColumnMap) -> None:
    found = guess_mapping(table(row))
    assert found == mapping
    assert guess_kind(found) == DataSet.PAIRS


def test_half_a_pair_is_none() -> None:
    assert guess_kind(guess_mapping(table({"prompt": "p", "chosen": "x"}))) == DataSet.PROMPTS
    for mapping in (ColumnMap("prompt", chosen="chosen"), ColumnMap("prompt", chosen="chosen", rejected="chosen")):
        with pytest.raises(ValueError, match="choose"):
            map_pairs(table(PLAIN[0]), mapping)


def test_an_upload_becomes_pairs(alice_client: Client) -> None:
    address = draft(alice_client, lines([*PLAIN, {"prompt": "0+0=", "chosen": "0", "rejected": "0"}]))
    html = alice_client.get(address).content.decode()
    assert 'value="pairs" checked' in html
    assert "<dt>pairs</dt><dd>12</dd>" in html
    assert "chosen and rejected are the same text" in html
    fields = {"do": "confirm", "kind": "pairs", "prompt": "prompt", "chosen": "chosen", "rejected": "rejected"}
    assert alice_client.post(address, fields).status_code == 302
    version = DataVersion.objects.get()
    assert (version.dataset.kind, version.rows, version.columns) == ("pairs", 12, ["level"])
    assert version.bad == [{"line": 13, "reason": "chosen and rejected are the same text"}]
    row = {"prompt": "1+1=", "chosen": "2", "rejected": "3", "answer": "", "columns": {"level": 1}}
    assert rows_of(version)[0] == row
    page = alice_client.get(f"/data/{version.dataset_id}/1/").content.decode()
    assert "<th>chosen</th><th>rejected</th>" in page
    assert "preference pairs" in page
    assert "preference pairs" in alice_client.get("/data/").content.decode()
    columns = alice_client.get(f"/data/{version.dataset_id}/1/?tab=columns").content.decode()
    assert '<dt>rejected</dt><dd class="mono">rejected</dd>' in columns
    assert prepared.from_json(version.mapping) == BESIDE


def test_what_another_mapping_makes_of_the_pairs_is_shown_at_once(alice_client: Client) -> None:
    address = draft(alice_client, lines(PLAIN))
    asked = {"do": "look", "kind": "pairs", "prompt": "prompt", "chosen": "rejected", "rejected": "chosen"}
    html = alice_client.post(address, asked, headers={"HX-Request": "true"}).content.decode()
    assert "<dt>chosen</dt><dd>3</dd>" in html
    assert "choose where the chosen" in alice_client.post(address, asked | {"chosen": ""}).content.decode()
    as_prompts = alice_client.post(address, asked | {"kind": "prompts"}).content.decode()
    assert '<input type="hidden" name="chosen" value="rejected">' in as_prompts  # the way back keeps what was chosen


def test_only_members_who_may_change_bring_pairs(
    vera_client: Client, charlie_client: Client, bob_client: Client, confirm: Confirm
) -> None:
    assert send(vera_client, lines(PLAIN)).status_code == 403
    version = confirm(bob_client, PLAIN)
    address = f"/data/{version.dataset_id}/1/"
    assert vera_client.get(address).status_code == 200
    assert "Train on this" not in vera_client.get(address).content.decode()
    assert charlie_client.get(address).status_code == 404
    assert charlie_client.get(f"{address}rows.jsonl").status_code == 404


def test_a_reward_is_tried_on_both_sides(alice_client: Client, confirm: Confirm) -> None:
    version = confirm(alice_client, PLAIN)
    asked = {"place": "data", "dataset": f"{version.dataset_id}@1", "count": "8"}
    found = samples.gather(version.dataset.team, asked)
    assert [(one["prompt"], one["completion"], one["label"]) for one in found[:2]] == [
        ("1+1=", "2", 1.0), ("1+1=", "3", 0.0),
    ]  # fmt: skip
    assert len(found) == 8  # a pair is two samples


def judged(content: bytes) -> list[dict[str, Any]]:
    """Pairs of real model answers by what people preferred of them: 1 the first, 2 the second, 0 neither."""
    made = []
    for one in json.loads(content):
        texts = [one[f"prediction {number}"] for number in range(1, 5)]
        places = [(a, b) for a in range(4) for b in range(a + 1, 4)]
        for (a, b), better in zip(places, one["preference"], strict=True):
            if better:
                good, worse = (texts[a], texts[b]) if better == 1 else (texts[b], texts[a])
                made.append({"question": one["question"], "chosen": good, "rejected": worse})
    return made


def test_judgements_of_people_are_mapped(alice_client: Client, real: Callable[[str], bytes]) -> None:
    rows = judged(real("qa-feedback-dev.json"))
    assert len(rows) > 500
    address = draft(alice_client, lines(rows), "judged.jsonl")
    version = DataVersion.objects.get()
    guess = prepared.starting_map(version, uploads.sample(version).table)
    made = prepared.confirm(version, guess)
    assert (made.dataset.kind, guess.prompt) == ("pairs", "question")
    assert made.rows + len(made.bad) == len(rows)
    assert {one["reason"] for one in made.bad} <= {"chosen and rejected are the same text"}
    assert unescape(alice_client.get(address, follow=True).content.decode()).count(rows[0]["question"]) >= 1
