"""Formulas are read against a closed list: what may be said, where an error points, and what is refused."""

import pytest

from workers.contract.formula import FUNCTIONS, NAMES, REDUCTIONS, FormulaError, Shape, as_method, latex, parse

GRPO = "(r - mean(r, group)) / (std(r, group) + 1e-4)"
CLIP = "-min(ratio * A, clip(ratio, 1 - 0.2, 1 + 0.28) * A)"

HOSTILE = [
    "r.__class__", "r.mean()", "r.data", "().__class__.__bases__", "r.__dict__['x']", "ratio.backward",
    "__import__", "__import__('os')", "_r", "__builtins__", "exec(r)", "eval(r)", "open(r)", "getattr(r, A)",
    "print(r)",
    "r[0]", "r[:]", "[r]", "[r for r in r]", "{r}", "{r: r}", "(r for r in r)", "(r, r)", "r, r", "r if r else r",
    "lambda: r", "(lambda x: x)(r)", "mean(*r)", "mean(**r)", "mean(r, over=group)", "clip(r, low=0, high=1)",
    "(q := r)", "f'{r}'", "'r'", "b'r'", "r + '1'", "True", "None", "...", "r and r", "not r", "r in r", "r is r",
    "1 < r < 2", "r // 2", "r % 2", "r @ r", "r << 99", "r ** r", "2 ** 9 ** 9 ** 9 * r", "r ** 1000", "r ** -9",
    "9" * 400 + " * r", "1e999 * r", "r / 0", "r / 0.0", "1_0j * r", "r" * 30, "r\u200b", "\u0433 + r",
    "r\x00", "r;r", "import os\nr", "def f(): r", "while r: r", "x: int = r\nr", "x = y = r\nx", "r = 1\nr",
    "x = r\nx = r\nx",
    "x += r\nx", "del r\nr", "await r", "yield r", "(yield r)", "return r", "assert r", "# r", "r \\\n + r", "r #",
    "@r",
    "(" * 300 + "r" + ")" * 300, "-" * 120 + "r", "+".join(["r"] * 250), "abs(" * 30 + "r" + ")" * 30, "r+" * 1500,
    "", "   ", "\n\n", "1 + 1", "progress", "mean(1, group)", "mean(r)", "mean(r, completion)", "mean(r, everything)",
    "group", "mean", "mean + r", "exp", "exp(r, r)", "clip(r)", "before(r)", "after(length)", "sum(r, group, batch)",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_refused_with_a_place_and_a_sentence(text: str) -> None:
    for kind in ("credit", "objectives"):
        with pytest.raises(FormulaError) as caught:
            parse(text, kind)
        assert caught.value.line >= 1
        assert caught.value.column >= 1
        assert len(caught.value.what) > 10
        assert len(str(caught.value)) < 400, "an error is a sentence, not a copy of the input"


def test_what_is_hostile_is_many() -> None:
    assert len(set(HOSTILE)) >= 50


@pytest.mark.parametrize(
    ("text", "kind", "column", "what"),
    [
        ("r - maen(r, group)", "credit", 5, "Did you mean mean?"),
        ("r + entrpy", "credit", 5, "Did you mean entropy?"),
        ("r + A", "credit", 5, "there is no 'A'"),
        ("1 + ratio * foo.bar", "objectives", 13, "a dot has no place"),
        ("r ** 20", "credit", 6, "between -8 and 8"),
        ("(r + ", "credit", 1, "cannot be read"),
    ],
)
def test_an_error_points_at_its_column(text: str, kind: str, column: int, what: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text, kind)
    assert caught.value.column == column
    assert what in str(caught.value)


def test_an_error_on_a_later_line_says_the_line() -> None:
    with pytest.raises(FormulaError, match="line 2, column 9"):
        parse("b = r\nr - b + q.x", "credit")


def test_shapes_follow_from_what_is_named() -> None:
    assert parse(GRPO, "credit").value.shape is Shape.COMPLETION
    assert parse("r + entropy", "credit").value.shape is Shape.TOKEN
    assert parse("mean(entropy, completion)", "credit").value.shape is Shape.COMPLETION


def test_a_formula_says_what_it_needs() -> None:
    assert parse(GRPO, "credit").needs == ()
    assert as_method(parse("r - value", "credit"), "mine").needs == ("rollouts", "reward_NT", "value_NT")
    assert parse("ratio * A + logp - ref_logp + ref_logp * progress", "objectives").needs == ("ref_logp_NT", "progress")


def test_lines_give_names() -> None:
    made = parse("centred = r - mean(r, group)\n\ncentred / (std(r, group) + 1e-4)", "credit")
    assert [name for name, _ in made.lines] == ["centred"]


def test_it_reads_as_mathematics() -> None:
    assert latex(parse(GRPO, "credit")) == (
        r"A = \frac{r - \mathrm{mean}_{\mathrm{group}}(r)}{\mathrm{std}_{\mathrm{group}}(r) + 0.0001}"
    )
    assert latex(parse("-(r - 1) * 2", "credit")) == r"A = -(r - 1)\,2"
    assert latex(parse("1 + -r * 2 - -r", "credit")) == r"A = 1 + (-r\,2) - (-r)"
    assert latex(parse("2 * -r * 3", "credit")) == r"A = 2\,(-r)\,3"
    assert latex(parse("r - (entropy - 1)", "credit")) == "A = r - (H - 1)"
    assert latex(parse(CLIP, "objectives")).startswith(r"\ell = -\min(\rho\,A, ")


def test_every_word_is_explained() -> None:
    assert all(len(word.words) > 8 for word in NAMES.values())
    assert all(len(word.words) > 8 for word in FUNCTIONS.values())
    assert all(len(words) > 8 for words in REDUCTIONS.values())
