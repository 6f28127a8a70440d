"""Queries in the sandbox: what is answered, what is refused, and that one spoils only its own answer."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from workers.contract.services import Queries, Query, Table
from workers.engine.facilities import Facilities
from workers.engine.sandboxed import make_queries
from workers.sandbox import run_queries

SCHEMA = "CREATE TABLE t(a INTEGER, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, NULL);"
BOTH = pytest.mark.parametrize("database", ["sqlite", "duckdb"])
ENDLESS = "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT COUNT(*) FROM x"


@pytest.fixture(scope="module")
def queries() -> Iterator[Queries]:
    with ExitStack() as stack:
        yield make_queries(stack)


def one(queries: Queries, sql: str, database: str, schema: str = SCHEMA) -> Table:
    found, beside = queries([Query(schema, sql), Query("", "SELECT 7")], database)
    assert beside.rows == ((7,),)
    return found


@BOTH
def test_a_query_gives_its_rows(database: str, queries: Queries) -> None:
    assert one(queries, "SELECT a, b FROM t ORDER BY a DESC", database) == Table(
        ("a", "b"), ((3, None), (2, "y"), (1, "x"))
    )
    assert one(queries, "WITH c AS (SELECT a FROM t) SELECT SUM(a) AS s FROM c;", database).rows == ((6,),)
    assert one(queries, "SELECT a FROM t WHERE a > 9", database) == Table(("a",), ())


def test_cells_are_numbers_and_texts(queries: Queries) -> None:
    kinds = (
        "SELECT 1.5::DECIMAL(9, 2), 2::DECIMAL(9, 2), DATE '2020-01-02', [1, 2], 'nan'::DOUBLE, 'a'::BLOB, 1::HUGEINT"
    )
    assert one(queries, kinds, "duckdb").rows == ((1.5, 2, "2020-01-02", "[1, 2]", "nan", "61", 1),)
    assert one(queries, "SELECT 0.5, x'6162', NULL, 9e999", "sqlite").rows == ((0.5, "6162", None, "inf"),)


REFUSED = {
    "another database": ("ATTACH '{secret}' AS x", "one SELECT"),
    "a setting": ("PRAGMA table_info(t)", "one SELECT"),
    "a copy to a file": ("COPY (SELECT 1) TO '{place}/out'", "one SELECT"),
    "a copy from a file": ("COPY t FROM '{secret}'", "one SELECT"),
    "two statements": ("SELECT 1; SELECT 2", "one SELECT"),
    "a change": ("DELETE FROM t", "one SELECT"),
    "a change inside": ("WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x", "one SELECT"),
    "a table made": ("SELECT * INTO u FROM t", "one SELECT"),
    "a view made": ("CREATE VIEW v AS SELECT 1", "one SELECT"),
    "an export": ("EXPORT DATABASE '{place}'", ""),
    "an extension": ("INSTALL httpfs", "one SELECT"),
    "an extension loaded": ("LOAD '{secret}'", "one SELECT"),
    "a loaded library": ("SELECT load_extension('{secret}')", "load_extension is not allowed"),
    "a file written": ("SELECT writefile('{place}/out', 'x')", "writefile is not allowed"),
    "a file read": ("SELECT readfile('{secret}')", "readfile is not allowed"),
    "a table of a file": ("SELECT * FROM read_csv('{secret}')", "read_csv is not allowed"),
    "a text of a file": ("SELECT * FROM read_text('{secret}')", "read_text is not allowed"),
    "a file as a table": ("SELECT * FROM '{secret}'", "by its name"),
    "a file by quotes": ('SELECT * FROM "{secret}"', "by its name"),
    "settings as a table": ("SELECT * FROM pragma_database_list()", "not allowed"),
    "the environment": ("SELECT getenv('HOME')", "getenv is not allowed"),
    "a query as text": ("SELECT * FROM query('SELECT 1')", "query is not allowed"),
    "secrets": ("SELECT * FROM duckdb_secrets()", "not allowed"),
    "nothing": ("", "one SELECT"),
    "no SQL": ("the answer is 4", ""),
    "brackets": ("SELECT " + "(" * 5000, "cannot be read"),
}


@BOTH
@pytest.mark.parametrize("name", REFUSED)
def test_anything_but_a_question_is_refused(name: str, database: str, queries: Queries, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    secret = tmp_path / "secret.csv"
    secret.write_text("known only here\n")
    sql, said = REFUSED[name]
    found = one(queries, sql.replace("{secret}", str(secret)).replace("{place}", str(tmp_path)), database)
    assert found.rows == ()
    assert found.error
    assert said in found.error
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


# What is refused when it is read is let through here, so that the database and the walls have to refuse it.
BEHIND = {
    "sqlite": (
        "ATTACH '{place}/out' AS x",
        "SELECT load_extension('{place}/x')",
        "PRAGMA journal_mode=WAL",
        "VACUUM INTO '{place}/out'",
        "DROP TABLE t",
        "SELECT readfile('{secret}')",
        "SELECT * FROM pragma_database_list()",
    ),
    "duckdb": (
        "ATTACH '{place}/out' AS x",
        "COPY (SELECT 1) TO '{place}/out'",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM '{secret}'",
        "SELECT * FROM glob('{place}/*')",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "EXPORT DATABASE '{place}/out'",
    ),
}


@pytest.mark.parametrize(("database", "sql"), [(name, sql) for name, all_ in BEHIND.items() for sql in all_])
def test_what_is_not_seen_by_reading_is_refused_by_the_database(database: str, sql: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("known only here\n")
    text = sql.replace("{secret}", str(secret)).replace("{place}", str(tmp_path))
    if database == "sqlite":
        _, rows, error = run_queries._sqlite(SCHEMA, text, 10, 5.0)
    else:
        _, rows, error = run_queries._duckdb(SCHEMA, text, 10, run_queries.Opened())
    assert rows == []
    assert error
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


@BOTH
def test_an_endless_query_ends_alone(database: str, queries: Queries) -> None:
    began = time.monotonic()
    assert "took longer than 2" in one(queries, ENDLESS, database).error
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT x.a FROM t x, t y, t z, t u, t v, t w, t p, t q", "too big: it gives more than 5,000 rows"),
        ("SELECT hex(randomblob(900000))", "too big"),
        ("SELECT zeroblob(1000000000)", "too big"),
        ("SELECT missing FROM t", "no such column"),
        ("SELECT '\ud800'", "surrogates"),
    ],
)
def test_what_fails_says_how(sql: str, said: str, queries: Queries) -> None:
    assert said in one(queries, sql, "sqlite").error


def test_a_schema_that_does_more_than_build_is_refused(queries: Queries) -> None:
    for schema in ("ATTACH '/tmp/x' AS y", "PRAGMA journal_mode=WAL", "CREATE TABLE"):
        assert one(queries, "SELECT 1", "sqlite", schema).error


def test_queries_that_share_a_database_answer_as_alone(queries: Queries) -> None:
    """Of three schemas by turns; what one of them sets, breaks or counts on is not there for the next."""
    counting = f"CREATE SEQUENCE s START 7; {SCHEMA}"
    asked = [
        Query(schema, sql)
        for sql in ("SELECT max(a) + 0 FROM t", "SELECT setseed(0.5)", "SELECT missing FROM t", "SELECT max(a) FROM t")
        for schema in (SCHEMA, "CREATE TABLE t(a INTEGER); INSERT INTO t VALUES (90);", "CREATE TABL")
    ] + [Query(counting, "SELECT nextval('s')"), Query(counting, "SELECT nextval('s') + 0")]
    together = queries(asked, "duckdb")
    assert [one(queries, query.sql, "duckdb", query.schema) for query in asked] == together
    assert [table.rows for table in together[9:11]] == [((3,),), ((90,),)]
    assert together[11].error
    assert [table.rows for table in together[12:]] == [((7,),), ((7,),)]


def test_many_at_once_are_those_alone(queries: Queries) -> None:
    """Forty, one of which is endless and one of which takes its whole process with it."""
    asked = [Query(SCHEMA, f"SELECT {n} + a FROM t LIMIT 1") for n in range(40)]
    asked[7] = Query(SCHEMA, "SELECT hex(zeroblob(499000)) FROM t a, t b, t c")
    found = queries(asked)
    assert [table.rows for n, table in enumerate(found) if n != 7] == [((n + 1,),) for n in range(40) if n != 7]
    assert found[7].error.startswith("too big: its result is longer")


def test_other_databases_are_not_known(queries: Queries) -> None:
    with pytest.raises(ValueError, match="one of sqlite, duckdb, not 'oracle'"):
        queries([], "oracle")


def test_facilities_make_both_and_end_them() -> None:
    facilities = Facilities()
    supplied = facilities.supply(("queries", "programs"), "rewards/x", 1)
    assert supplied["queries"]([Query("", "SELECT 1")])[0].rows == ((1,),)
    pid = supplied["queries"]._crews["sqlite"]._child.pid
    facilities.close()
    assert not Path(f"/proc/{pid}").exists()
    again = facilities.supply(("queries",), "rewards/x", 2)["queries"]
    assert again([Query("", "SELECT 2")])[0].rows == ((2,),)
    facilities.close()
