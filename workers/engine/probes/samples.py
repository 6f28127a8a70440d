"""Sample completions for the figures of rewards, chosen by the columns that a reward reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workers.contract.answers import FINISHED, Answers

PROMPT, ANSWER = "12+35-8=", "39"
RIGHT = "12+35=47;47-8=39#39"


@dataclass(frozen=True)
class Samples:
    """Completions of one prompt, and its columns; `note` says in words what was asked."""

    note: str
    texts: tuple[str, ...]
    columns: Mapping[str, Any] = field(default_factory=dict)

    def answers(self, lengths: Sequence[int], column: str) -> Answers:
        """The completions, with their lengths in tokens; the reference answer stands in `column`."""
        count = len(self.texts)
        columns = {column: ANSWER} | dict(self.columns)
        return Answers(
            texts=self.texts,
            prompts=(PROMPT,) * count,
            lengths=tuple(lengths),
            ends=(FINISHED,) * count,
            columns={name: (value,) * count for name, value in columns.items()},
            verdicts=tuple(float(text.rpartition("#")[2].strip() == ANSWER and "#" in text) for text in self.texts),
        )


NUMBERS = Samples(
    f"Sample answers to {PROMPT}, whose reference answer is {ANSWER}.",
    (
        RIGHT,
        "#39",
        "# 39 ",
        "#41",
        "39",
        "A: 39.0",
        r"\boxed{\frac{78}{2}}",
        "The answer is $39 a day.",
        "so it is, so it is, so it is, so it is, so it is #39",
        "<think>12+35=47</think><answer>39</answer>",
        '{"answer": 39}',
        "",
    ),
)
CALL = '<think>so</think>\n<tool_call>\n{"name": "%s", "parameters": {%s}}\n</tool_call>'
ORDER = "<think>so</think><answer>%s</answer>"
QUERY = "<think>so</think><answer>\n```sql\n%s\n```\n</answer>"
GOLD = "SELECT name FROM people WHERE age > 30"
PROGRAM = "```python\ndef larger(a, b):\n    %s\n```"
JUDGED = '<think>so</think>{"scores": {"A": %d, "B": %d, "C": %d}, "best-to-worst": [%s]}'
BY_COLUMN = {
    "calls": Samples(
        "Sample calls of a tool, where add with a = 12 and b = 35 is wanted.",
        (
            CALL % ("add", '"a": 12, "b": 35'),
            CALL % ("add", '"a": 12, "b": 3'),
            CALL % ("add", '"a": 12'),
            CALL % ("sub", '"a": 12'),
            '{"name": "add", "parameters": {"a": 12, "b": 35}}',
            "",
        ),
        {"calls": [{"name": "add", "parameters": {"a": 12, "b": 35}}]},
    ),
    "relevant": Samples(
        "Sample orders of three candidates, of which the second is relevant.",
        (ORDER % "[2, 1, 3]", ORDER % "[1, 2, 3]", ORDER % "[1, 3, 2]", ORDER % "[2]", ORDER % "2", ""),
        {"relevant": [2], "candidates": 3},
    ),
    "gold": Samples(
        f"Sample queries for the names of those who are over 30: {GOLD}.",
        (
            QUERY % GOLD,
            QUERY % "SELECT name FROM people WHERE age >= 31",
            QUERY % "SELECT name FROM people",
            QUERY % "SELECT age FROM people WHERE age > 30",
            QUERY % "SELECT nothing FROM people",
            GOLD,
            "",
        ),
        {
            "gold": GOLD,
            "schema": "CREATE TABLE people(name TEXT, age INTEGER);"
            "INSERT INTO people VALUES ('Ada', 36), ('Bo', 28), ('Cy', 52);",
        },
    ),
    "consensus": Samples(
        "Sample judgements of three responses, which a consensus scored 1, 5 and 3.",
        (
            JUDGED % (2, 4, 3, '"B", "C", "A"'),
            JUDGED % (3, 3, 1, '"A", "B", "C"'),
            JUDGED % (4, 2, 3, '"A", "C", "B"'),
            '{"scores": {"A": 2, "B": 4, "C": 3}}',
            "B is the best.",
            "",
        ),
        {"consensus": {"A": 1, "B": 5, "C": 3}},
    ),
    "tests": Samples(
        "Sample programs for the larger of two numbers, tried on three tests.",
        (
            PROGRAM % "return max(a, b)",
            PROGRAM % "return a if a > b else b",
            PROGRAM % "return a",
            PROGRAM % "return a +",
            PROGRAM % "raise ValueError",
            "def larger(a, b): return max(a, b)",
            "",
        ),
        {"tests": ["assert larger(1, 2) == 2", "assert larger(3, 2) == 3", "assert larger(-1, -1) == -1"]},
    ),
}


def samples_for(params: Mapping[str, object]) -> Samples:
    """Those for a reward with these parameters, of which some name columns."""
    named = set(map(str, params.values()))
    return next((samples for column, samples in BY_COLUMN.items() if column in named), NUMBERS)
