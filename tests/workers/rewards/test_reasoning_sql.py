"""Reasoning-SQL: the catalogue's checks, with its numbers."""

from math import sqrt
from typing import Any

import pytest

from tests.workers.rewards.sqlstage import USERS, Judges, reward
from workers.contract.services import Reply
from workers.contract.values import Values
from workers.engine.tensors import Progress

GOLD = "SELECT name FROM users WHERE age > 30"
AT_LEAST = "SELECT name FROM users WHERE age >= 30"
IDS = "SELECT id, name FROM users"
FORMAT = "<reasoning>\nX\n</reasoning>\n<answer>\nSELECT 1\n</answer>"


def written(query: str) -> str:
    """A completion in the perfect format."""
    return f"<reasoning>\nX\n</reasoning>\n<answer>\n{query}\n</answer>\n"


def score(*texts: str, gold: Any = GOLD, given: Any = None, **params: object) -> Values:
    found = reward("reasoning_sql", texts, {"gold": gold, "schema": USERS}, params, **(given or {}))
    assert isinstance(found, Values)
    return found


def part(name: str, text: str, **params: object) -> float | None:
    return score(text, **params).parts[name][0]


def test_the_reference_itself_has_everything() -> None:
    found = score(written(GOLD))
    assert found.total == [6.5]
    assert {name: column[0] for name, column in found.parts.items()} == {
        "execution": 3.0, "judge": 0.0, "syntax": 1.0, "schema": 1.0, "overlap": 1.0, "format": 0.5,
    }  # fmt: skip


def test_a_wrong_sign_overlaps_in_five_of_nine_and_names_everything() -> None:
    assert part("overlap", AT_LEAST) == pytest.approx(0.555556, abs=1e-6)
    assert part("schema", AT_LEAST) == 1.0


def test_another_query_s_overlap_recall_and_jaccard() -> None:
    assert part("overlap", IDS) == pytest.approx(0.2, abs=1e-6)
    assert part("schema", IDS) == pytest.approx(0.666667, abs=1e-6)
    assert part("schema", IDS, schema_mode="jaccard") == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(("end", "value"), [("", 0.447), ("\n", 0.5), ("\nhello", 0.49)])
def test_the_format_as_the_authors_count_it(end: str, value: float) -> None:
    assert len(FORMAT) == 54
    assert part("format", FORMAT + end) == pytest.approx(value, abs=1e-6)


def test_the_totals_of_four_samples_and_their_advantages() -> None:
    found = score(written(GOLD), written(AT_LEAST), written(IDS), "")
    totals = [float(value) for value in found.total if value is not None]
    assert totals == pytest.approx([6.5, 3.055556, 2.366667, 0], abs=1e-6)
    mean = sum(totals) / 4
    deviation = sqrt(sum((value - mean) ** 2 for value in totals) / 3)
    advantages = [(value - mean) / (deviation + 1e-4) for value in totals]
    assert advantages == pytest.approx([1.309974, 0.027916, -0.228496, -1.109394], abs=1e-6)


@pytest.mark.parametrize("more", ["id", "id, age", "name, id, age"])
def test_naming_more_never_lowers_recall_but_does_lower_jaccard(more: str) -> None:
    bare, wider = "SELECT name FROM users WHERE age > 30", f"SELECT name, {more} FROM users WHERE age > 30"
    assert part("schema", wider) == part("schema", bare) == 1.0
    jaccard = part("schema", wider, schema_mode="jaccard")
    assert jaccard is not None
    assert jaccard <= 0.75 if "id" in more else jaccard == 1


def test_invalid_sql_keeps_its_overlap_and_the_judge_s_score_only() -> None:
    broken = "SELECT name FROM users WHERE age > ("
    found = score(broken)
    assert [found.parts[name][0] for name in ("execution", "judge", "syntax", "schema")] == [0.0, 0.0, 0.0, 0.0]
    assert found.parts["overlap"][0] == 0.75  # all but the last pair, of seven on each side


def test_without_a_select_nobody_judges_and_no_name_counts() -> None:
    judges = Judges(Reply("1"))
    found = score("name users age", IDS, given={"chats": judges}, url="http://judge")
    assert found.parts["judge"] == [0.0, 1.0]
    assert found.parts["schema"][0] == 0.0
    assert len(judges.asked) == 1


