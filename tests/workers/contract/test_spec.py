"""A run as one document: JSON both ways, and a sentence for every way to get it wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.contract.specs import good
from workers.contract.spec import (
    Budget,
    Optimiser,
    Pick,
    Prompts,
    RewardPick,
    RunSpec,
    SpecError,
    from_dict,
    from_json,
    to_dict,
    to_json,
)

plain = st.text(max_size=8) | st.integers(-9, 9) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
params = st.dictionaries(st.text(min_size=1, max_size=5), plain, max_size=3)
picks = st.builds(Pick, st.sampled_from(["credit", "rewards"]), st.text(max_size=9), params, st.text(max_size=12))
finite = st.floats(allow_nan=False, allow_infinity=False)
specs = st.builds(
    good,
    name=st.text(max_size=20),
    prompts=st.builds(Prompts, task=st.none() | picks, path=st.text(max_size=9), heldout_share=finite),
    rewards=st.lists(st.builds(RewardPick, st.text(), st.text(), params, finite, st.text(), st.text()), max_size=3).map(
        tuple
    ),
    credit=picks,
    regularisers=st.lists(picks, max_size=2).map(tuple),
    optimiser=st.builds(Optimiser, learning_rate=finite, passes=st.integers()),
    budget=st.builds(Budget, steps=st.integers()),
    temperature=finite,
    seed=st.integers(),
)


@given(specs)
def test_json_both_ways(spec: RunSpec) -> None:
    """What the page shows, the database stores and the command line takes is one and the same."""
    assert from_json(to_json(spec)) == spec
    assert from_dict(to_dict(spec)) == spec
    assert to_json(from_json(to_json(spec))) == to_json(spec)


def test_defaults_may_be_left_out_and_whole_numbers_may_stand_for_real_ones() -> None:
    document = to_dict(good())
    for name in ("batch_prompts", "optimiser", "budget", "version", "regularisers"):
        del document[name]
    document["temperature"] = 1
    read = from_dict(document)
    assert read == good(regularisers=())
    assert isinstance(read.temperature, float)


def change(document: dict[str, Any], path: str, value: Any) -> None:
    """Set the field at a dotted path, or take it away when the value is `...`."""
    *parents, last = path.split(".")
    at: Any = document
    for part in parents:
        at = at[int(part)] if isinstance(at, list) else at[part]
    if value is ...:
        del at[last]
    else:
        at[last] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("credit", ..., "document: missing credit"),
        ("credit.name", ..., "credit: missing name"),
        ("rewards.1.label", ..., "rewards.1: missing label"),
        ("sibblings", 8, "sibblings: unknown field; known here: name, model"),
        ("optimiser.lr", 0.1, "optimiser.lr: unknown field; known here: learning_rate"),
        ("siblings", "8", "siblings: int is needed, not str '8'"),
        ("siblings", 8.5, "siblings: int is needed, not float 8.5"),
        ("siblings", True, "siblings: int is needed, not bool True"),
        ("temperature", None, "temperature: float is needed, not NoneType None"),
        ("model", "starter", "model: a mapping is needed, not str 'starter'"),
        ("rewards", {"a": 1}, "rewards: a list is needed, not dict"),
        ("rewards", ["brevity"], "rewards.0: a mapping is needed, not str 'brevity'"),
        ("rewards.0.params", [1], "rewards.0.params: a mapping is needed, not list [1]"),
        ("model.chat", 1, "model.chat: bool is needed, not int 1"),
        ("version", 2, "version: this lab reads version 1, the document says 2"),
        ("prompts.task.kind", None, "prompts.task.kind: str is needed, not NoneType None"),
    ],
)
def test_what_is_no_run_is_refused_with_its_field(path: str, value: Any, message: str) -> None:
    document = to_dict(good())
    change(document, path, value)
    with pytest.raises(SpecError) as refused:
        from_dict(document)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1, column 1: not JSON"),
        ('{"name": "a",\n "model": }', "line 2, column 11: not JSON"),
        ("[]", "document: a mapping is needed, not list []"),
        ("null", "document: a mapping is needed"),
        ('"text"', "document: a mapping is needed"),
    ],
)
def test_text_that_is_no_document(text: str, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        from_json(text)
    assert str(refused.value).startswith(message)


@given(st.recursive(st.none() | plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=9))
def test_any_json_is_a_run_or_a_sentence(document: Any) -> None:
    """Whatever is pasted, nothing but SpecError comes out."""
    with pytest.raises(SpecError):
        from_dict(document)


def test_picks_are_all_methods_but_not_users_code() -> None:
    spec = good(rewards=(RewardPick("mine", "code:4@2", source="def reward(): ..."), RewardPick("b", "brevity")))
    found = [(pick.kind, pick.name) for pick in spec.picks()]
    assert found == [
        ("tasks", "arithmetic"),
        ("rewards", "brevity"),
        ("credit", "grpo"),
        ("objectives", "ppo_clip"),
        ("regularisers", "kl_k3"),
        ("reductions", "token_mean"),
    ]
    assert replace(spec, prompts=Prompts(path="a.jsonl")).picks()[0].kind == "rewards"


def test_the_document_holds_only_json() -> None:
    writer: Callable[[Any], str] = json.dumps
    assert json.loads(writer(to_dict(good()))) == to_dict(good())
