"""What a reward may ask for beyond the completions: records and signatures of the helpers that the engine supplies.

Each helper takes a batch and answers each element by itself; what fails is said in the answer's `error`, not raised.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


@dataclass(frozen=True)
class Query:
    """SQL to be run on a fresh database that `schema` (SQL too) builds."""

    schema: str
    sql: str


@dataclass(frozen=True)
class Table:
    """The rows that a query gave (at most a few thousand), or why it gave none."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    error: str = ""


class Queries(Protocol):
    """Runs SQL inside the sandbox."""

    def __call__(self, queries: Sequence[Query], database: str = "sqlite") -> list[Table]:
        """One table a query; `database` is `sqlite` or `duckdb`."""


@dataclass(frozen=True)
class Program:
    """Python to be run, and then each of `tests` (statements, mostly asserts) in the same names."""

    source: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Ran:
    """Which tests passed, in their order; `error` is what the program itself, or the first failing test, said; of
    `trusting` of the passed ones the program could have claimed that they did."""

    passed: tuple[bool, ...]
    error: str = ""
    trusting: int = 0


class Programs(Protocol):
    """Runs Python programs inside the sandbox."""

    def __call__(self, programs: Sequence[Program], seconds: float = 2.0) -> list[Ran]:
        """One record a program; each may run for `seconds`, tests included."""


@dataclass(frozen=True)
class Chat:
    """A question to a model behind an OpenAI-compatible address. The key is read from the environment variable
    `key_variable` of the worker."""

    url: str
    model: str
    messages: tuple[Mapping[str, str], ...]
    key_variable: str = ""
    most_tokens: int = 512
    temperature: float = 0.0


@dataclass(frozen=True)
class Reply:
    """The text that came back, or why none did."""

    text: str = ""
    error: str = ""


class Chats(Protocol):
    """Asks models; equal questions are asked once, failures are retried with growing pauses."""

    def __call__(self, chats: Sequence[Chat]) -> list[Reply]:
        """One reply a question."""


class Service(Protocol):
    """Posts completions to a reward service in the form that TRL and OpenRLHF users have."""

    def __call__(self, url: str, body: Mapping[str, Any], key_variable: str = "") -> tuple[Mapping[str, Any], str]:
        """The JSON object that came back, and why it could not be had (then the object is empty)."""


@dataclass(frozen=True)
class Text:
    """A prompt and what follows it.

    With a `dialogue` (role and content of each turn) the prompt is that, and the completion the next turn, of `role`;
    both are written through the model's chat template, or, where it has none, as lines that begin with the roles.
    """

    prompt: str
    completion: str
    dialogue: tuple[tuple[str, str], ...] = ()
    role: str = "assistant"


class RewardModel(Protocol):
    """A reward model by name: a Hugging Face id or a local directory."""

    def __call__(self, name: str, texts: Sequence[Text]) -> list[float]:
        """One score a text. ValueError for a text that is longer than the model takes."""


class Read(NamedTuple):
    """What a language model found in a completion: the sum of its tokens' log-probabilities in nats, their number, and
    the sum of their raw scores before the softmax."""

    logp: float
    tokens: int
    logit: float = 0.0


class Likelihood(Protocol):
    """A language model by name reads texts."""

    def __call__(self, name: str, texts: Sequence[Text]) -> list[Read]:
        """One record a text, of its completion after its prompt; what the chat template adds does not count. ValueError
        for a text that is longer than the model takes."""
