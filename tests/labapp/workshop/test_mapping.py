"""Problems and recorded completions from mapped columns, with a reason for every row left out."""

import json
from pathlib import Path
from typing import Any

import pytest

from labapp.workshop.guessing import guess_mapping
from labapp.workshop.mapping import ColumnMap, Completion, CompletionPlace, Group, map_columns, map_completions
from labapp.workshop.reading import BadRow, Table, read_rows
from workers.contract.answers import Problem

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def table(*rows: Any) -> Table:
    return read_rows("\n".join(json.dumps(row) for row in rows).encode(), "x.jsonl")


def real(name: str) -> Table:
    if not (DATA / name).exists():
        pytest.skip(f"the public data set {name} is not at {DATA}")
    return read_rows(DATA / name, name)


def test_it_works() -> None:
    problems, bad = map_columns(table({"q": "1+1", "a": "2", "level": 1}, {"q": "2+2", "a": 4}), ColumnMap("q", "a"))
    assert problems == [Problem("1+1", "2", {"a": "2", "level": 1}), Problem("2+2", "4", {"a": 4})]
    assert bad == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"a": "2"}, "the prompt is missing"),
        ({"q": None, "a": "2"}, "the prompt is missing"),
        ({"q": "", "a": "2"}, "the prompt is empty"),
        ({"q": " \n", "a": "2"}, "the prompt is empty"),
        ({"q": 7, "a": "2"}, "the prompt is not text but int"),
        ({"q": ["x", "y"], "a": "2"}, "the prompt is not text but list"),
        ({"q": [{"content": "one"}, {"content": "two"}], "a": "2"}, "the prompt is not text but list"),
        ({"q": "x"}, "the answer is missing"),
        ({"q": "x", "a": ""}, "the answer is empty"),
        ({"q": "x", "a": {"y": 1}}, "the answer is not text but dict"),
    ],
)
def test_a_row_that_is_no_problem_is_left_out_with_its_line_and_reason(row: dict[str, Any], reason: str) -> None:
    problems, bad = map_columns(table({"q": "a", "a": "b"}, row), ColumnMap("q", "a"))
    assert len(problems) == 1
    assert bad == [BadRow(2, reason)]


def test_unreadable_lines_stay_in_the_report_in_order() -> None:
    found = read_rows(b'{"q": "a"}\nnonsense\n{"q": ""}\n[]\n', "x.jsonl")
    _, bad = map_columns(found, ColumnMap("q"))
    assert [row.line for row in bad] == [2, 3, 4]


@pytest.mark.parametrize(("value", "answer"), [(7, "7"), (0, "0"), (2.5, "2.5"), (True, "true"), ("x ", "x ")])
def test_answers_that_are_no_text_are_written_out(value: object, answer: str) -> None:
    assert map_columns(table({"q": "x", "a": value}), ColumnMap("q", "a"))[0][0].answer == answer


def test_only_what_follows_the_mark_is_the_answer() -> None:
    rows = table({"q": "x", "a": "1 #### 2\n#### 18 "}, {"q": "y", "a": "no mark"}, {"q": "z", "a": "#### "})
    problems, bad = map_columns(rows, ColumnMap("q", "a", answer_after="####"))
    assert [problem.answer for problem in problems] == ["18"]
    assert bad == [BadRow(2, "the answer does not hold '####'"), BadRow(3, "the answer is empty")]


def test_no_column_of_a_problem_is_called_prompt_or_answer() -> None:
    problems, _ = map_columns(table({"q": "x", "prompt": "other", "answer": "y", "z": 0}), ColumnMap("q"))
    assert problems == [Problem("x", "", {"z": 0})]


def test_places_reach_into_objects_and_lists_and_a_whole_name_comes_first() -> None:
    rows = table({"a.b": "whole", "a": {"b": "inside", "c": ["zero", "one"]}})
    assert map_columns(rows, ColumnMap("a.b"))[0][0].prompt == "whole"
    assert map_columns(rows, ColumnMap("a.c.1"))[0][0].prompt == "one"
    assert map_columns(rows, ColumnMap("a.c.7"))[1] == [BadRow(1, "the prompt is missing")]


