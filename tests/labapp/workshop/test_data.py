"""Data sets: uploads, versions, rows, downloads, and deletion of what no run uses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from labapp.accounts.models import Team, User
from labapp.runs import launch
from labapp.workshop import uploads
from labapp.workshop.models import DataSet, DataVersion

if TYPE_CHECKING:
    from tests.labapp.workshop.conftest import Confirm

ROWS = [{"question": f"{n}+{n}", "answer": f"so #### {2 * n}", "level": n} for n in range(1, 41)]


def send(client: Client, content: bytes | str, name: str = "sums.jsonl", address: str = "/data/upload/") -> Any:
    content = content.encode() if isinstance(content, str) else content
    return client.post(address, {"file": SimpleUploadedFile(name, content)})


def jsonl(rows: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps(row) for row in rows)


def test_it_works(bob_client: Client, confirm: Confirm) -> None:
    version = confirm(bob_client, ROWS)
    assert (version.rows, version.bad, version.columns) == (40, [], ["level"])
    with default_storage.open(version.file) as file:
        stored = [json.loads(line) for line in file]
    assert stored[0] == {"prompt": "1+1", "answer": "2", "columns": {"level": 1}}
    page = bob_client.get(f"/data/{version.dataset_id}/1/")
    assert page.status_code == 200
    assert f"/runs/new/?dataset={version.dataset_id}@1" in page.content.decode()
    assert "1 to 25 of 40" in page.content.decode()
    assert "26 to 40 of 40" in bob_client.get(f"/data/{version.dataset_id}/1/?page=2").content.decode()


def test_an_empty_room_says_what_to_do(alice_client: Client) -> None:
    html = alice_client.get("/data/").content.decode()
    assert "No data yet" in html
    assert "Choose a file" in html


def test_the_list_asks_the_database_a_fixed_number_of_times(
    alice_client: Client, confirm: Confirm, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(4):
        confirm(alice_client, ROWS, f"set-{number}.jsonl")
    alice_client.get("/data/")
    with django_assert_max_num_queries(8):
        html = alice_client.get("/data/").content.decode()
    assert html.count("set-") >= 4
    assert "set-2" not in alice_client.get("/data/?q=set-3").content.decode().split("<tbody>")[1]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        ("", "empty.jsonl", "empty.jsonl is empty"),
        (" \n\n", "blank.csv", "blank.csv is empty"),
        (b"\xff\xfe\x00", "x.csv", "not UTF-8"),
        ("nothing", "x.parquet", "does not start as one"),
        ("a,a\n1,2\n", "x.csv", "more than one column is called a"),
        ("[1, 2", "x.json", "not JSON"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(
    alice_client: Client, content: bytes | str, name: str, said: str
) -> None:
    response = send(alice_client, content, name)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert DataSet.objects.count() == 0


def test_no_file_at_all(alice_client: Client) -> None:
    response = alice_client.post("/data/upload/")
    assert response.status_code == 422
    assert "Choose a file first" in response.content.decode()


def test_a_file_that_is_too_large_is_refused(alice_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 2**20)
    response = send(alice_client, b"x" * (2**20 + 1), "big.jsonl")
    assert response.status_code == 422
    assert "1 MB are allowed" in response.content.decode()
    monkeypatch.setattr(uploads, "MOST_BYTES", 0)
    assert "0 MB are allowed" in send(alice_client, b"x").content.decode()


def test_two_files_of_one_name_become_two_sets_and_a_given_name_must_be_free(alice_client: Client) -> None:
    send(alice_client, jsonl(ROWS))
    send(alice_client, jsonl(ROWS))
    assert set(DataSet.objects.values_list("name", flat=True)) == {"sums", "sums 2"}
    file = SimpleUploadedFile("x.jsonl", jsonl(ROWS).encode())
    response = alice_client.post("/data/upload/", {"file": file, "name": "sums"})
    assert response.status_code == 422
    assert "already" in response.content.decode()


def test_a_new_upload_is_the_next_version_and_the_old_one_stays(alice_client: Client, confirm: Confirm) -> None:
    first = confirm(alice_client, ROWS)
    address = f"/data/{first.dataset_id}/"
    same = send(alice_client, jsonl(ROWS), address=f"{address}upload/")
    assert same.status_code == 422
    assert "very file of version 1" in same.content.decode()
    response = send(alice_client, jsonl(ROWS[:5]), "fewer.jsonl", f"{address}upload/")
    assert response.url == f"{address}2/columns/"
    assert alice_client.get(address)["Location"] == f"{address}1/"  # until the columns of the new one are confirmed
    html = alice_client.get(response.url).content.decode()
    assert "<option selected>question</option>" in html
    alice_client.post(response.url, {"do": "confirm", "prompt": "question"})
    assert alice_client.get(address)["Location"] == f"{address}2/"
    first.refresh_from_db()
    assert first.rows == 40


def test_a_version_that_was_not_confirmed_can_be_discarded(
    alice_client: Client, confirm: Confirm, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    send(alice_client, jsonl(ROWS))
    version = DataVersion.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        response = alice_client.post(f"/data/{version.dataset_id}/1/discard/")
    assert response["Location"] == "/data/"
    assert DataSet.objects.count() == 0
    assert not default_storage.exists(version.original)
    kept = confirm(alice_client, ROWS)
    alice_client.post(f"/data/{kept.dataset_id}/1/discard/")
    assert DataVersion.objects.filter(pk=kept.pk).exists()


def test_files_come_back_as_they_were(alice_client: Client, confirm: Confirm) -> None:
    version = confirm(alice_client, ROWS)
    address = f"/data/{version.dataset_id}/1"
    original = alice_client.get(f"{address}/original/")
    assert original.getvalue().decode() == jsonl(ROWS)
    assert original["Content-Disposition"] == 'attachment; filename="sums.jsonl"'
    assert alice_client.get(f"{address}/rows.jsonl").status_code == 200


@pytest.mark.parametrize("kind", ["train", "analysis"])
def test_what_a_run_uses_is_not_deleted(
    alice_client: Client, alice: User, team: Team, confirm: Confirm, kind: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    version = confirm(alice_client, ROWS)
    reference = f"{version.dataset_id}@1"
    spec = {"prompts": {"dataset": reference}} if kind == "train" else {"dataset": reference}
    run = launch.create(team, alice, {"name": "user-of-sums", **spec}, "E", kind=kind)
    said = alice_client.post(f"/data/{version.dataset_id}/delete/", follow=True).content.decode()
    assert "is used by user-of-sums" in said
    assert DataSet.objects.count() == 1
    assert "user-of-sums" in alice_client.get(f"/data/{version.dataset_id}/1/?tab=uses").content.decode()
    run.delete()
    with django_capture_on_commit_callbacks(execute=True):
        alice_client.post(f"/data/{version.dataset_id}/delete/")
    assert DataSet.objects.count() == 0
    assert not default_storage.exists(version.file)
    assert not default_storage.exists(version.original)


def test_another_set_whose_number_starts_alike_does_not_count_as_used(
    alice_client: Client, alice: User, team: Team, confirm: Confirm
) -> None:
    version = confirm(alice_client, ROWS)
    launch.create(team, alice, {"name": "x", "prompts": {"dataset": f"{version.dataset_id}1@1"}}, "E")
    alice_client.post(f"/data/{version.dataset_id}/delete/")
    assert DataSet.objects.count() == 0


def test_viewers_look_and_change_nothing(vera_client: Client, alice_client: Client, confirm: Confirm) -> None:
    version = confirm(alice_client, ROWS)
    pk = version.dataset_id
    html = vera_client.get(f"/data/{pk}/1/").content.decode()
    assert "1+1" in html
    assert "Train on this" not in html
    assert "Choose a file" not in vera_client.get("/data/").content.decode()
    for address in (f"/data/{pk}/delete/", "/data/upload/", f"/data/{pk}/upload/", f"/data/{pk}/1/discard/"):
        assert vera_client.post(address).status_code == 403
    send(alice_client, jsonl(ROWS[:3]), "b.jsonl")
    draft = DataVersion.objects.latest("pk")
    assert vera_client.get(f"/data/{draft.dataset_id}/1/columns/").status_code == 403
    assert "not confirmed" in vera_client.get(f"/data/{draft.dataset_id}/1/").content.decode()


def test_outsiders_see_nothing(charlie_client: Client, alice_client: Client, confirm: Confirm) -> None:
    version = confirm(alice_client, ROWS)
    address = f"/data/{version.dataset_id}/"
    assert "sums" not in charlie_client.get("/data/").content.decode()
    for path in ("", "1/", "1/columns/", "1/original/", "1/rows.jsonl", "1/bad.csv"):
        assert charlie_client.get(address + path).status_code == 404
    for path in ("delete/", "upload/", "1/discard/"):
        assert charlie_client.post(address + path).status_code == 404
    assert DataSet.objects.count() == 1


@pytest.mark.parametrize("address", ["/data/{}/", "/data/{}/1/", "/data/1/{}/", "/data/1/{}/columns/"])
def test_a_number_that_no_row_can_have_is_not_found(alice_client: Client, address: str) -> None:
    assert alice_client.get(address.format(10**30)).status_code == 404


def test_strangers_sign_in_first(client: Client, db: None) -> None:
    for address in ("/data/", "/data/1/", "/data/1/1/rows.jsonl", "/data/analyse/"):
        assert client.get(address).status_code == 302
