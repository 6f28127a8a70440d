"""Forms made from parameters: fields, limits, words and defaults come from a method's signature and nowhere else.

A field is named by its path in the run's document (`credit.params.std`), so a trouble found anywhere in the
document knows its field.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from labapp.workshop.wording import default_words, limit_words, text_of, value_of
from workers.contract.card import Choice, Flag, Text, Whole
from workers.contract.limits import Param, problem_with
from workers.contract.method import Method

FIXED = ("rewards", "tasks")  # what is measured and what is asked stay the same over a run
LONG_TEXT = 120  # characters from which a text gets a box of several lines
MODELS = "learned-models"  # the page's list of the team's runs, which a field that names a model offers


class LimitField(forms.Field):
    """One parameter as a field: its words are the help, its limit the validation, its default the initial value."""

    def __init__(self, param: Param, schedules: bool = False) -> None:
        self.param, self.schedules = param, schedules
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
            made = value_of(self.param.limit, "" if value is None or value is False else str(value), self.schedules)
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
            made = value_of(self.param.limit, value if isinstance(value, str) else text_of(value), self.schedules)
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
        long = limit.longest > LONG_TEXT and not (limit.address or limit.model)
        if long or (isinstance(param.default, str) and "\n" in param.default):
            return forms.Textarea(attrs={"rows": 2})
        offered = {"list": MODELS, "spellcheck": "false"} if limit.model else {}
        return forms.TextInput(attrs={"maxlength": limit.longest, **offered})
    # Not type=number: browsers empty it when they dislike the text, and then nobody can say what was wrong with it.
    mode = "numeric" if isinstance(limit, Whole) else "decimal"
    return forms.TextInput(attrs={"inputmode": mode, "autocomplete": "off", "class": "number"})


class ParamsForm(forms.Form):
    """The form of some parameters; fields are named `<prefix>.<parameter>`."""

    def __init__(
        self, params: Iterable[Param], prefix: str, data: Mapping[str, Any] | None = None, schedules: bool = False
    ) -> None:
        super().__init__(data=data, prefix=prefix, auto_id="f.%s", use_required_attribute=False)
        for param in params:
            self.fields[param.name] = LimitField(param, schedules)

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
    """The form of one method; unbound it shows the defaults. Numbers of a recipe's parts may follow a schedule."""
    return ParamsForm(method.params, prefix, data, schedules=method.kind not in FIXED)


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