def test_a_conversation_of_one_message_is_its_content() -> None:
    rows = table({"prompt": [{"role": "user", "content": "hello"}]})
    assert map_columns(rows, ColumnMap("prompt"))[0][0].prompt == "hello"


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (ColumnMap(""), "choose the column of the prompt"),
        (ColumnMap("x"), "there is no column 'x'; the file has: q, a"),
        (ColumnMap("q", "x"), "there is no column 'x'"),
        (ColumnMap("q", group="x"), "there is no column 'x'"),
        (ColumnMap("q", completions=(CompletionPlace("x.y"),)), "there is no column 'x.y'"),
        (ColumnMap("q", completions=(CompletionPlace("a", "x"),)), "there is no column 'x'"),
    ],
)
def test_a_map_to_a_missing_column_is_refused(mapping: ColumnMap, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        map_columns(table({"q": "x", "a": "y"}), mapping)


def test_several_completions_of_one_row() -> None:
    rows = table({"q": "x", "g": "2", "m1": {"text": "one", "ok": True}, "m2": {"text": "", "ok": False}, "z": 0})
    places = (CompletionPlace("m1.text", "m1.ok"), CompletionPlace("m2.text", "m2.ok"))
    groups, bad = map_completions(rows, ColumnMap("q", "g", completions=places))
    assert bad == []
    assert groups == [
        Group(Problem("x", "2", {"g": "2", "z": 0}), (Completion("one", 1.0, "m1", 1), Completion("", 0.0, "m2", 1)))
    ]


def test_one_completion_a_row_is_gathered_by_prompt_in_order_of_appearance() -> None:
    rows = table({"q": "x", "c": "1", "r": 0.5}, {"q": "y", "c": "2"}, {"q": "x", "c": "3", "r": 1.0})
    groups, _ = map_completions(rows, ColumnMap("q", completions=(CompletionPlace("c"),)))
    assert [group.problem for group in groups] == [Problem("x"), Problem("y")]
    assert [c.text for c in groups[0].completions] == ["1", "3"]
    assert [c.columns for c in groups[0].completions] == [{"r": 0.5}, {"r": 1.0}]
    assert [c.line for c in groups[0].completions] == [1, 3]


def test_a_group_column_tells_groups_of_one_prompt_apart() -> None:
    rows = table(*({"q": "x", "c": str(n), "step": n // 2} for n in range(4)))
    groups, _ = map_completions(rows, ColumnMap("q", completions=(CompletionPlace("c"),), group="step"))
    assert [[c.text for c in group.completions] for group in groups] == [["0", "1"], ["2", "3"]]


def test_a_list_of_texts_is_several_completions_with_a_label_each() -> None:
    rows = table({"q": "x", "cs": ["1", "2"], "ok": [True, False]}, {"q": "y", "cs": ["3", "4"], "ok": [True]})
    groups, bad = map_completions(rows, ColumnMap("q", completions=(CompletionPlace("cs", "ok"),)))
    assert [(c.text, c.label) for c in groups[0].completions] == [("1", 1.0), ("2", 0.0)]
    assert bad == [BadRow(2, "ok does not hold one label for each of the 2 completions")]


@pytest.mark.parametrize(
    ("value", "label"),
    [(True, 1.0), (False, 0.0), (1, 1.0), (0, 0.0), (0.25, 0.25), ("Correct", 1.0), ("no", 0.0), ("", None)],
)
def test_labels(value: object, label: float | None) -> None:
    rows = table({"q": "x", "c": "y", "ok": value})
    groups, _ = map_completions(rows, ColumnMap("q", completions=(CompletionPlace("c", "ok"),)))
    assert groups[0].completions[0].label == label


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"q": "x"}, "the completion is missing"),
        ({"q": "x", "c": 3}, "the completion is not text but int"),
        ({"q": "x", "c": "y", "ok": "perhaps"}, "ok is neither yes, no nor a number: 'perhaps'"),
        ({"c": "y"}, "the prompt is missing"),
    ],
)
def test_a_row_that_is_no_completion_is_left_out_with_its_reason(row: dict[str, Any], reason: str) -> None:
    rows = table({"q": "a", "c": "b", "ok": True}, row)
    groups, bad = map_completions(rows, ColumnMap("q", completions=(CompletionPlace("c", "ok"),)))
    assert len(groups) == 1
    assert bad == [BadRow(2, reason)]


def test_completions_must_be_chosen() -> None:
    with pytest.raises(ValueError, match="choose where the completions stand"):
        map_completions(table({"q": "x"}), ColumnMap("q"))


def test_real_problems() -> None:
    rows = real("gsm8k-train.jsonl")
    problems, bad = map_columns(rows, guess_mapping(rows))
    assert len(problems) == 7473
    assert bad == []
    assert problems[0].prompt.startswith("Natalia sold clips")
    assert problems[0].answer == "72"


def test_real_recorded_completions() -> None:
    rows = real("gsm8k-model-solutions.jsonl")
    groups, bad = map_completions(rows, guess_mapping(rows))
    assert bad == []
    assert len(groups) == 1319
    assert {len(group.completions) for group in groups} == {4}
    assert groups[0].problem.answer == "18"
    assert [c.name for c in groups[0].completions] == [
        "6b_finetuning",
        "6b_verification",
        "175b_finetuning",
        "175b_verification",
    ]
    # Counted once with grep -c '"is_correct": true' per key over the file.
    shares = [sum(group.completions[at].label or 0 for group in groups) for at in range(4)]
    assert shares == [286, 515, 458, 742]
