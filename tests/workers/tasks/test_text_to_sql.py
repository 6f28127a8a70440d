"""Text to SQL: the questions that it poses, their databases, and verdicts by running queries."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from workers.contract.answers import Problem
from workers.contract.services import Queries
from workers.engine.sandboxed import make_queries
from workers.tasks import text_to_sql

LEVELS = (1, 2, 3, 4)
SCHEMA = "CREATE TABLE t(id INTEGER, name TEXT, age INTEGER); INSERT INTO t VALUES (1,'b',7),(2,'a',9),(3,'a',9);"


@pytest.fixture(scope="module")
def queries() -> Iterator[Queries]:
    with ExitStack() as stack:
        yield make_queries(stack)


def problems(level: int, count: int = 200) -> list[Problem]:
    rng = random.Random(0)
    return [text_to_sql.problem(rng, level=level) for _ in range(count)]


def by_hand(gold: str) -> Problem:
    return Problem("t(id,name,age)\n?\n", gold, {"schema": SCHEMA, "gold": gold})


@pytest.mark.parametrize(
    ("gold", "text", "verdict"),
    [
        ("SELECT name FROM t", "SELECT name FROM t", 1.0),
        ("SELECT name FROM t", "select t.name from t order by id desc;", 1.0),
        ("SELECT name FROM t", "so:\n```sql\nSELECT name FROM t\n```", 1.0),
        ("SELECT name FROM t", "<answer>SELECT name FROM t</answer>", 1.0),
        ("SELECT name FROM t", "SELECT DISTINCT name FROM t", 0.0),
        ("SELECT name FROM t", "SELECT name, age FROM t", 0.0),
        ("SELECT name FROM t", "SELECT name FROM", 0.0),
        ("SELECT name FROM t", "DROP TABLE t; SELECT name FROM t", 0.0),
        ("SELECT name FROM t", "", 0.0),
        ("SELECT COUNT(*) FROM t WHERE age > 8", "SELECT 2", 1.0),  # on one database a guess may be right
        ("SELECT age FROM t ORDER BY age DESC", "SELECT age FROM t ORDER BY age", 0.0),
        ("SELECT age FROM t ORDER BY age DESC", "SELECT age FROM t ORDER BY 0 - age", 1.0),
    ],
)
def test_whoever_gives_the_rows_is_right(gold: str, text: str, verdict: float, queries: Queries) -> None:
    assert text_to_sql.verdicts([text], [by_hand(gold)], queries) == [verdict]


@pytest.mark.parametrize("level", LEVELS)
def test_careful_solutions_are_right_and_careless_ones_once_in_four(level: int, queries: Queries) -> None:
    rng = random.Random(1)
    posed = problems(level)
    for careful, share in ((True, 1.0), (False, 0.25)):
        texts = [text_to_sql.solution(rng, problem, careful=careful) for problem in posed]
        found = text_to_sql.verdicts(texts, posed, queries)
        assert sum(found) / len(found) == pytest.approx(share, abs=0 if careful else 0.08)


@pytest.mark.parametrize("level", LEVELS)
def test_prompt_and_answer_fit_the_starter_model(level: int) -> None:
    posed = problems(level, 1000)
    assert max(len((problem.prompt + problem.answer).encode()) for problem in posed) < 250
    assert len({problem.prompt for problem in posed}) > 500


@pytest.mark.parametrize("level", LEVELS)
def test_the_database_has_what_the_prompt_shows(level: int) -> None:
    """Built here in memory from the task's own SQL, and asked with the reference's."""
    for problem in problems(level, 50):
        place = sqlite3.connect(":memory:")
        place.executescript(problem.columns["schema"])
        shown = problem.prompt.splitlines()[0].split(" ")
        tables = [row[0] for row in place.execute("SELECT name FROM sqlite_master ORDER BY rowid")]
        held = [f"{name}({','.join(c[1] for c in place.execute(f'PRAGMA table_info({name})'))})" for name in tables]
        assert held == shown
        assert [place.execute(f"SELECT COUNT(*) FROM {name}").fetchone() for name in tables] == [(8,), (8,)]
        assert place.execute(problem.answer).fetchall()
        place.close()


@pytest.mark.parametrize(
    ("level", "words"),
    [(1, ("SELECT",)), (2, ("WHERE",)), (3, ("COUNT(*)", "SUM", "MAX", "MIN")), (4, ("ORDER BY", "GROUP BY", "JOIN"))],
)
def test_levels_ask_for_more(level: int, words: tuple[str, ...]) -> None:
    golds = [problem.answer for problem in problems(level)]
    assert all(any(word in gold for word in words) for gold in golds)
    assert all(any(word in gold for gold in golds) for word in words)


@pytest.mark.parametrize("level", LEVELS)
def test_hints_lead_to_the_demonstration(level: int) -> None:
    for problem in problems(level):
        worked, hints = problem.columns["demonstration"], problem.columns["hints"]
        assert worked == problem.answer == problem.columns["gold"]
        assert all(worked.startswith(f"{hint} ") for hint in hints)
        assert [len(hint.split()) for hint in hints] == list(range(1, len(worked.split())))
