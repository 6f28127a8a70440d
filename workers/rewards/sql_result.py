"""SQL result: 1 where the rows that a completion's query gives are those of the reference query, else 0.

Pick it for text-to-SQL: both queries run in the sandbox on the database that the prompt's schema builds, so every way
to write the query counts. Doubts: on a small database a wrong query may give the right rows by chance, most easily
none at all; only rows are compared, not the names of columns.
"""

from collections import Counter
from typing import Annotated, Any

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Flag, Source, Text
from workers.contract.fenced import answer_of, code_in, last_block
from workers.contract.services import Queries, Query, Table
from workers.contract.values import Values

CARD = Card(
    title="SQL result",
    formula=r"r_i = \mathbb{1}\bigl[\,E(q(y_i), d_i) = E(g_i, d_i)\,\bigr]",
    source=Source(
        "Zhong et al., 2017", "arXiv:1709.00103", "section 2.2, execution accuracy", "https://arxiv.org/abs/1709.00103"
    ),
    symbols={
        "r_i": "reward of completion i",
        "q(y_i)": "query that the completion gives",
        "g_i": "reference query",
        "d_i": "database",
        "E": "rows that a query gives, in any order unless order counts",
    },
    relatives=("rewards/unit_tests", "rewards/reasoning_sql"),
    bounds=(0.0, 1.0),
)


def reward(
    answers: Answers,
    queries: Queries,
    *,
    column: Annotated[str, Text(80), "column of the prompts that holds the reference query"] = "gold",
    schema: Annotated[str, Text(80), "column with the SQL that builds the database, rows included"] = "schema",
    database: Annotated[str, Choice(("sqlite", "duckdb")), "which database runs the queries"] = "sqlite",
    ordered: Annotated[bool, Flag(), "the order of the rows counts"] = False,
    where: Annotated[
        str, Choice(("last block", "whole answer")), "the query is the last fenced block, or that or else all there is"
    ] = "whole answer",
) -> Values:
    """1.0 or 0.0 a completion; None without a reference. A reference that fails marks its completions as failed.
    ValueError for an unknown column."""
    golds, schemas = answers.column(column), answers.column(schema)
    asked = [n for n in range(len(answers.texts)) if golds[n] is not None and schemas[n] is not None]
    given = [Query(str(schemas[n]), _query(answers.texts[n], where)) for n in asked]
    wanted = [Query(str(schemas[n]), str(golds[n])) for n in asked]
    tables = queries([*given, *wanted], database)
    totals: list[float | None] = [None] * len(answers.texts)
    faults = {}
    for n, found, gold in zip(asked, tables, tables[len(asked) :], strict=False):
        if gold.error:
            faults[n] = f"the reference query fails: {gold.error}"
        else:
            totals[n] = float(not found.error and _rows(found, ordered) == _rows(gold, ordered))
    return Values(totals, faults=faults)


def _query(text: str, where: str) -> str:
    return code_in(text, "sql") if where == "whole answer" else last_block(answer_of(text), "sql") or ""


def _rows(table: Table, ordered: bool) -> Any:
    # Sums of real numbers may differ in their last digits with the order of their terms.
    rows = [tuple(float(f"{x:.10g}") if isinstance(x, float) else x for x in row) for row in table.rows]
    return rows if ordered else Counter(rows)
