"""What a reward function may be and may give, and that it is quick."""

import time

import pytest

from tests.workers.sandbox.attempts import answers
from workers.contract.answers import Answers
from workers.sandbox import Scorer, Scores, libraries

EXACT = """
def reward(prompts, completions, answer, **columns):
    print(f"{len(completions)} completions")
    return [1.0 if c == a else None if c == "" else 0.0 for c, a in zip(completions, answer)]
"""


def score(source: str, given: Answers) -> Scores:
    with Scorer(source) as scorer:
        return scorer.score(given)


def test_it_works() -> None:
    found = score(EXACT, answers("4", "5", "", answer=["4", "4", "4"]))
    assert found.values == [1.0, 0.0, None]
    assert found.faults == []
    assert found.output == "3 completions\n"
    assert 0 < found.seconds < 5


def test_no_completions_give_no_scores() -> None:
    assert score(EXACT, answers(answer=[])).values == []


def test_a_thousand_completions_within_a_tenth_of_a_second_once_warm() -> None:
    given = answers(*[f"{n} " * 100 for n in range(1000)], answer=["4"] * 1000)
    with Scorer(EXACT) as scorer:
        scorer.score(given)
        fastest = min(scorer.score(given).seconds for _ in range(3))
    assert fastest < 0.1


def test_a_child_starts_well_under_a_second() -> None:
    starts = []
    for _ in range(3):
        began = time.monotonic()
        with Scorer(EXACT):
            starts.append(time.monotonic() - began)
    assert min(starts) < 0.6


def test_only_what_a_function_names_is_passed() -> None:
    source = "def reward(completions, level=7):\n    return [float(l) for l in level]"
    assert score(source, answers("a", "b", level=[1, 2], other=[3, 4])).values == [1.0, 2.0]
    source = "def reward(completions, level=7):\n    return [float(level)] * len(completions)"
    assert score(source, answers("a", "b")).values == [7.0, 7.0]
    source = "def reward(completions, **columns):\n    return [float(len(columns))] * len(completions)"
    assert score(source, answers("a", other=[3])).values == [2.0]  # prompts and other


def test_a_column_that_is_missing_is_named() -> None:
    with (
        Scorer(EXACT) as scorer,
        pytest.raises(ValueError, match="asks for the column 'answer', but the prompts have: x"),
    ):
        scorer.score(answers("a", x=[1]))


def test_parts_as_a_dict_of_lists() -> None:
    found = score("def reward(completions):\n    return {'a': [1, None], 'b': [0.5, None]}", answers("x", "y"))
    assert found.values == [1.5, None]
    assert found.components == {"a": [1.0, None], "b": [0.5, None]}


def test_parts_as_a_list_of_dicts_with_their_own_total() -> None:
    source = "def reward(completions):\n    return [{'reward': 2, 'a': 1}, {'a': 3}]"
    found = score(source, answers("x", "y"))
    assert found.values == [2.0, 3.0]
    assert found.components == {"reward": [2.0, None], "a": [1.0, 3.0]}


def test_numbers_per_token() -> None:
    found = score("def reward(completions):\n    return [[0.5, 0, 1], []]", answers("x", "y"))
    assert {n: [span.value for span in spans] for n, spans in found.spans.items()} == {0: [0.5, 0.0, 1.0], 1: []}
    assert [(span.start, span.end, span.unit) for span in found.spans[0]] == [
        (0, 1, "token"),
        (1, 2, "token"),
        (2, 3, "token"),
    ]
    assert found.values == [1.5, 0.0]


def test_async_functions() -> None:
    source = """
import asyncio

async def one(text):
    await asyncio.sleep(0.01)
    return float(len(text))

async def reward(completions):
    return await asyncio.gather(*[one(text) for text in completions])
"""
    assert score(source, answers("a", "bcd")).values == [1.0, 3.0]


def test_numbers_of_libraries() -> None:
    source = """
from decimal import Decimal
from fractions import Fraction

def reward(completions):
    return [True, Fraction(1, 4), Decimal("0.5")]
"""
    assert score(source, answers("a", "b", "c")).values == [1.0, 0.25, 0.5]


@pytest.mark.parametrize("name", ["numpy", "sympy", "regex", "math_verify", "sqlglot", "duckdb"])
def test_libraries_of_the_list_can_be_imported(name: str) -> None:
    assert name in libraries.installed()
    uses = {
        "numpy": "numpy.linalg.inv(numpy.array([[2.0]]))[0]",
        "sympy": "[sympy.solve(sympy.Symbol('x') - sympy.Rational(1, 2))[0]]",
        "regex": "[0.5 if regex.fullmatch(r'\\p{L}+', completions[0]) else 0]",
        "sqlglot": "[len(sqlglot.parse_one('SELECT a FROM b').args['expressions']) / 2]",
        "duckdb": "[duckdb.connect().execute('SELECT 0.5').fetchone()[0]]",
        "math_verify": "[math_verify.verify(math_verify.parse('$1/2$'), math_verify.parse('$0.5$')) / 2]",
    }
    source = f"import {name}\n\ndef reward(completions):\n    return {uses[name]}"
    assert score(source, answers("ä")).values == [0.5]


def test_the_standard_library_is_there_and_imported_late() -> None:
    late = "import sqlite3, json, datetime, zoneinfo, encodings.idna, xml.dom.minidom, email.message"
    asked = "sqlite3.connect(':memory:').execute('select 3').fetchone()"
    source = f"def reward(completions):\n    {late}\n    return {asked}"
    assert score(source, answers("a")).values == [3.0]


def test_strings_hash_alike_in_every_child() -> None:
    source = "def reward(completions):\n    return [hash('merit') % 1000003]"
    assert score(source, answers("a")).values == score(source, answers("a")).values


def test_the_child_is_kept_warm_and_state_stays_with_it() -> None:
    source = "calls = []\ndef reward(completions):\n    calls.append(1)\n    return [len(calls)]"
    with Scorer(source) as scorer:
        assert [scorer.score(answers("a")).values for _ in range(3)] == [[1.0], [2.0], [3.0]]


def test_texts_of_every_kind_arrive_whole() -> None:
    texts = ["\x00\x01\x7f", "\U0001f600 ä", "\ud800", '"\\\n', "x" * 3_000_000]
    source = "def reward(completions):\n    return [sum(map(ord, c)) % 65521 for c in completions]"
    assert score(source, answers(*texts)).values == [sum(map(ord, text)) % 65521 for text in texts]
