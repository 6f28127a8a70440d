"""How the tests call the API: every operation from its own OpenAPI document, and refusals in their one shape."""

import json
from typing import Any

from django.test import Client

from labapp.api.urls import api
from labapp.runs.models import Run


def operations() -> list[tuple[str, str]]:
    """Every method and path of the API, from its own OpenAPI document."""
    found = api.get_openapi_schema(path_prefix="/api/v1/")["paths"]
    return [(verb.upper(), path) for path, verbs in found.items() for verb in verbs]


def call(client: Client, verb: str, path: str, run: Run, **extra: Any) -> Any:
    address = path.replace("{run_id}", str(run.id)).replace("{kind}", "credit").replace("{name}", "grpo")
    body = {"spec": run.spec} if path.endswith("/runs") else {}
    if verb == "GET":
        return client.get(address, **extra)
    return client.generic(verb, address, json.dumps(body), content_type="application/json", **extra)


def error(response: Any) -> dict[str, Any]:
    body = response.json()
    assert set(body) == {"error"}
    assert {"where", "what", "mend"} <= set(body["error"])
    assert body["error"]["where"]
    assert body["error"]["what"]
    return dict(body["error"])
