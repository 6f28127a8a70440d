"""Mappings proposed from names and shapes."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from labapp.workshop.guessing import guess_mapping
from labapp.workshop.mapping import ColumnMap, CompletionPlace, map_completions
from labapp.workshop.reading import Table, read_rows

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def table(*rows: Any) -> Table:
    return read_rows("\n".join(json.dumps(row) for row in rows).encode(), "x.jsonl")


@pytest.mark.parametrize(
    ("row", "guess"),
    [
        ({"prompt": "x", "answer": "y"}, ColumnMap("prompt", "answer")),
        ({"Question": "x", "Ground_Truth": "y", "id": 1}, ColumnMap("Question", "Ground_Truth")),
        ({"input": "x", "target": 39}, ColumnMap("input", "target")),
        ({"question": "x", "answer": "steps\n#### 7"}, ColumnMap("question", "answer", "####")),
        ({"id": 1, "words": "x"}, ColumnMap("words")),
        ({"id": 1}, ColumnMap("")),
        ({"text": "x"}, ColumnMap("text")),
        (
            {"prompt": "x", "completion": "y", "is_correct": True},
            ColumnMap("prompt", completions=(CompletionPlace("completion", "is_correct"),)),
        ),
        ({"prompt": "x", "responses": ["y", "z"]}, ColumnMap("prompt", completions=(CompletionPlace("responses"),))),
        ({"prompt": "x", "tags": ["y", "z"]}, ColumnMap("prompt")),
        (
            {"prompt": "x", "m": {"output": "y", "label": 1}, "meta": {"url": "z"}},
            ColumnMap("prompt", completions=(CompletionPlace("m.output", "m.label"),)),
        ),
        (
            {"prompt": "x", "response_1": "y", "response_2": "z"},
            ColumnMap("prompt", completions=(CompletionPlace("response_1"), CompletionPlace("response_2"))),
        ),
    ],
)
def test_it_proposes_what_a_person_would(row: dict[str, Any], guess: ColumnMap) -> None:
    assert guess_mapping(table(row, row)) == guess


def test_a_mark_must_stand_in_every_answer_looked_at() -> None:
    rows = table({"question": "x", "answer": "#### 7"}, {"question": "y", "answer": "8"})
    assert guess_mapping(rows).answer_after == ""


def test_completions_logged_by_trl_map_by_their_names() -> None:
    sink = io.BytesIO()
    columns = {
        "step": [1, 1, 2, 2],
        "prompt": ["x"] * 4,
        "completion": ["a", "b", "c", "d"],
        "accuracy_reward": [0.0, 1.0, None, 1.0],
        "advantage": [-0.7, 0.7, 0.0, 0.0],
    }
    parquet.write_table(pyarrow.table(columns), sink)
    rows = read_rows(sink.getvalue(), "completions_00001.parquet")
    mapping = guess_mapping(rows)
    assert mapping == ColumnMap("prompt", completions=(CompletionPlace("completion"),), group="step")
    groups, bad = map_completions(rows, mapping)
    assert bad == []
    assert [[c.text for c in group.completions] for group in groups] == [["a", "b"], ["c", "d"]]
    assert groups[0].completions[1].columns == {"step": 1, "accuracy_reward": 1.0, "advantage": 0.7}


@pytest.mark.parametrize(
    ("name", "prompt", "answer", "after", "first"),
    [
        ("gsm8k-test.jsonl", "question", "answer", "####", ""),
        ("multiarith.jsonl", "input", "target", "", ""),
        ("gsm8k-model-solutions.jsonl", "question", "ground_truth", "\nA:", "6b_finetuning.solution"),
        ("qa-feedback-dev.json", "question", "gold", "", "prediction 1"),
    ],
)
def test_real_files(name: str, prompt: str, answer: str, after: str, first: str) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"the public data set {name} is not at {DATA}")
    guess = guess_mapping(read_rows(DATA / name, name))
    assert (guess.prompt, guess.answer, guess.answer_after) == (prompt, answer, after)
    assert (guess.completions[0].text if guess.completions else "") == first
    assert len(guess.completions) == (4 if first else 0)
