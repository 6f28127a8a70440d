"""JSON schema: by hand, where in a text JSON is found, and schemas that would run on without end."""

import json
from typing import Any

import pytest

from tests.workers.scored import scored

CALL = json.dumps({
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"enum": ["add"]}, "by": {"type": "integer", "minimum": 1}},
    "additionalProperties": False,
})  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"name": "add", "by": 2}', 1.0),
        ('{"name": "add"}', 1.0),
        ('{"name": "add", "by": 0}', 0.25),
        ('{"name": "add", "by": 2.5}', 0.25),
        ('{"name": "sub"}', 0.25),
        ('{"by": 2}', 0.25),
        ('{"name": "add", "x": 1}', 0.25),
        ("[1]", 0.25),
        ('{"name": "add"', 0.0),
        ("{'name': 'add'}", 0.0),
        ('{"name": "add", "by": NaN}', 0.0),
        ("", 0.0),
    ],
)
def test_by_hand(text: str, value: float) -> None:
    assert scored("json_schema", [text], schema=CALL, parsed_worth=0.25) == [value]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', {"whole", "anywhere"}),
        (' {"a": 1}\n', {"whole", "anywhere"}),
        ('I say {"a": 1}.', {"anywhere"}),
        ('see {this}: {"a": 1} and {"b": 2}', {"anywhere"}),
        ('so\n```json\n{"a": 1}\n```', {"fenced", "anywhere"}),
        ('```\n{"b": 1}\n```\n```\n{"a": 1}\n```', {"fenced"}),  # the last block, the first object
        ('```json\n{"a": 1}', {"anywhere"}),  # never closed
        ('["a"] {"a": 1}', set()),
    ],
)
def test_where_it_is_found(text: str, found: set[str]) -> None:
    schema = '{"type": "object", "required": ["a"]}'
    for where in ("whole", "fenced", "anywhere"):
        assert scored("json_schema", [text], schema=schema, where=where) == [float(where in found)], where


def test_each_prompt_may_have_its_own_as_text_or_as_json() -> None:
    columns = {"form": ['{"type": "array"}', {"type": "object"}, True, None]}
    assert scored("json_schema", ["[]"] * 4, columns=columns, column="form") == [1.0, 0.0, 1.0, None]
    with pytest.raises(ValueError, match="asks for the column 'shape'"):
        scored("json_schema", ["[]"] * 4, columns=columns, column="shape")


@pytest.mark.parametrize(
    "text",
    ["[" * 3000, "[" * 60 + "]" * 60, '{"a": ' + "9" * 301 + "}", "[1e999]", "[" + "1," * 10_000 + "1]", "{" * 19_000],
)
def test_what_is_too_much_counts_as_no_json(text: str) -> None:
    assert scored("json_schema", [text, "[" * 40 + "]" * 40], schema="{}", where="whole") == [0.0, 1.0]


DOUBLING: dict[str, Any] = {"$ref": "#/$defs/d0", "$defs": {"d30": {"type": "object"}}}
DOUBLING["$defs"] |= {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("{", "is no JSON"),
        ("[" * 3000, "is no JSON"),
        ('{"type": "objec"}', r"schema is none: .*\$\.type"),
        ('{"$ref": "https://elsewhere.example/schema"}', "its own parts alone"),
        ('{"items": {"$ref": "file:///etc/passwd"}}', "its own parts alone"),
        ('{"$ref": "#/nowhere"}', "not there"),
        ('{"$ref": "#"}', "itself without end"),
        ('{"patternProperties": {"a": {}}}', "patternProperties"),
        ('{"properties": {"a": {"pattern": "("}}}', "pattern|regex"),
        ('{"properties": {"a": {"pattern": "(a|aa|a?a)+(a|aa)+c$"}}}', "takes more than 1 s"),
        (json.dumps(DOUBLING), "takes more than 20000 checks"),
    ],
)
def test_schemas_that_are_none_or_would_not_end_are_refused(schema: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        scored("json_schema", [json.dumps({"a": "a" * 60 + "b"})], schema=schema)


def test_a_schema_may_refer_to_itself_where_the_json_ends() -> None:
    tree = '{"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": false}'
    assert scored("json_schema", ['{"next": {"next": {}}}', '{"next": {"last": {}}}'], schema=tree) == [1.0, 0.0]
    assert scored("json_schema", ['{"a":' * 49 + "{}" + "}" * 49], schema=tree.replace("next", "a")) == [1.0]


def test_patterns_and_unique_items_are_checked() -> None:
    schema = '{"items": {"pattern": "^a"}, "uniqueItems": true}'
    assert scored("json_schema", ['["a", "ab"]', '["a", "b"]', '["a", "a"]'], schema=schema) == [1.0, 0.0, 0.0]
