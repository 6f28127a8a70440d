"""Forms from parameters: every method's form shows its defaults and gives them back; bounds hold, and 0 is a number."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labapp import shelf
from labapp.workshop.forms import ParamsForm, differing, method_form, texts
from labapp.workshop.wording import default_words, limit_words, text_of, value_of
from workers.contract.card import Choice, Flag, Limit, Real, Text, Whole
from workers.contract.limits import Param
from workers.contract.method import Method

METHODS = sorted(shelf.catalogue().methods.values(), key=lambda method: method.address)


def form(limit: Limit, default: object, text: str | None) -> ParamsForm:
    return ParamsForm([Param("x", limit, "what it does", default)], "p", {} if text is None else {"p.x": text})


def test_it_works() -> None:
    values, wrong = form(Real(0, 1), 0.5, "0.25").values()
    assert values == {"x": 0.25}
    assert wrong == {}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.address)
def test_every_form_gives_its_defaults_back(method: Method) -> None:
    data = texts(method, "credit.params", {})
    values, wrong = method_form(method, "credit.params", data).values()
    assert wrong == {}
    assert values == method.defaults()
    assert differing(method, values) == {}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.address)
def test_every_form_says_its_words(method: Method) -> None:
    for row in method_form(method, "params").rows():
        assert row["bound"].help_text.strip()
        assert not row["differs"]


@pytest.mark.parametrize(
    ("limit", "text", "value"),
    [
        (Real(0, 1), "0", 0.0),
        (Real(), "-1e-7", -1e-7),
        (Whole(0, 5), "0", 0),
        (Whole(), " 12 ", 12),
        (Flag(), "on", True),
        (Flag(), "", False),
        (Choice(("std", "none")), "none", "none"),
        (Text(empty=True), "", ""),
        (Text(), "a\r\nb", "a\nb"),
    ],
)
def test_texts_are_read(limit: Limit, text: str, value: object) -> None:
    made = value_of(limit, text)
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    ("limit", "text", "words"),
    [
        (Real(0, 1), "1.5", "at most 1"),
        (Real(0, 1, open_low=True), "0", "more than 0"),
        (Real(0, 1, open_high=True), "1", "less than 1"),
        (Real(), "nan", "finite"),
        (Real(), "inf", "finite"),
        (Real(), "1,5", "needs a number"),
        (Real(), "", "needs a number; 0 is one"),
        (Whole(1), "0", "at least 1"),
        (Whole(), "1.5", "needs a whole number"),
        (Choice(("std", "none")), "other", "one of std, none"),
        (Text(3), "abcd", "4 characters"),
        (Text(address=True), "ftp://host/v1", "is an address such as"),
        (Text(key=True), "DATABASE_URL", "names a variable MERIT_KEY_"),
        (Text(), "", "may not be empty"),
    ],
)
def test_wrong_texts_say_what_is_wrong_at_their_field(limit: Limit, text: str, words: str) -> None:
    values, wrong = form(limit, 7, text).values()
    assert list(wrong) == ["p.x"]
    assert words in wrong["p.x"]
    assert values == {"x": 7}


def test_zero_is_a_bound() -> None:
    """Bounds are tested with `is None`: a low of 0 still refuses what is below it."""
    assert form(Real(low=0), 1.0, "-0.1").values()[1]
    assert form(Whole(high=0), 0, "1").values()[1]
    assert limit_words(Real(low=0)) == "at least 0"
    assert limit_words(Whole(high=0)) == "whole, at most 0"


def test_a_value_of_zero_is_marked_as_changed() -> None:
    (row,) = form(Real(0, 1), 0.5, "0").rows()
    assert row["differs"]
    (row,) = form(Real(0, 1), 0.0, "0").rows()
    assert not row["differs"]


def test_a_tick_box_that_is_off_is_absent() -> None:
    assert form(Flag(), True, None).values() == ({"x": False}, {})
    assert form(Flag(), True, "on").values() == ({"x": True}, {})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_reals_survive_as_text(value: float) -> None:
    made = value_of(Real(), text_of(value))
    assert made == value
    assert isinstance(made, float)
    assert math.copysign(1, made) == math.copysign(1, value)


@given(st.integers())
def test_whole_numbers_survive_as_text(value: int) -> None:
    assert value_of(Whole(), text_of(value)) == value


@given(st.text().filter(lambda text: "\r" not in text))
def test_texts_survive_as_text(value: str) -> None:
    assert value_of(Text(), text_of(value)) == value


@pytest.mark.parametrize(
    ("default", "words"),
    [(True, "yes"), (False, "no"), (0, "0"), (0.0, "0.0"), ("\n", "'\\n'"), ("a", "a"), (None, "")],
)
def test_defaults_in_words(default: object, words: str) -> None:
    assert default_words(default) == words


def test_text_with_a_line_break_gets_a_box_of_several_lines() -> None:
    """A box of one line would drop it, and with it the default."""
    (row,) = form(Text(10), "\n", None).rows()
    assert "<textarea" in str(row["bound"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.2 → 0.1 over 0.5", {"start": 0.2, "end": 0.1, "share": 0.5}),
        ("0.2->0.1", {"start": 0.2, "end": 0.1, "share": 1.0}),
        (" 1 → 0 over 1 ", {"start": 1.0, "end": 0.0, "share": 1.0}),
    ],
)
def test_a_schedule_is_read_from_one_text(text: str, value: object) -> None:
    assert value_of(Real(0, 1), text, schedules=True) == value
    assert value_of(Real(0, 1), text_of(value), schedules=True) == value


@pytest.mark.parametrize("text", ["→", "0.2 →", "→ 1", "a → b", "0.2 → 0.1 over", "0.2 → 0.1 over half", "1 → 2 → 3"])
def test_what_is_no_schedule_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="needs a schedule such as"):
        value_of(Real(0, 1), text, schedules=True)


def test_only_parts_of_a_recipe_follow_schedules() -> None:
    with pytest.raises(ValueError, match="needs a number"):
        value_of(Real(0, 1), "0.2 → 0.1")
    with pytest.raises(ValueError, match="needs a whole number"):
        value_of(Whole(0, 9), "2 → 1", schedules=True)
