"""How the tests call the API: every operation from its own OpenAPI document, and refusals in their one shape."""

import json
from typing import Any

from django.test import Client

from labapp.api.urls import api
from labapp.runs.models import Run
from labapp.workshop import rewards
from labapp.workshop.models import RewardVersion


def operations() -> list[tuple[str, str]]:
    """Every method and path of the API, from its own OpenAPI document."""
    found = api.get_openapi_schema(path_prefix="/api/v1/")["paths"]
    return [(verb.upper(), path) for path, verbs in found.items() for verb in verbs]


def call(client: Client, verb: str, path: str, run: Run, **extra: Any) -> Any:
    address = path.replace("{run_id}", str(run.id)).replace("{kind}", "credit").replace("{name}", "grpo")
    address = address.replace("{reference}", _reward(run).reference)
    bodies: dict[str, dict[str, Any]] = {"runs": {"spec": run.spec}, "score": {"completions": ["x"]}}
    body = bodies.get(path.rpartition("/")[2], {})
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


def _reward(run: Run) -> RewardVersion:
    """A saved reward of the run's team."""
    found = RewardVersion.objects.filter(reward__team=run.team).first()
    if found is not None:
        return found
    source = "def reward(completions, **columns):\n    return [float(len(text)) for text in completions]\n"
    assert run.owner is not None
    return rewards.create(run.team, run.owner, "length", source)
