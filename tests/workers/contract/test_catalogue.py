"""Reading methods as text: what is read, what is refused and with which sentence, and how long it takes."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.workers.stage import catalogue
from workers.contract.card import Choice, Flag, Real, Source, Text, Whole
from workers.contract.catalogue import Catalogue, read_catalogue
from workers.contract.kinds import KINDS
from workers.contract.limits import Param, problem_with
from workers.contract.method import MethodError

GOOD = '''"""Adds nothing. For tests.

Doubts: many.
"""

import a_module_that_is_nowhere

CARD = Card(
    title="Nothing",
    formula=r"0",
    source=Source("A", "B", url="https://example.org"),
    symbols={"0": "zero"},
    bounds=(-1, 1.0),
    departs=(Departure("this", "because"),),
)


def reward(
    answers: Answers,
    *,
    share: Annotated[float, Real(0, 1, open_high=True), "a share"] = 0,
    name: Annotated[str, Text(5), "a name"],
) -> list[float | None]:
    """Nothing."""
'''


def one(tmp_path: Path, text: str, kind: str = "rewards") -> Catalogue:
    """The catalogue of one file."""
    folder = tmp_path / kind
    folder.mkdir(exist_ok=True)
    (folder / "nothing.py").write_text(text)
    return read_catalogue(tmp_path)


def test_what_a_file_tells(tmp_path: Path) -> None:
    """Everything that pages and forms are made from, although the file could not even be imported."""
    method = one(tmp_path, GOOD).get("rewards", "nothing")
    assert method.address == "rewards/nothing"
    assert method.purpose == "Adds nothing. For tests."
    assert method.card.source == Source("A", "B", url="https://example.org")
    assert method.card.bounds == (-1.0, 1.0)
    assert method.card.departs[0].reason == "because"
    assert method.needs == ("answers",)
    assert method.params == (
        Param("share", Real(0, 1, open_high=True), "a share", 0),
        Param("name", Text(5), "a name", None),
    )
    assert method.defaults() == {"share": 0, "name": None}
    assert method.source == GOOD


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (GOOD.split("import")[0], "", r"nothing.py: a method file starts with a docstring"),
        ("CARD = Card(", "CART = Card(", r"nothing.py: a method file has CARD = Card\(\.\.\.\)"),
        ("CARD = Card(", "CARD = dict(", r"nothing.py:8: only literals and the words of card.py may stand here"),
        ('title="Nothing"', 'title="No" + thing', r"nothing.py:9: only literals"),
        ('title="Nothing"', 'title=open("/etc/passwd").read()', r"nothing.py:9: only literals"),
        ('title="Nothing"', 'titel="Nothing"', r"nothing.py:8: Card\(\.\.\.\): .*titel"),
        ('symbols={"0": "zero"}', "symbols={**MORE}", r"nothing.py:12: only literals"),
        ("answers: Answers", "answer: Answers", r"nothing.py:19: 'answer' cannot be asked for; allowed: answers"),
        ('Annotated[str, Text(5), "a name"]', "str", r"nothing.py:22: name needs Annotated\[type, limit, words\]"),
        ('Annotated[str, Text(5), "a name"]', 'Annotated[str, "a name"]', r"nothing.py:22: name needs Annotated"),
        ("Text(5)", "5", r"nothing.py:22: name needs a limit of card.py and words for the form"),
        ('"a name"', "7", r"nothing.py:22: name needs a limit of card.py and words for the form"),
        ("] = 0,", "] = -0.5,", r"nothing.py:21: share must be at least 0, not -0.5"),
        ("] = 0,", "] = 1,", r"nothing.py:21: share must be less than 1, not 1"),
        ("-> list[float | None]:", "-> list[float | None]", r"nothing.py:23: expected ':'"),
    ],
)
def test_what_breaks_the_form_is_refused_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(MethodError, match=message):
        one(tmp_path, GOOD.replace(old, new, 1))


def test_a_positional_default_or_a_star_is_refused(tmp_path: Path) -> None:
    for old, new in (("answers: Answers,", "answers: Answers = None,"), ("    *,", "    *others,"),
                     ("    name: Ann", "    **more: object,\n    name: Ann")):  # fmt: skip
        with pytest.raises(MethodError, match=r"nothing\.py"):
            one(tmp_path, GOOD.replace(old, new, 1))


def test_helpers_beside_methods_are_no_methods(tmp_path: Path) -> None:
    """A file of the folder that does not define the kind's function is a helper."""
    one(tmp_path, GOOD)
    (tmp_path / "rewards" / "ngrams.py").write_text("def grams() -> None: ...\n")
    (tmp_path / "rewards" / "__init__.py").write_text("")
    (tmp_path / "rewards" / "deep").mkdir()
    (tmp_path / "rewards" / "deep" / "below.py").write_text(GOOD)
    assert sorted(read_catalogue(tmp_path).methods) == ["rewards/below", "rewards/nothing"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    one(tmp_path, GOOD)
    (tmp_path / "rewards" / "deep").mkdir()
    (tmp_path / "rewards" / "deep" / "nothing.py").write_text(GOOD)
    with pytest.raises(MethodError, match="rewards/nothing is defined twice"):
        read_catalogue(tmp_path)


def test_digests_change_with_any_change(tmp_path: Path) -> None:
    before = one(tmp_path, GOOD)
    after = one(tmp_path, GOOD.replace("] = 0,", "] = 0.5,"))
    assert before.get("rewards", "nothing").digest != after.get("rewards", "nothing").digest
    assert before.digest != after.digest
    assert before.digest == one(tmp_path, GOOD).digest


def test_an_unknown_method_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match=r"there is no rewards method 'none'; known: nothing"):
        one(tmp_path, GOOD).get("rewards", "none")
    with pytest.raises(MethodError, match=r"there is no credit method 'grpo'; known: none"):
        one(tmp_path, GOOD).get("credit", "grpo")


