"""Values and limits as the texts of a form and as words for people; `text_of` and `value_of` lose nothing."""

from collections.abc import Mapping

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from workers.contract.card import Choice, Flag, Limit, Real, Text, Whole
from workers.contract.limits import SCHEDULE

ARROW = "→"
SCHEDULED = f"0.2 {ARROW} 0.1 over 0.5"  # how a schedule is written: from, to, over which share of the steps


def text_of(value: object) -> str:
    """What a form shows for a JSON value: the shortest text that reads back as the same value."""
    if value is None or value is False:
        return ""
    if isinstance(value, Mapping) and set(value) == set(SCHEDULE):
        return f"{text_of(value['start'])} {ARROW} {text_of(value['end'])} over {text_of(value['share'])}"
    return "on" if value is True else repr(value) if isinstance(value, float) else str(value)


def value_of(limit: Limit, text: str, schedules: bool = False) -> object:
    """The JSON value that `text` stands for under `limit`; ValueError with a sentence when it stands for none.

    With `schedules` a real number may change over the run: `0.2 → 0.1 over 0.5` (or `->`; all of it without `over`).
    """
    if schedules and isinstance(limit, Real) and (ARROW in text or "->" in text):
        return _schedule_of(limit, text.replace("->", ARROW))
    if isinstance(limit, Flag):
        return text not in ("", "off", "false")
    if isinstance(limit, Choice):
        return text
    if isinstance(limit, Text):
        return text.replace("\r\n", "\n")
    return _number_of(limit, text.strip())


def _schedule_of(limit: Real, text: str) -> dict[str, object]:
    """The schedule that a text says: straight from `start` to `end` over that share of the steps, then level."""
    way, over, share = text.partition("over")
    start, _, end = way.partition(ARROW)
    try:
        parts = (start, end, share if over else "1")
        return {name: _number_of(limit, part.strip()) for name, part in zip(SCHEDULE, parts, strict=True)}
    except ValueError:
        raise ValueError(f"needs a schedule such as {SCHEDULED}, not {text!r}") from None


def _number_of(limit: Real | Whole, text: str) -> int | float:
    if not text:
        raise ValueError("needs a number; 0 is one")
    try:
        return int(text) if isinstance(limit, Whole) else float(text)
    except ValueError:
        kind = "a whole number" if isinstance(limit, Whole) else "a number"
        raise ValueError(f"needs {kind} such as {_sample(limit)}, not {text!r}") from None


def _sample(limit: Real | Whole) -> str:
    low, whole = limit.low, isinstance(limit, Whole)
    if low is not None:
        return str(low + 1 if whole else low + 0.5)
    return "1" if whole else "0.5"


def limit_words(limit: Limit) -> str:
    """The limit in words, for the page of a method and below its field: `0 to 1`, `more than 0`, `std or none`."""
    if isinstance(limit, Flag):
        return "yes or no"
    if isinstance(limit, Choice):
        return " or ".join(limit.options)
    if isinstance(limit, Text):
        return f"{_kind_words(limit)}at most {limit.longest} characters" + (", may be empty" if limit.empty else "")
    return ("whole, " if isinstance(limit, Whole) else "") + _range_words(limit)


def _kind_words(limit: Text) -> str:
    if limit.model:
        return "a model, "
    return "an http or https address, " if limit.address else "a variable MERIT_KEY_…, " if limit.key else ""


def _range_words(limit: Real | Whole) -> str:
    low = None if limit.low is None else ("more than " if getattr(limit, "open_low", False) else "") + f"{limit.low}"
    high = (
        None if limit.high is None else ("less than " if getattr(limit, "open_high", False) else "") + f"{limit.high}"
    )
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return low if low.startswith("more") else f"at least {low}"
    if high is not None:
        return high if high.startswith("less") else f"at most {high}"
    return "any number"


def default_words(default: object) -> str:
    """A default as people read it; empty where a value must be given."""
    if isinstance(default, bool):
        return "yes" if default else "no"
    return repr(default) if isinstance(default, str) and not default.strip() else text_of(default)


def quoted(text: str) -> SafeString:
    """Text with what stands between backticks as code; everything is escaped."""
    parts = (("<code>{}</code>" if place % 2 else "{}", part) for place, part in enumerate(text.split("`")))
    return format_html_join("", "{}", ((format_html(form, part),) for form, part in parts))
