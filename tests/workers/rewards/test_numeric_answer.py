"""Numeric answer: where it looks, what it reads as a number, and its agreement with labels that people made."""

import json
import threading
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.workers.scored import scored
from workers.rewards import numeric_answer

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
SOLUTIONS, TRAIN = DATA / "gsm8k-model-solutions.jsonl", DATA / "gsm8k-train.jsonl"
MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def says(text: str, reference: object, **params: Any) -> float | None:
    return scored("numeric_answer", [text], columns={"answer": [reference]}, **params)[0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("so 16 - 3 = <<16-3=13>>13\n#### 72", "72"),
        ("#### 1,234.50", "1234.5"),
        ("A: $1,000", "1000"),
        ("A: 18 dollars a day", "18"),
        ("A: 18 eggs in 2 days", "18"),  # the first number after the mark
        ("A: 3 * 6 = 18", "18"),  # but what an equation comes to
        ("A: 5\nA: 7", "7"),  # the last mark
        ("A:\n\n 7 dogs", "7"),
        ("**Answer: 12 cm**", "12"),
        ("A: 50%", "50"),
        ("A: 50\\%", "50"),
        ("#### -3", "-3"),
        ("#### - 3", "-3"),
        ("#### −3", "-3"),
        ("A: .5", "1/2"),
        ("A: 12.", "12"),
        ("A: 3/4", "3/4"),
        ("#### 3 1/2", "7/2"),
        (r"so \boxed{\frac{3}{4}}", "3/4"),
        (r"\boxed{2} no, \boxed{\sqrt{16}}", "4"),
        (r"\boxed{3\frac12}", "7/2"),
        (r"\boxed{10{,}000}", "10000"),
        (r"\boxed{5\text{ cm}}", "5"),
        (r"\boxed{2^{10}}", "1024"),
        (r"\boxed{1+\sqrt{4}}", "3"),
        (r"\boxed{3 \times 10^{2}}", "300"),
        ("**12** cm", "12"),
        ("A: 5!", "5"),
        ("from 1990-1995", "1995"),  # no mark: the last number, and a dash is no minus
        ("I have 5 apples and 7", "7"),
        ("x - 3", "3"),
        ("temperature is -3", "-3"),
    ],
)
def test_what_it_reads(text: str, number: str) -> None:
    """Each text means the number beside it, by how people write: checked as a completion and as a reference."""
    assert says(text, str(Fraction(number))) == 1.0
    assert says("#### 0.123456789", text) == 0.0
    value = Fraction(number)
    assert says(f"#### {float(value)}", text) == 1.0


@pytest.mark.parametrize(
    "text",
    ["", "#### five", "A:", r"\boxed{5", "#### ((((", r"\boxed{\frac{1}{0}}", "A: 1/0", r"\boxed{\sqrt{-4}}",
     r"\boxed{9^{9^{9}}}", r"\boxed{9^9^9}", r"\boxed{9^{9999999}}", "9" * 6000,
     r"\boxed{" + "(" * 500 + "}", r"\boxed{x^2}", "A: 12+35-8", r"\boxed{3 \times 3}", "A: 3*3", "A: 2**3"],
)  # fmt: skip
def test_what_is_no_number(text: str) -> None:
    """Neither right as a completion (whatever is asked for), nor a reference to be compared with."""
    for reference in (0, 1, 4, 5, 9, -4):
        assert says(text, reference) == 0.0
    assert says("#### 5", text) is None


@pytest.mark.parametrize(
    ("where", "expected"),
    [("auto", 1), ("####", 1), ("A:", 2), ("boxed", 3), ("last number", 4)],
)
def test_where_the_answer_stands_can_be_chosen(where: str, expected: int) -> None:
    text = "A: 2\n#### 1\n\\boxed{3}, and then 4"
    assert says(text, expected, where=where) == 1.0
    assert says("it is 4", 4, where=where) == (1.0 if where in ("auto", "last number") else 0.0)


@pytest.mark.parametrize(
    ("given", "reference", "tolerance", "value"),
    [
        ("10.05", 10, 0.0, 0.0),
        ("10.05", 10, 0.01, 1.0),  # |10.05 - 10| = 0.05 <= 0.01 x 10
        ("10.2", 10, 0.01, 0.0),
        ("0.005", 0, 0.01, 1.0),  # below 1 it is absolute
        ("0.02", 0, 0.01, 0.0),
        ("9007199254740993", "9007199254740992", 0.0, 0.0),  # beyond what a float can tell apart
        ("0.1", 0.1, 1e-6, 1.0),
        ("3.0", 3, 0.0, 1.0),
    ],
)
def test_tolerance_by_hand(given: str, reference: object, tolerance: float, value: float) -> None:
    assert says(f"A: {given}", reference, tolerance=tolerance) == value


@pytest.mark.parametrize("reference", [None, float("nan"), float("inf"), "none", ""])
def test_without_a_reference_number_it_does_not_apply(reference: object) -> None:
    assert says("#### 5", reference) is None


def test_it_works_off_the_main_thread() -> None:
    """Elsewhere math-verify's clock raises: it must be off, and what could take long must be refused before."""
    numeric_answer._worked_out.cache_clear()
    found: list[float | None] = []
    thread = threading.Thread(target=lambda: found.append(says(r"\boxed{\frac{6}{8}}", "0.75")))
    thread.start()
    thread.join(timeout=60)
    assert found == [1.0]


@pytest.mark.parametrize(
    "expression", ["9^{99}^{99}", "(9^{99})^{99}", r"\sqrt{" * 20 + "9" + "}" * 20, "7" * 100 + "^{99}"]
)
def test_what_reaches_math_verify_ends_soon(expression: str) -> None:
    """Its clock is off, so the longest expressions that pass the door are tried here."""
    says(r"\boxed{1/2}", 0.5)  # the import is paid for
    start = time.perf_counter()
    says(rf"\boxed{{{expression}}}", 1)
    assert time.perf_counter() - start < 2


@pytest.mark.skipif(not SOLUTIONS.exists(), reason=f"{SOLUTIONS.name} is not beside the project in shared/data")
def test_it_agrees_with_the_labels_of_real_solutions() -> None:
    """5,276 solutions of four models: the label of each is what the reward says, in seconds."""
    rows = [json.loads(line) for line in SOLUTIONS.read_text().splitlines()]
    texts = [row[model]["solution"] for row in rows for model in MODELS]
    labels = [float(row[model]["is_correct"]) for row in rows for model in MODELS]
    references = [row["ground_truth"] for row in rows for _ in MODELS]
    start = time.perf_counter()
    found = scored("numeric_answer", texts, columns={"answer": references})
    assert time.perf_counter() - start < 15
    table = Counter(zip(found, labels, strict=True))
    assert table == {(0.0, 0.0): 3275, (1.0, 1.0): 2001}


@pytest.mark.skipif(not TRAIN.exists(), reason=f"{TRAIN.name} is not beside the project in shared/data")
def test_it_reads_every_worked_solution_of_the_train_set() -> None:
    answers = [json.loads(line)["answer"] for line in TRAIN.read_text().splitlines()]
    finals = [answer.rpartition("#### ")[2] for answer in answers]
    assert scored("numeric_answer", answers, columns={"answer": finals}) == [1.0] * 7473
