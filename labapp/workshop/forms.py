"""Forms made from parameters: fields, limits, words and defaults come from a method's signature and nowhere else.

A field is named by its path in the run's document (`credit.params.std`), so a trouble found anywhere in the
document knows its field. Numbers are text in a form; `text_of` and `value_of` turn one into the other without loss.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from workers.contract.card import Choice, Flag, Limit, Real, Text, Whole
from workers.contract.limits import Param, problem_with
from workers.contract.method import Method

LONG_TEXT = 120  # characters from which a text gets a box of several lines


def text_of(value: object) -> str:
    """What a form shows for a JSON value: the shortest text that reads back as the same value."""
    if value is None or value is False:
        return ""
    return "on" if value is True else repr(value) if isinstance(value, float) else str(value)


def value_of(limit: Limit, text: str) -> object:
    """The JSON value that `text` stands for under `limit`; ValueError with a sentence when it stands for none."""
    if isinstance(limit, Flag):
        return text not in ("", "off", "false")
    if isinstance(limit, Choice):
        return text
    if isinstance(limit, Text):
        return text.replace("\r\n", "\n")
    return _number_of(limit, text.strip())


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
        return f"at most {limit.longest} characters" + (", may be empty" if limit.empty else "")
    return ("whole, " if isinstance(limit, Whole) else "") + _range_words(limit)


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


class LimitField(forms.Field):
    """One parameter as a field: its words are the help, its limit the validation, its default the initial value."""

    def __init__(self, param: Param) -> None:
        self.param = param
        super().__init__(
            required=False,  # an empty number is a trouble of its own, said in words of its own
            label=param.name.replace("_", " "),
            help_text=param.words,
            initial=text_of(param.default),
            widget=_widget(param),
        )

    def to_python(self, value: Any) -> object:
        """The JSON value; ValidationError when the text is none or breaks the limit."""
        try:
            made = value_of(self.param.limit, "" if value is None or value is False else str(value))
        except ValueError as error:
            raise forms.ValidationError(f"{self.param.name} {error}") from None
        problem = problem_with(self.param, made)
        if problem is not None:
            raise forms.ValidationError(problem)
        return made

    @property
    def range_words(self) -> str:
        """The limit in words."""
        return limit_words(self.param.limit)

    @property
    def is_flag(self) -> bool:
        """Whether it is drawn as a tick box."""
        return isinstance(self.param.limit, Flag)

    def differs(self, value: object) -> bool:
        """Whether `value` (a text of the form, or a JSON value) is not the default."""
        try:
            made = value_of(self.param.limit, value if isinstance(value, str) else text_of(value))
        except ValueError:
            return True
        return made != self.param.default


def _widget(param: Param) -> forms.Widget:
    limit = param.limit
    if isinstance(limit, Flag):
        return forms.CheckboxInput()
    if isinstance(limit, Choice):
        return forms.Select(choices=[(option, option.replace("_", " ")) for option in limit.options])
    if isinstance(limit, Text):
        # A one-line box drops line breaks, and with them a default that holds one.
        long = limit.longest > LONG_TEXT or (isinstance(param.default, str) and "\n" in param.default)
        return forms.Textarea(attrs={"rows": 2}) if long else forms.TextInput(attrs={"maxlength": limit.longest})
    # Not type=number: browsers empty it when they dislike the text, and then nobody can say what was wrong with it.
    mode = "numeric" if isinstance(limit, Whole) else "decimal"
    return forms.TextInput(attrs={"inputmode": mode, "autocomplete": "off", "class": "number"})


class ParamsForm(forms.Form):
    """The form of some parameters; fields are named `<prefix>.<parameter>`."""

    def __init__(self, params: Iterable[Param], prefix: str, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data=data, prefix=prefix, auto_id="f.%s", use_required_attribute=False)
        for param in params:
            self.fields[param.name] = LimitField(param)

    def add_prefix(self, field_name: str) -> str:
        """`<prefix>.<name>`: the path in the run's document."""
        return f"{self.prefix}.{field_name}" if self.prefix else field_name

    def rows(self) -> list[dict[str, Any]]:
        """What the template draws: each bound field, whether it differs from its default, and the default in words."""
        made = []
        for bound in self:
            field = bound.field
            assert isinstance(field, LimitField)
            default = field.param.default
            differs = default is not None and field.differs(bound.value())
            made.append({"bound": bound, "differs": differs, "default": default_words(default)})
        return made

    def values(self) -> tuple[dict[str, object], dict[str, str]]:
        """Every parameter's value, and {field path: sentence} for those whose text is wrong (they keep the default)."""
        self.is_valid()
        values = {name: self.cleaned_data.get(name, field.param.default) for name, field in self._limited()}
        wrong = {self.add_prefix(name): str(errors[0]) for name, errors in self.errors.items() if errors}
        return values, wrong

    def _limited(self) -> Iterable[tuple[str, LimitField]]:
        return ((name, field) for name, field in self.fields.items() if isinstance(field, LimitField))


def method_form(method: Method, prefix: str, data: Mapping[str, Any] | None = None) -> ParamsForm:
    """The form of one method; unbound it shows the defaults."""
    return ParamsForm(method.params, prefix, data)


def differing(method: Method, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of `values` those that are not the method's defaults, in the order of its signature (as a Pick holds them)."""
    defaults = method.defaults()
    return {name: values[name] for name in defaults if name in values and values[name] != defaults[name]}


def texts(method: Method, prefix: str, params: Mapping[str, Any]) -> dict[str, str]:
    """The form data that shows `params` over the method's defaults; a tick box that is off is absent."""
    values = method.defaults() | {name: value for name, value in params.items() if name in method.defaults()}
    flags = {param.name for param in method.params if isinstance(param.limit, Flag)}
    return {
        f"{prefix}.{name}": text_of(value) for name, value in values.items() if not (name in flags and value is False)
    }
