"""A run as one document: written and read without loss, and what is wrong in it is said with line and field."""

import pytest
from hypothesis import given, settings

from labapp import shelf
from labapp.runs.guided import guided
from tests.labapp.runs.specs import specs
from workers import documents
from workers.contract.spec import RunSpec
from workers.documents import DocumentError

CATALOGUE = shelf.catalogue()
GUIDED = guided(CATALOGUE)
YAML = documents.as_yaml(GUIDED)
JSON = documents.as_json(GUIDED)


def line(text: str, words: str) -> int:
    return next(number for number, one in enumerate(text.splitlines(), start=1) if words in one)


def test_it_works() -> None:
    assert documents.read(YAML) == documents.read(JSON) == GUIDED
    documents.require_known(GUIDED, CATALOGUE, YAML)


@settings(max_examples=60, deadline=None)
@given(specs())
def test_every_run_survives_both_forms(spec: RunSpec) -> None:
    assert repr(documents.read(documents.as_json(spec))) == repr(spec)
    assert repr(documents.read(documents.as_yaml(spec))) == repr(spec)


def test_numbers_as_people_write_them() -> None:
    assert documents.read(YAML.replace("learning_rate: 0.0001", "learning_rate: 1e-4")) == GUIDED
    assert documents.read(YAML.replace("siblings: 8", "siblings: 08")) == GUIDED


def test_words_are_words() -> None:
    """In YAML 1.1 `no` is false and a date is a date; a person who names a run so means the word."""
    assert documents.read(YAML.replace("name: guided-run", "name: no")).name == "no"
    assert documents.read(YAML.replace("name: guided-run", "name: 2026-01-02")).name == "2026-01-02"


@pytest.mark.parametrize("text", [YAML, JSON], ids=["yaml", "json"])
@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("siblings", "sibblings", "sibblings", "unknown field"),
        ("batch_prompts", "batch_prompts_", "batch_prompts_", "known here"),
        ("micro_groups", "micros", "optimiser.micros", "unknown field"),
    ],
)
def test_an_unknown_field_is_shown_with_its_line(text: str, old: str, new: str, path: str, words: str) -> None:
    changed = text.replace(old, new)
    with pytest.raises(DocumentError, match=words) as caught:
        documents.read(changed)
    assert caught.value.path == path
    assert caught.value.line == line(changed, new)


def test_a_wrong_type_is_shown_with_its_line() -> None:
    changed = YAML.replace("weight: 0.15", "weight: little")
    with pytest.raises(DocumentError) as caught:
        documents.read(changed)
    assert str(caught.value) == f"line {line(changed, 'little')}: rewards.1.weight: float is needed, not str 'little'"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("{", "line 1: not JSON"),
        ('{"name": "a", "name": "b"}', "given twice"),
        ("name: a\nname: b", "line 2: not YAML .*given twice"),
        ("a: [1", "not YAML"),
        ("a: &x 1\nb: *x", "references"),
        ("? [1]\n: 2", "not YAML"),
        ("just words", "a mapping is needed"),
        ("name: a", "missing model, prompts"),
        ("{" + '"a":{' * 3000, "JSON|nested"),
        ("[" * 3000, "YAML|mapping"),
        ("x" * 500_000, "at most"),
        ("a: !!python/object/apply:os.system ['true']", "not YAML"),
    ],
)
def test_what_is_no_run_is_refused(text: str, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        documents.read(text)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("name: grpo", "name: grppo", "credit.name"),
        ("name: brevity\n  params: {}", "name: brevity\n  params: {huh: 1}", "rewards.1.params.huh"),
        ("coef: 0.01", "coef: -1", "regularisers.0.params.coef"),
        ("coef: 0.01", "coef: much", "regularisers.0.params.coef"),
    ],
)
def test_what_no_form_could_show_is_refused_with_its_line(old: str, new: str, path: str) -> None:
    assert old in YAML
    changed = YAML.replace(old, new)
    with pytest.raises(DocumentError) as caught:
        documents.require_known(documents.read(changed), CATALOGUE, changed)
    assert caught.value.path == path
    assert caught.value.line == line(changed, new.splitlines()[-1])
