"""The page that describes the API, made from its own OpenAPI document; it works offline and without a script."""

import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase


class Page(DocsBase):
    """Drawn with the templates of the lab instead of a viewer from another host."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Every operation with its parameters, body, answer, and a line for the shell."""
        document = json.loads(json.dumps(api.get_openapi_schema(), default=str))
        base = request.build_absolute_uri("/").rstrip("/")
        groups: dict[str, list[dict[str, Any]]] = {}
        for operation in _operations(document, base):
            groups.setdefault(operation["tag"], []).append(operation)
        context = {"api": api, "groups": list(groups.items()), "schema_url": self.get_openapi_url(api, kwargs)}
        return render(request, "api/docs.html", context)


def _operations(document: dict[str, Any], base: str) -> Iterator[dict[str, Any]]:
    known = document.get("components", {}).get("schemas", {})
    for path, methods in document["paths"].items():
        for verb, said in methods.items():
            body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            answers: list[dict[str, Any]] = list(said.get("responses", {}).values())
            answer = answers[0].get("content", {}).get("application/json", {}) if answers else {}
            yield {
                "id": said["operationId"],
                "tag": (said.get("tags") or ["other"])[0],
                "verb": verb.upper(),
                "path": path,
                "words": said.get("description") or said.get("summary", ""),
                "parameters": [_parameter(one) for one in said.get("parameters", [])],
                "body": _fields(body, known),
                "answer": _fields(answer.get("schema"), known),
                "shell": _shell(verb.upper(), base + path, body is not None),
            }


def _parameter(said: dict[str, Any]) -> dict[str, Any]:
    schema = said.get("schema", {})
    return {
        "name": said["name"],
        "place": said["in"],
        "type": _type(schema),
        "words": said.get("description") or schema.get("description", ""),
        "default": schema.get("default"),
    }


def _fields(schema: dict[str, Any] | None, known: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of a record, those of a list's records below the list's name."""
    record = _resolved(schema or {}, known)
    made = []
    for name, said in record.get("properties", {}).items():
        made.append({"name": name, "type": _type(said), "words": said.get("description", "")})
        inner = _resolved(said.get("items", {}), known)
        made += [
            {"name": f"{name}[].{one}", "type": _type(of), "words": ""}
            for one, of in inner.get("properties", {}).items()
        ]
    return made


def _resolved(schema: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref", "")
    found: dict[str, Any] = known.get(reference.rpartition("/")[2], {}) if reference else schema
    return found


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any")


def _shell(verb: str, address: str, has_body: bool) -> str:
    line = "curl" + ("" if verb == "GET" else f" -X {verb}") + ' -H "Authorization: Bearer $MERIT_TOKEN"'
    return line + (' -H "Content-Type: application/json" -d @body.json' if has_body else "") + f" '{address}'"
