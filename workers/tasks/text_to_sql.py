"""Questions to a small database, answered by one SQL query.

The prompt shows the tables with their columns and asks; the rows stay in the column `schema`, the SQL that builds the
database, and the reference query in `gold`. Whoever answers is right when the query gives the reference's rows, run in
the sandbox. A careful solution is the reference; a careless one takes a wrong column, or forgets what comes last.
"""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

from workers.contract.answers import Problem
from workers.contract.card import Card, Source, Whole
from workers.contract.fenced import code_in
from workers.contract.services import Queries, Query

CARD = Card(
    title="Text to SQL",
    formula=r"E(q, d) = E(g, d)",
    source=Source("Merit", "built-in task"),
    symbols={
        "q": "the query that is asked for",
        "g": "the reference query",
        "d": "a database of two small tables",
        "E": "the rows that a query gives",
    },
    relatives=("rewards/sql_result", "rewards/reasoning_sql", "tasks/arithmetic"),
)

# Each table: its name, a column of names, columns of whole numbers, columns of words; the second belongs to the first.
DOMAINS = (
    ("users", ("age", "score"), ("city", "team"), "orders", ("price", "amount"), "item"),
    ("pupils", ("age", "grade"), ("class", "town"), "books", ("pages", "year"), "title"),
    ("shops", ("size", "rent"), ("city", "kind"), "sales", ("price", "day"), "item"),
    ("films", ("year", "length"), ("genre", "land"), "shows", ("seats", "price"), "hall"),
    ("dogs", ("age", "weight"), ("breed", "city"), "walks", ("minutes", "day"), "park"),
)
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hal", "Ida", "Jon")
WORDS = ("red", "blue", "north", "south", "old", "new")
ROWS = 8
LARGEST = 60
CARELESS_RIGHT = 0.25


def problem(
    rng: random.Random,
    *,
    level: Annotated[int, Whole(1, 4), "a column; with a condition; counted or summed; ordered, grouped or joined"] = 1,
) -> Problem:
    """A prompt such as `users(id,name,age) orders(id,user,price)\\nname of users?\\n`; its answer is a query."""
    name, numbers, words, other, amounts, thing = rng.choice(DOMAINS)
    columns = ["name", *rng.sample(numbers, rng.randint(1, 2)), *rng.sample(words, rng.randint(1, 2))]
    link = f"{name[:-1]}_id"
    owned = [link, thing, *rng.sample(amounts, rng.randint(1, 2))]
    first = _rows(rng, columns, numbers)
    second = [[rng.randint(1, ROWS), *row] for row in _rows(rng, owned[1:], amounts)]
    about = _About(rng, name, columns, numbers, first, other, link, [each for each in owned if each in amounts])
    question, gold = about.ask(level)
    prompt = f"{_shown(name, columns)} {_shown(other, owned)}\n{question}?\n"
    schema = _made(name, columns, first, numbers) + _made(other, owned, second, (link, *amounts))
    hints = [" ".join(gold.split()[:count]) for count in range(1, len(gold.split()))]
    given = {"level": level, "schema": schema, "gold": gold, "hints": hints, "demonstration": gold}
    return Problem(prompt, gold, given)


def verdicts(texts: Sequence[str], problems: Sequence[Problem], queries: Queries) -> list[float]:
    """For each 1.0 when the query gives the reference's rows, in their order where the reference has one, else 0.0."""
    schemas = [problem.columns["schema"] for problem in problems]
    given = [Query(schema, code_in(text, "sql")) for schema, text in zip(schemas, texts, strict=True)]
    wanted = [Query(schema, problem.columns["gold"]) for schema, problem in zip(schemas, problems, strict=True)]
    tables = queries([*given, *wanted])
    return [
        float(not one.error and _compared(one.rows, gold.sql) == _compared(other.rows, gold.sql))
        for one, other, gold in zip(tables, tables[len(given) :], wanted, strict=False)
    ]


def solution(rng: random.Random, problem: Problem, *, careful: bool) -> str:
    """A completion as a careful or a careless writer would give it; the careless is right once in four times."""
    gold = str(problem.columns["gold"])
    if careful or rng.random() < CARELESS_RIGHT:
        return gold
    return rng.choice((" ".join(gold.split()[:-1]), gold.replace(" FROM ", ", id FROM ", 1)))


def _compared(rows: Sequence[tuple[Any, ...]], gold: str) -> Any:
    return list(rows) if " ORDER BY " in gold else Counter(rows)


