"""A run becomes form fields and comes back as the same run; wrong fields are found; rows come and go."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from labapp import shelf
from labapp.runs.fields import parse
from labapp.runs.filling import fill, refreshed
from labapp.runs.form_data import renumbered, rows, with_row, with_values
from labapp.runs.guided import guided
from tests.labapp.runs.specs import specs
from workers.contract.spec import Model, RunSpec

CATALOGUE = shelf.catalogue()


def parsed(data: dict[str, str]) -> RunSpec:
    return parse(data, CATALOGUE, {}).spec


def test_it_works() -> None:
    spec = guided(CATALOGUE)
    draft = parse(fill(spec, CATALOGUE, "Getting started"), CATALOGUE, {})
    assert draft.spec == spec
    assert draft.experiment == "Getting started"
    assert draft.wrong == []


@settings(max_examples=150, deadline=None)
@given(specs())
def test_every_run_survives_the_form(spec: RunSpec) -> None:
    draft = parse(fill(spec, CATALOGUE, "x"), CATALOGUE, {})
    assert draft.spec == spec
    assert repr(draft.spec) == repr(spec)  # equal is not enough: 1 == 1.0 == True
    assert draft.wrong == []


@settings(max_examples=30, deadline=None)
@given(specs())
def test_showing_the_form_again_changes_nothing(spec: RunSpec) -> None:
    data = fill(spec, CATALOGUE, "x")
    assert refreshed(data, CATALOGUE, {}) == data


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("siblings", "0", "at least 1"),
        ("siblings", "", "0 is one"),
        ("siblings", "many", "needs a whole number"),
        ("temperature", "0", "more than 0"),
        ("optimiser.learning_rate", "1e", "needs a number"),
        ("budget.steps", "-1", "at least 1"),
        ("name", "", "may not be empty"),
        ("rewards.1.weight", "x", "needs a number"),
        ("rewards.0.label", "", "may not be empty"),
        ("prompts.task.params.level", "9", "at most 5"),
        ("regularisers.0.params.coef", "-1", "at least 0"),
        ("seed", "1.5", "needs a whole number"),
    ],
)
def test_wrong_fields_are_found(field: str, text: str, words: str) -> None:
    data = fill(guided(CATALOGUE), CATALOGUE, "x") | {field: text}
    draft = parse(data, CATALOGUE, {})
    (trouble,) = draft.wrong
    assert trouble.path == field
    assert words in trouble.what
    if trouble.fix:
        assert parse(with_values(data, trouble.fix), CATALOGUE, {}).wrong == []


def test_a_text_may_have_a_default_of_zero_as_its_fix() -> None:
    data = fill(guided(CATALOGUE), CATALOGUE, "x") | {"optimiser.warmup_steps": "soon"}
    assert parse(data, CATALOGUE, {}).wrong[0].fix == {"optimiser.warmup_steps": 0}


def test_an_exchanged_method_starts_at_its_defaults() -> None:
    data = fill(guided(CATALOGUE), CATALOGUE, "x") | {"regularisers.0.params.coef": "7", "regularisers.0.name": "kl_k1"}
    assert parsed(data).regularisers[0].params == {}
    shown = refreshed(data, CATALOGUE, {})
    method = CATALOGUE.get("regularisers", "kl_k1")
    assert shown["regularisers.0.shown"] == "kl_k1"
    assert shown["regularisers.0.digest"] == method.digest
    assert float(shown["regularisers.0.params.coef"]) == method.defaults()["coef"]


def test_rows_are_added_and_removed() -> None:
    data = fill(guided(CATALOGUE), CATALOGUE, "x")
    more = with_row(with_row(data, "rewards", "brevity"), "rewards", "format")
    labels = [reward.label for reward in parsed(more).rewards]
    assert labels == ["correct", "brevity", "brevity 2", "format"]
    less = renumbered(more, ("rewards", 1))
    assert [reward.label for reward in parsed(less).rewards] == ["correct", "brevity 2", "format"]
    assert rows(less, "rewards") == [0, 1, 2]
    assert parsed(renumbered(data, ("regularisers", 0))).regularisers == ()


def test_rows_beyond_nine_keep_their_order() -> None:
    data = fill(guided(CATALOGUE), CATALOGUE, "x")
    for _ in range(10):
        data = with_row(data, "rewards", "brevity")
    assert rows(data, "rewards") == list(range(12))
    assert parsed(data).rewards[11].label == "brevity 11"


def test_code_is_taken_from_what_the_team_saved() -> None:
    data = with_row(fill(guided(CATALOGUE), CATALOGUE, "x"), "rewards", "code:3@2")
    saved = {"code:3@2": "def reward(completions): ...", "code:3@1": "old"}
    assert parse(data, CATALOGUE, saved).spec.rewards[2].source == saved["code:3@2"]
    shown = refreshed(data, CATALOGUE, saved)
    assert shown["rewards.2.source"] == saved["code:3@2"]
    other = shown | {"rewards.2.name": "code:3@1"}
    assert parse(other, CATALOGUE, saved).spec.rewards[2].source == "old"


def test_a_missing_model_is_a_trouble() -> None:
    data = fill(guided(CATALOGUE), CATALOGUE, "x") | {"model.source": "hub"}
    assert [one.path for one in parse(data, CATALOGUE, {}).wrong] == ["model.name"]


@pytest.mark.parametrize(
    "name", ["starter", "starter-skills", "gpt2", "Qwen/Qwen2.5-0.5B", "/a", "./a", "~/a", "a/b/c", "a/"]
)
def test_models_keep_their_names(name: str) -> None:
    spec = replace(guided(CATALOGUE), model=Model(name))
    assert parsed(fill(spec, CATALOGUE, "x")).model.name == name
