"""The mapping page: the guess, what another mapping makes of the rows, bad rows by line, the confirmation."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from labapp.workshop import prepared, uploads
from labapp.workshop.models import DataSet, DataVersion

if TYPE_CHECKING:
    from tests.labapp.workshop.conftest import Confirm

RECORDED = [
    {"question": f"{n}+{n}", "answer": str(2 * n), "a": {"solution": f"it is {2 * n}", "is_correct": True},
     "b": {"solution": f"it is {2 * n + 1}", "is_correct": False}}
    for n in range(1, 11)
]  # fmt: skip
HTMX = {"HX-Request": "true"}


def draft(client: Client, content: str | bytes, name: str = "x.jsonl") -> str:
    """The address of the mapping page of a fresh upload."""
    content = content.encode() if isinstance(content, str) else content
    response = client.post("/data/upload/", {"file": SimpleUploadedFile(name, content)})
    assert response.status_code == 302
    return str(response["Location"])


def jsonl(rows: list[Any]) -> str:
    return "\n".join(json.dumps(row) for row in rows)


def rows_of(version: DataVersion) -> list[dict[str, Any]]:
    with default_storage.open(version.file) as file:
        return [json.loads(line) for line in file]


def test_it_works(alice_client: Client) -> None:
    address = draft(alice_client, jsonl(RECORDED))
    html = alice_client.get(address).content.decode()
    assert 'value="completions" checked' in html
    assert "a.solution" in html
    assert "it is 2" in html
    fields = {"do": "confirm", "kind": "completions", "prompt": "question", "answer": "answer",
              "completion.0.text": "a.solution", "completion.0.label": "a.is_correct",
              "completion.1.text": "b.solution", "completion.1.label": "b.is_correct"}  # fmt: skip
    assert alice_client.post(address, fields).status_code == 302
    version = DataVersion.objects.get()
    assert version.rows == 20
    assert rows_of(version)[1] == {
        "prompt": "1+1", "completion": "it is 3", "group": 0, "answer": "2", "label": 0.0, "source": "b", "columns": {},
    }  # fmt: skip
    assert (
        f"/data/analyse/?dataset={version.dataset_id}@1"
        in alice_client.get(f"/data/{version.dataset_id}/1/").content.decode()
    )


def test_another_mapping_is_shown_at_once_and_kept_nowhere(alice_client: Client) -> None:
    address = draft(alice_client, jsonl(RECORDED))
    other = {"do": "look", "kind": "completions", "prompt": "question", "completion.0.text": "b.solution"}
    html = alice_client.post(address, other, headers=HTMX).content.decode()
    assert "<html" not in html
    assert "it is 3" in html
    assert "<dt>completions</dt><dd>10</dd>" in html
    assert DataVersion.objects.get().file == ""


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"prompt": ""}, "choose the column of the prompt"),
        ({"prompt": "nowhere"}, "there is no column &#x27;nowhere&#x27;; the file has: question, answer"),
        ({"prompt": "question", "kind": "completions"}, "choose where the completions stand"),
        ({"prompt": "answer", "answer": "question", "answer_after": "####"}, "no row can be used: line 1, "),
    ],
)
def test_a_wrong_mapping_is_refused_with_the_reason(alice_client: Client, fields: dict[str, str], said: str) -> None:
    address = draft(alice_client, jsonl([{"question": "1+1", "answer": "2"}]))
    response = alice_client.post(address, {"do": "confirm", "kind": "prompts", **fields})
    assert response.status_code == 422
    assert said in response.content.decode()
    assert DataVersion.objects.get().file == ""


def test_bad_rows_are_told_by_line_and_left_out(alice_client: Client) -> None:
    content = '{"question": "1+1", "answer": "2"}\nnonsense\n\n{"question": "", "answer": "3"}\n{"question": "2+2"}\n'
    address = draft(alice_client, content)
    html = alice_client.get(address).content.decode()
    assert "not JSON: Expecting value at character 1" in html
    alice_client.post(address, {"do": "confirm", "prompt": "question", "answer": "answer"})
    version = DataVersion.objects.get()
    assert version.rows == 1
    assert [(row["line"], row["reason"]) for row in version.bad] == [
        (2, "not JSON: Expecting value at character 1"), (4, "the prompt is empty"), (5, "the answer is missing"),
    ]  # fmt: skip
    page = alice_client.get(f"/data/{version.dataset_id}/1/?tab=bad").content.decode()
    assert "the answer is missing" in page
    table = alice_client.get(f"/data/{version.dataset_id}/1/bad.csv").content.decode()
    assert list(csv.reader(io.StringIO(table)))[2] == ["4", "the prompt is empty"]


def test_a_label_that_is_no_share_is_a_bad_row(alice_client: Client) -> None:
    rows = [{"prompt": "q", "completion": "a", "label": 0.5}, {"prompt": "q", "completion": "b", "label": 7}]
    address = draft(alice_client, jsonl(rows))
    fields = {
        "kind": "completions",
        "prompt": "prompt",
        "completion.0.text": "completion",
        "completion.0.label": "label",
    }
    alice_client.post(address, {"do": "confirm", **fields})
    version = DataVersion.objects.get()
    assert version.rows == 1
    assert version.bad[0]["line"] == 2
    assert "between 0 and 1" in version.bad[0]["reason"]


@pytest.mark.parametrize(("longest", "kept"), [("", 3), ("0", 3), ("3", 2), ("2", 1), ("1", 0)])
def test_prompts_that_are_too_long_are_left_out_by_line(alice_client: Client, longest: str, kept: int) -> None:
    address = draft(alice_client, jsonl([{"q": "ab"}, {"q": "a\u00e9"}, {"q": "abcd"}]), "x.jsonl")
    response = alice_client.post(address, {"do": "confirm", "kind": "prompts", "prompt": "q", "longest": longest})
    version = DataVersion.objects.get()
    assert (response.status_code, version.rows) == (302 if kept else 422, kept)
    if kept == 2:
        assert version.bad == [{"line": 3, "reason": "the prompt has 4 bytes; 3 are allowed"}]


@pytest.mark.parametrize("longest", ["many", "-1", "1.5", "9" * 30])
def test_a_longest_prompt_that_is_no_number_is_refused(alice_client: Client, longest: str) -> None:
    address = draft(alice_client, jsonl([{"q": "ab"}]))
    response = alice_client.post(address, {"do": "confirm", "kind": "prompts", "prompt": "q", "longest": longest})
    assert response.status_code == 422
    assert "whole number of bytes" in response.content.decode()


def test_what_was_confirmed_never_changes(alice_client: Client, confirm: Confirm) -> None:
    version = confirm(alice_client, RECORDED)
    address = f"/data/{version.dataset_id}/1/columns/"
    assert alice_client.post(address, {"do": "confirm", "prompt": "answer"}).status_code == 302
    with pytest.raises(prepared.Confirmed):
        prepared.confirm(version, prepared.from_json(version.mapping))
    version.refresh_from_db()
    assert version.mapping["prompt"] == "question"
    assert version.rows == 20


def test_the_next_version_starts_with_the_columns_of_the_last(alice_client: Client, confirm: Confirm) -> None:
    address = draft(alice_client, "frage,loesung,text\n1+1,2,hallo\n", "a.csv")
    alice_client.post(address, {"do": "confirm", "kind": "prompts", "prompt": "frage", "answer": "loesung"})
    pk = DataSet.objects.get().pk
    file = SimpleUploadedFile("b.csv", b"frage,loesung,text\n2+2,4,hallo\n")
    response = alice_client.post(f"/data/{pk}/upload/", {"file": file})
    html = alice_client.get(response["Location"]).content.decode()
    assert "<option selected>frage</option>" in html
    assert "disabled" in html  # what the set holds was decided by its first version


def test_of_a_large_file_the_beginning_is_looked_at_and_all_is_read_at_the_end(
    alice_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "SMALL", 100)
    monkeypatch.setattr(uploads, "HEAD", 200)
    rows = [{"question": f"{n}+{n}", "answer": str(2 * n)} for n in range(100)]
    address = draft(alice_client, jsonl(rows))
    html = alice_client.get(address).content.decode()
    assert "all are read when you confirm" in html
    alice_client.post(address, {"do": "confirm", "prompt": "question", "answer": "answer"})
    assert DataVersion.objects.get().rows == 100


def test_two_who_map_need_not_be_members_of_one_team(charlie_client: Client, alice_client: Client) -> None:
    address = draft(alice_client, jsonl(RECORDED))
    assert charlie_client.post(address, {"do": "confirm", "prompt": "question"}).status_code == 404
    assert DataVersion.objects.get().file == ""


@pytest.mark.parametrize(
    ("name", "kind", "rows"),
    [("gsm8k-train.jsonl", "prompts", 7473), ("gsm8k-model-solutions.jsonl", "completions", 5276)],
)
def test_real_files_are_mapped_within_seconds(
    alice_client: Client, real: Callable[[str], bytes], name: str, kind: str, rows: int
) -> None:
    content = real(name)
    began = time.perf_counter()
    address = draft(alice_client, content, name)
    version = DataVersion.objects.get()
    guess = prepared.starting_map(version, uploads.sample(version).table)
    assert version.dataset.kind == kind
    made = prepared.confirm(version, guess)
    assert time.perf_counter() - began < 10  # half a second where nothing else runs
    assert (made.rows, made.bad) == (rows, [])
    assert alice_client.get(address).status_code == 302
    if kind == "completions":
        assert sum(row["label"] for row in rows_of(made)) == 2001
    assert rows_of(made)[0]["answer"] in ("72", "18")
