"""JSON schema: 1 where a completion holds JSON that fits a schema, else 0.

Pick it for structured output: calls of tools, forms, records. The schema (2020-12, whatever it says of itself) stands
in the form, or in a column where each prompt has its own. It checks shape, not truth; give a reward for content beside
it. What could run on without end is refused or counts as wrong: references beyond the schema itself, properties by
pattern, unevaluated parts; texts of over 20,000 letters, JSON over 50 levels deep, numbers of over 300 digits.
"""

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing.exceptions import Unresolvable

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Real, Source, Text
from workers.contract.json_in import json_in

CARD = Card(
    title="JSON schema",
    formula=r"r_i = w + (1 - w)\, \mathbb{1}[\,J(y_i) \models S\,]",
    source=Source(
        "JSON Schema, draft 2020-12", "json-schema.org", "validation", "https://json-schema.org/draft/2020-12"
    ),
    symbols={
        "r_i": "reward of completion i",
        "J(y_i)": "the JSON that it holds; without any, the reward is 0",
        "S": "the schema",
        "w": "what JSON that does not fit is worth",
    },
    relatives=("rewards/format", "rewards/tags"),
    bounds=(0.0, 1.0),
)

CHECKS, SECONDS = 20_000, 1.0  # checks of one keyword on one completion; for one match of a pattern
REFUSED = ("patternProperties", "unevaluatedProperties", "unevaluatedItems", "$dynamicRef")
Fits = Callable[[Any], bool]
_extend: Callable[..., Any] = extend  # it has no types


def reward(
    answers: Answers,
    *,
    schema: Annotated[str, Text(8000), "the schema, as JSON"] = '{"type": "object"}',
    column: Annotated[
        str, Text(80, empty=True), "column with a schema for each prompt; empty: the one above for all"
    ] = "",
    where: Annotated[
        str,
        Choice(("anywhere", "whole", "fenced")),
        "the whole text, else the first object or list in it; the whole text; or the last block between ``` signs",
    ] = "anywhere",
    parsed_worth: Annotated[float, Real(0, 1), "value of JSON that does not fit the schema"] = 0.0,
) -> list[float | None]:
    """1.0, `parsed_worth` or 0.0 a completion; None where the column holds no schema. ValueError for an unknown column,
    a schema that is none, or one that takes too many checks."""
    schemas = answers.column(column) if column else (schema,) * len(answers.texts)
    made: dict[str, Fits] = {}
    values: list[float | None] = []
    for text, given in zip(answers.texts, schemas, strict=True):
        if given is None:
            values.append(None)
            continue
        written = given if isinstance(given, str) else json.dumps(given)
        if written not in made:
            made[written] = _fits(written)
        found = json_in(text, where)
        values.append(0.0 if found is None else 1.0 if made[written](found[0]) else parsed_worth)
    return values


def _fits(written: str) -> Fits:
    """Whether a value fits the schema; ValueError where that is none."""
    try:
        schema = json.loads(written)
        Draft202012Validator.check_schema(schema)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the schema is no JSON: {error}") from None
    except SchemaError as error:
        raise ValueError(f"the schema is none: {error.message} at {error.json_path}") from None
    _must_be_bounded(schema)
    left = [0]
    checks = {name: _counted(check, left) for name, check in Draft202012Validator.VALIDATORS.items()}
    checks |= {"pattern": _counted(_pattern, left)}
    validator = _extend(Draft202012Validator, checks)(schema)

    def fits(value: Any) -> bool:
        left[0] = CHECKS
        try:
            return bool(validator.is_valid(value))
        except RecursionError:
            raise ValueError("the schema refers to itself without end") from None
        except Unresolvable as error:
            raise ValueError(f"the schema refers to what is not there: {error.ref}") from None

    return fits


def _must_be_bounded(schema: Any) -> None:
    if isinstance(schema, dict):
        for name in REFUSED:
            if name in schema:
                raise ValueError(f"a schema with {name} is not taken here")
        if not str(schema.get("$ref", "#")).startswith("#"):
            raise ValueError(
                f"the schema refers to {schema['$ref']!r}; it may refer to its own parts alone (#/$defs/…)"
            )
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _must_be_bounded(part)


def _counted(check: Callable[..., Any], left: list[int]) -> Callable[..., Iterator[Any]]:
    """The check of one keyword, which spends one of the checks that are left; comparing each with each spends more."""

    def counted(validator: Any, said: Any, instance: Any, schema: Any) -> Iterator[Any]:
        left[0] -= 1 + (len(instance) ** 2 // 100 if "uniqueItems" in schema and isinstance(instance, list) else 0)
        if left[0] < 0:
            raise ValueError(f"the schema takes more than {CHECKS} checks on one completion")
        yield from check(validator, said, instance, schema) or ()

    return counted


def _pattern(validator: Any, said: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str):
        try:
            found = regex.search(said, instance, timeout=SECONDS)
        except regex.error as error:
            raise ValueError(f"the schema's pattern {said!r} is no regular expression: {error}") from None
        except TimeoutError:
            raise ValueError(f"the schema's pattern {said!r} takes more than {SECONDS:g} s on one text") from None
        if found is None:
            yield ValidationError("the pattern does not match")