def test_a_set_of_rows_is_compared() -> None:
    assert part("execution", "SELECT name FROM users WHERE age > 30 UNION ALL SELECT 'Ben'") == 3.0
    assert part("execution", "SELECT name FROM users WHERE id > 1 ORDER BY id DESC") == 3.0


def test_names_that_a_query_gives_itself_add_nothing() -> None:
    assert part("schema", "SELECT u.name AS x FROM users AS u WHERE u.age > 0 ORDER BY x", schema_mode="jaccard") == 1.0
    assert part("schema", "SELECT COUNT(*) FROM users", gold="SELECT * FROM users", schema_mode="jaccard") == 1.0
    for sql in (
        "SELECT COUNT(*) AS Many FROM users ORDER BY many",
        "SELECT t.c FROM (SELECT COUNT(*) AS c FROM users) AS t",
        "WITH w AS (SELECT COUNT(*) AS c FROM users) SELECT x.c FROM w AS x",
    ):
        assert part("schema", sql, gold="SELECT * FROM users", schema_mode="jaccard") == 1.0, sql
    # A column that gives its own name to what is made of it is still named.
    assert part("schema", "SELECT MAX(age) AS age FROM users", gold="SELECT MAX(age) FROM users") == 1.0


def test_a_star_is_not_expanded() -> None:
    assert part("schema", "SELECT name FROM users", gold="SELECT u.* FROM users AS u") == 1.0
    assert part("schema", "SELECT u.* FROM users AS u", gold="SELECT name FROM users") == 0.5


def test_a_model_judges_what_is_wrong_and_only_that() -> None:
    judges = Judges(Reply("Score: 0.25"))
    found = score(GOLD, AT_LEAST, given={"chats": judges}, url="http://judge", model="m", key_variable="MERIT_KEY_J")
    assert found.parts["judge"] == [0.0, 0.25]
    (chat,) = judges.asked
    assert (chat.url, chat.model, chat.key_variable) == ("http://judge", "m", "MERIT_KEY_J")
    assert all(words in chat.messages[1]["content"] for words in ("who?", GOLD, AT_LEAST))


@pytest.mark.parametrize(("reply", "said"), [(Reply("nice"), "'nice'"), (Reply("2"), "'2'"), (Reply(error="no"), "no")])
def test_a_judge_that_fails_is_a_failure_and_no_zero(reply: Reply, said: str) -> None:
    found = score(GOLD, AT_LEAST, given={"chats": Judges(reply)}, url="http://judge")
    assert found.total[0] is not None
    assert found.total[1] is None
    assert said in found.faults[1]


def test_clauses_are_compared_without_a_model() -> None:
    """The reference has three clauses: what is selected, from where, and on which condition."""
    assert part("judge", AT_LEAST, judge="clauses") == pytest.approx(2 / 3)
    assert part("judge", IDS, judge="clauses", w_judge=0.3) == pytest.approx(0.1)
    nested = "SELECT * FROM (" * 100 + "SELECT 1" + ")" * 100
    assert part("judge", nested, judge="clauses") == 0.0, "too deep to be written out again"


def test_partial_parts_fade_over_the_run() -> None:
    half = {"progress": Progress(5, 10)}
    fixed, faded = score(written(GOLD), given=half), score(written(GOLD), given=half, schedule="anneal_partial")
    share = 1 - half["progress"].share
    assert 0 < share < 1
    assert fixed.total == [6.5]
    assert faded.total[0] == pytest.approx(3 + 3.5 * share)


def test_weights_scale_their_part() -> None:
    weights = {"w_exec": 2.0, "w_syntax": 0.5, "w_schema": 0.25, "w_ngram": 4.0, "w_format": 2.0}
    found = score(written(GOLD), **weights)
    assert [column[0] for column in found.parts.values()] == [2.0, 0.0, 0.5, 0.25, 4.0, 1.0]
    assert found.total == [7.75]


def test_single_tokens_and_longer_runs() -> None:
    """Of eight tokens on each side seven are shared, of six runs of three those four without the sign."""
    assert part("overlap", AT_LEAST, n=1) == pytest.approx(7 / 9)
    assert part("overlap", AT_LEAST, n=3) == pytest.approx(4 / 8)


def test_no_reference_no_reward_and_a_broken_one_is_a_failure() -> None:
    found = score(GOLD, GOLD, gold=[None, "SELECT x FROM y"])
    assert found.total == [None, None]
    assert found.faults == {1: "the reference query fails: no such table: y"}
