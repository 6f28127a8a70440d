"""No text of the database holds a null character: the API says so wherever a text is read, and never fails."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from labapp.api.urls import api
from labapp.runs.models import Run
from tests.labapp.api.calls import error, operations


def texts() -> list[tuple[str, str]]:
    """(path, name) of every single text in a query, from the API's own description."""
    described = api.get_openapi_schema(path_prefix="/api/v1/")["paths"]
    return [
        (path, one["name"])
        for verb, path in operations()
        for one in described[path][verb.lower()].get("parameters", [])
        if one["in"] == "query" and one["schema"].get("type") == "string"
    ]


def test_there_are_texts() -> None:
    assert {("/api/v1/runs", "state"), ("/api/v1/runs", "experiment"), ("/api/v1/datasets", "kind")} <= set(texts())


@pytest.mark.parametrize(("path", "name"), texts())
def test_a_query(alice_client: Client, path: str, name: str) -> None:
    response = alice_client.get(path, {name: "a\0b"})
    assert response.status_code == 422
    assert error(response)["where"] == f"query.{name}"
    assert alice_client.get(path, {name: "a\nb"}).status_code in (200, 404)


@pytest.mark.parametrize(
    ("change", "where"),
    [({"name": "a\0b"}, "name"), ({"model": {"name": "a\0b"}}, "model.name"),
     ({"credit": {"kind": "credit", "name": "grpo", "digest": "\0"}}, "credit.digest")],
)  # fmt: skip
def test_a_document(alice_client: Client, document: dict[str, Any], change: dict[str, Any], where: str) -> None:
    body = {"spec": document | change}
    response = alice_client.post("/api/v1/runs", body, content_type="application/json")
    assert response.status_code == 422
    assert error(response)["where"] == f"spec.{where}"
    assert "null character" in error(response)["what"]
    assert not Run.objects.exists()


def test_an_experiment(alice_client: Client, run: Run) -> None:
    body = {"experiment": "a\0b", "launch": False}
    response = alice_client.post(f"/api/v1/runs/{run.pk}/clone", body, content_type="application/json")
    assert response.status_code == 201
    assert response.json()["experiment"] == "ab"
