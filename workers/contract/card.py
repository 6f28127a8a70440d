"""The words a method file uses to describe itself: its card, and the limits of its parameters.

These classes are read in two ways. Workers import them; the web side never imports a method and
evaluates the same words from the file's text (see `methodfile.py`), so every argument must be a literal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Source:
    """Where a definition was published: who, where, and the place inside the document."""

    authors: str
    where: str
    place: str = ""
    url: str = ""


@dataclass(frozen=True)
class Departure:
    """A promise of its kind that a method breaks on purpose, with the reason. Tests assert that it does."""

    promise: str
    reason: str


@dataclass(frozen=True)
class Exhibit:
    """A small run beside its baseline: the claim it should show and how the two differ.

    `shared`, `baseline` and `variant` set fields of a run's document by dotted path, over the guided run: first what
    both share, then each one's own. `watch` names the curves that tell, the one that decides first; `better` says
    which way is better there (`higher`, `lower`; a reward is always better higher). `found` is what was measured, in
    words and figures.
    """

    claim: str
    watch: tuple[str, ...] = ()
    better: str = "higher"
    shared: Mapping[str, object] = field(default_factory=dict)
    baseline: Mapping[str, object] = field(default_factory=dict)
    variant: Mapping[str, object] = field(default_factory=dict)
    found: str = ""


@dataclass(frozen=True)
class Card:
    """What a method's page says that its signature cannot.

    `formula` is LaTeX; `symbols` maps each LaTeX symbol to a phrase; `relatives` are `kind/name` addresses;
    `bounds` is the range of a reward's value; `departs` lists promises broken on purpose; `unit` says whether an
    objective gives a loss for every token or one for every `group`, which no reduction weighs, and whether a selection
    that follows credit weighs tokens or leaves out a whole `completion`. A recipe with this method must have one of its
    `partners` (`kind/name`) as well. `compose` is how a combination reads in the formula of a whole reward: LaTeX with
    `<0>`, `<1>`, … for its parts (`<b0>`: in brackets where it is a sum; `<*>`: any number, with commas between them)
    and `<name>` for its parameters, or what stands between any number of parts.
    """

    title: str
    formula: str
    source: Source
    symbols: Mapping[str, str] = field(default_factory=dict)
    relatives: tuple[str, ...] = ()
    sure: str = "high"
    doubts: str = ""
    departs: tuple[Departure, ...] = ()
    bounds: tuple[float, float] | None = None
    exhibit: Exhibit | None = None
    unit: str = "token"
    partners: tuple[str, ...] = ()
    compose: str = ""


@dataclass(frozen=True)
class Real:
    """A real number between `low` and `high`, both included unless opened; None means unbounded."""

    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False


@dataclass(frozen=True)
class Whole:
    """A whole number between `low` and `high`, both included; None means unbounded."""

    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class Choice:
    """One of a few named options."""

    options: tuple[str, ...]


@dataclass(frozen=True)
class Flag:
    """Yes or no."""


@dataclass(frozen=True)
class Text:
    """A piece of text of at most `longest` characters; `empty` says whether it may be left empty, `pattern` whether it
    has to be a regular expression, `address` whether a server's (http or https), `key` whether the name of a variable
    of the worker's environment that holds a server's key, `model` whether it names a model: an id on the hub, a
    directory, or `run:<number>` for what another run learned, which is a directory when the method is asked."""

    longest: int = 2000
    empty: bool = False
    pattern: bool = False
    address: bool = False
    key: bool = False
    model: bool = False


Limit = Real | Whole | Choice | Flag | Text
WORDS: dict[str, type] = {
    cls.__name__: cls for cls in (Source, Departure, Exhibit, Card, Real, Whole, Choice, Flag, Text)
}