class _About:
    """Questions to one database, each with its query."""

    def __init__(
        self, rng: random.Random, name: str, columns: list[str], numbers: tuple[str, ...], rows: list[list[Any]],
        other: str, link: str, amounts: list[str],
    ) -> None:  # fmt: skip
        self.rng, self.name, self.columns, self.rows = rng, name, columns, rows
        self.other, self.link, self.amounts = other, link, amounts
        self.numbers = [column for column in columns if column in numbers]
        self.words = [column for column in columns[1:] if column not in numbers]

    def ask(self, level: int) -> tuple[str, str]:
        """A question of the level, and a query that answers it."""
        asks = {
            1: (self._column,),
            2: (self._filtered, self._filtered_by_word),
            3: (self._counted, self._summed),
            4: (self._ordered, self._grouped, self._joined),
        }
        return self.rng.choice(asks[level])()

    def _column(self) -> tuple[str, str]:
        wanted = self.rng.sample(self.columns, self.rng.randint(1, 2))
        return f"{' and '.join(wanted)} of {self.name}", f"SELECT {', '.join(wanted)} FROM {self.name}"

    def _filtered(self) -> tuple[str, str]:
        question, query = self._column()
        words, condition = self._condition()
        return f"{question} with {words}", f"{query} WHERE {condition}"

    def _filtered_by_word(self) -> tuple[str, str]:
        question, query = self._column()
        column = self.rng.choice(self.words)
        value = self.rng.choice(self.rows)[self.columns.index(column)]
        return f"{question} with {column} {value}", f"{query} WHERE {column} = '{value}'"

    def _counted(self) -> tuple[str, str]:
        words, condition = self._condition()
        return f"how many {self.name} with {words}", f"SELECT COUNT(*) FROM {self.name} WHERE {condition}"

    def _summed(self) -> tuple[str, str]:
        words, function = self.rng.choice((("largest", "MAX"), ("smallest", "MIN"), ("sum of", "SUM")))
        column = self.rng.choice(self.numbers)
        return f"{words} {column} of {self.name}", f"SELECT {function}({column}) FROM {self.name}"

    def _ordered(self) -> tuple[str, str]:
        column, (words, way) = self.rng.choice(self.numbers), self.rng.choice((("rising", ""), ("falling", " DESC")))
        query = f"SELECT name FROM {self.name} ORDER BY {column}{way}, name"
        return f"name of {self.name} by {words} {column}, then name", query

    def _grouped(self) -> tuple[str, str]:
        column = self.rng.choice(self.words)
        return f"how many {self.name} for each {column}", (
            f"SELECT {column}, COUNT(*) FROM {self.name} GROUP BY {column}"
        )

    def _joined(self) -> tuple[str, str]:
        amount = self.rng.choice(self.amounts)
        return f"{self.name[:-1]} name and {amount} of {self.other}", (
            f"SELECT name, {amount} FROM {self.name} JOIN {self.other} ON {self.name}.id = {self.link}"
        )

    def _condition(self) -> tuple[str, str]:
        """A limit that some rows keep and some do not."""
        column, (words, sign) = self.rng.choice(self.numbers), self.rng.choice((("over", ">"), ("under", "<")))
        held = sorted(row[self.columns.index(column)] for row in self.rows)
        limit = self.rng.choice(held[1:-1])
        return f"{column} {words} {limit}", f"{column} {sign} {limit}"


def _rows(rng: random.Random, columns: list[str], numbers: tuple[str, ...]) -> list[list[Any]]:
    """Values for columns: numbers that all differ, names, or words."""
    held = [
        rng.sample(range(1, LARGEST + 1), ROWS) if each in numbers else rng.choices(_pool(each), k=ROWS)
        for each in columns
    ]
    return [list(row) for row in zip(*held, strict=True)]


def _pool(column: str) -> tuple[str, ...]:
    return NAMES if column == "name" else WORDS


def _shown(name: str, columns: list[str]) -> str:
    return f"{name}(id,{','.join(columns)})"


def _made(name: str, columns: list[str], rows: list[list[Any]], numbers: tuple[str, ...]) -> str:
    kinds = ", ".join(f"{each} {'INTEGER' if each in numbers else 'TEXT'}" for each in columns)
    values = ", ".join(f"({place}, {', '.join(map(_literal, row))})" for place, row in enumerate(rows, 1))
    return f"CREATE TABLE {name}(id INTEGER PRIMARY KEY, {kinds}); INSERT INTO {name} VALUES {values};\n"


def _literal(value: Any) -> str:
    return str(value) if isinstance(value, int) else f"'{value}'"