@pytest.mark.parametrize(
    ("limit", "good", "bad"),
    [
        (Real(0, 1), [0, 1, 0.5, 0.0], [(-0.1, "must be at least 0"), (1.1, "must be at most 1"), (True, "number")]),
        (Real(0, None, open_low=True), [1e-9], [(0, "must be more than 0"), (float("inf"), "must be finite")]),
        (Real(None, 0, open_high=True), [-1], [(0, "must be less than 0"), (float("nan"), "must be finite")]),
        (Real(), [-1e9, 0], [("1", "is a number, not '1'"), (None, "is a number")]),
        (Whole(0, 4), [0, 4], [(5, "at most 4"), (1.0, "whole number"), (False, "whole number"), (-1, "at least 0")]),
        (Whole(), [10**30], [(float("inf"), "whole number")]),
        (Choice(("a", "b")), ["a"], [("c", "is one of a, b, not 'c'"), (None, "is one of"), (["a"], "is one of")]),
        (Flag(), [True, False], [(1, "is yes or no"), ("yes", "is yes or no")]),
        (Text(3), ["abc"], [("", "may not be empty"), ("abcd", "has 4 characters; at most 3"), (7, "is text")]),
        (Text(3, empty=True), [""], [("abcd", "at most 3")]),
        (Text(9, pattern=True), ["a+"], [("(a", "is not a regular expression: missing")]),
    ],
)
def test_limits(limit: Real | Whole | Choice | Flag | Text, good: list[object], bad: list[tuple[object, str]]) -> None:
    """Zero is a number, an open end is out, and each refusal says what would do."""
    param = Param("knob", limit, "words", None)
    assert [problem_with(param, value) for value in good] == [None] * len(good)
    for value, words in bad:
        problem = problem_with(param, value)
        assert problem is not None, value
        assert problem.startswith("knob ")
        assert words in problem


def test_every_default_is_within_its_limits_and_every_relative_is_there() -> None:
    for method in catalogue().methods.values():
        for param in method.params:
            assert problem_with(param, param.default) is None, (method.address, param.name)
            assert param.words
        for relative in method.card.relatives:
            assert relative in catalogue().methods, (method.address, relative)
            assert relative != method.address
        assert method.card.symbols, method.address
        assert method.card.source.where, method.address
        assert set(method.needs) <= set(KINDS[method.kind].data)


def test_reading_imports_nothing_and_takes_no_time() -> None:
    """In a fresh process: no torch, no method, and far below the second that a page may take."""
    code = (
        "import sys; from workers.contract.catalogue import read_catalogue; c = read_catalogue(); "
        "print(len(c.methods), *sorted(m for m in sys.modules if m.startswith(('torch', 'workers'))))"
    )
    root = Path(__file__).resolve().parents[3]
    told = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    count, *modules = told.stdout.split()
    assert int(count) == len(catalogue().methods)
    mine = ("addresses", "card", "catalogue", "kinds", "limits", "method", "methodfile")
    assert set(modules) == {"workers", "workers.contract"} | {f"workers.contract.{name}" for name in mine}
    times = []
    for _ in range(5):
        start = time.perf_counter()
        read_catalogue()
        times.append(time.perf_counter() - start)
    assert min(times) < 0.02 * len(catalogue().methods)
