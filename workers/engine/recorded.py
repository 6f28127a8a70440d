"""Recorded completions: read from rows of a file, and cut into tokens."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from workers.contract.analysis import WORDS
from workers.contract.answers import Problem
from workers.contract.errors import RunError
from workers.contract.spec import Model
from workers.engine.pieces import Pieces
from workers.engine.prompts import read_rows, text_of
from workers.engine.words import Words
from workers.models.loading import load_tokenizer


@dataclass(frozen=True)
class Recorded:
    """One recorded completion: its problem, group number, text, what it was judged to be, and where it comes from."""

    problem: Problem
    group: int
    text: str
    label: float | None
    source: str


@dataclass(frozen=True)
class Cut:
    """A text as tokens: ids and readable pieces, as many."""

    ids: list[int]
    pieces: list[str]


class Cutter(Protocol):
    """Cuts a text into tokens."""

    def __call__(self, text: str) -> Cut:
        """The text's tokens."""


def read_recorded(path: Path) -> Iterator[Recorded]:
    """Completions from JSONL; RunError at `data` with the line that is none. Rows with the same `group` are one group;
    without one, those with the same prompt."""
    numbers: dict[str, int] = {}
    for line, row in read_rows(path):
        text = row.get("completion")
        if not isinstance(text, str):
            raise RunError("data", f"{path.name}, line {line}: a row needs a completion of text.", "", {"line": line})
        key = repr(row["group"]) if row.get("group") is not None else f"prompt {row['prompt']}"
        group = numbers.setdefault(key, len(numbers))
        columns = row.get("columns") or {}
        problem = Problem(row["prompt"], text_of(row, "answer"), columns if isinstance(columns, dict) else {})
        yield Recorded(problem, group, text, _label(row.get("label"), path.name, line), text_of(row, "source"))


def make_cutter(tokenizer: str) -> Cutter:
    """How texts are cut: by words, or as a model's tokenizer does."""
    if tokenizer == WORDS:
        words = Words()

        def by_words(text: str) -> Cut:
            found = words.pieces(text)
            return Cut(words.ids(found), found)

        return by_words
    by_model = load_tokenizer(Model(tokenizer))
    pieces = Pieces(by_model)

    def by_tokens(text: str) -> Cut:
        ids: list[int] = by_model(text, add_special_tokens=False)["input_ids"]
        return Cut(ids, pieces.of(ids))

    return by_tokens


def _label(value: Any, name: str, line: int) -> float | None:
    if value is None:
        return None
    if not isinstance(value, bool | int | float) or not 0 <= value <= 1:
        what = f"{name}, line {line}: a label is true, false or a share between 0 and 1, not {value!r:.40}."
        raise RunError("data", what, "", {"line": line})
    return float(value)
