"""SQL result: rows against rows, in the real sandbox."""

from typing import Any

import pytest

from tests.workers.rewards.sqlstage import USERS, reward
from workers.contract.values import Values

GOLD = "SELECT name FROM users WHERE age > 30"


def score(*texts: str, gold: Any = GOLD, schema: Any = USERS, **params: object) -> Values:
    found = reward("sql_result", texts, {"gold": gold, "schema": schema}, params)
    assert isinstance(found, Values)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (GOLD, 1.0),
        ("SELECT name FROM users WHERE age >= 31 ORDER BY name DESC", 1.0),
        ("SELECT name AS n FROM users WHERE NOT age <= 30", 1.0),
        ("First <answer>```sql\nSELECT name FROM users WHERE id > 1\n```</answer>", 1.0),
        ("SELECT name FROM users", 0.0),
        ("SELECT name, age FROM users WHERE age > 30", 0.0),
        ("SELECT name FROM users WHERE age > 30 UNION ALL SELECT 'Ben'", 0.0),
        ("SELECT nam FROM users", 0.0),
        ("", 0.0),
    ],
)
@pytest.mark.parametrize("database", ["sqlite", "duckdb"])
def test_the_rows_decide(text: str, value: float, database: str) -> None:
    assert score(text, database=database).total == [value]


def test_order_counts_where_it_is_asked_for() -> None:
    gold = "SELECT age FROM users ORDER BY age DESC"
    texts = ("SELECT age FROM users ORDER BY age", "SELECT age FROM users ORDER BY 0 - age")
    assert score(*texts, gold=gold).total == [1.0, 1.0]
    assert score(*texts, gold=gold, ordered=True).total == [0.0, 1.0]


def test_a_query_may_have_to_stand_in_a_block() -> None:
    assert score(GOLD, f"```\n{GOLD}\n```", where="last block").total == [0.0, 1.0]


def test_whole_and_real_numbers_are_compared_by_value() -> None:
    gold = "SELECT 3, 0.3"
    assert score("SELECT 3.0, 0.1 + 0.2", "SELECT 3, 0.3001", gold=gold).total == [1.0, 0.0]


def test_no_reference_no_reward_and_a_broken_one_is_a_failure() -> None:
    found = score(GOLD, GOLD, GOLD, gold=[GOLD, None, "SELECT x FROM y"], schema=[USERS, USERS, USERS])
    assert found.total == [1.0, None, None]
    assert found.faults == {2: "the reference query fails: no such table: y"}


def test_other_columns_can_be_named() -> None:
    found = reward("sql_result", ["SELECT 1"], {"sql": "SELECT 1", "made": ""}, {"column": "sql", "schema": "made"})
    assert isinstance(found, Values)
    assert found.total == [1.0]
    with pytest.raises(ValueError, match="asks for the column 'gold'"):
        reward("sql_result", ["SELECT 1"], {"schema": ""})
