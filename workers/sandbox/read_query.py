"""Reads a query before it is run: it must be one SELECT that asks tables of its schema. Inside the sandbox."""

import re
from typing import Any

FORBIDDEN = (
    "load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "getenv", "query", "query_table",
    "sniff_csv", "which_secret",
)  # fmt: skip
FORBIDDEN_STARTS = ("read_", "pragma_", "parquet_", "sqlite_", "duckdb_", "st_read", "postgres_", "iceberg_", "delta_")
LONGEST_ERROR = 300
COLOURS = re.compile("\x1b\\[[0-9;]*m")  # the parser underlines what it does not understand


def refused(sql: str, database: str) -> str:
    """Why this may not be run, or nothing: it must be one SELECT that reads tables of the schema."""
    import sqlglot
    from sqlglot import errors, expressions

    try:
        found = [each for each in sqlglot.parse(sql, dialect=database) if each is not None]
    except (errors.SqlglotError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else COLOURS.sub("", str(error))
        return f"it cannot be read as SQL: {' '.join(why.split())}"[:LONGEST_ERROR]
    if len(found) != 1 or not isinstance(found[0], expressions.Query):
        return "it must be one SELECT, and nothing else"
    changing = expressions.DML | expressions.DDL | expressions.Command | expressions.Into
    for node in found[0].walk():
        if isinstance(node, changing):
            return "it must be one SELECT, and nothing else"
        if isinstance(node, expressions.Func) and _forbidden(_function_name(node)):
            return f"the function {_function_name(node)} is not allowed"
        if isinstance(node, expressions.Table) and set(node.name) & set("./\\:"):
            return "a table is named by its name, not by a file"
    return ""


def _function_name(node: Any) -> str:
    return str(node.name if node.key == "anonymous" else node.sql_name()).lower()


def _forbidden(name: str) -> bool:
    return name in FORBIDDEN or name.startswith(FORBIDDEN_STARTS)
