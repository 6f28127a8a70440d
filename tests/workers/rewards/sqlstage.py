"""Answers to questions about one small database, and rewards of them with the real sandbox."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from workers.contract.answers import Answers
from workers.contract.services import Chat, Reply
from workers.contract.values import Values
from workers.engine.facilities import Facilities
from workers.engine.load import call, load
from workers.engine.tensors import Progress

USERS = (
    "CREATE TABLE users(id INTEGER, name TEXT, age INTEGER);"
    "INSERT INTO users VALUES (1, 'Ada', 30), (2, 'Ben', 31), (3, 'Cleo', 40);"
)


class Judges:
    """A judge that says what it was told to, and keeps what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[Chat] = []

    def __call__(self, chats: Sequence[Chat]) -> list[Reply]:
        self.asked += chats
        return [self.replies[n % len(self.replies)] for n in range(len(chats))]


@cache
def facilities() -> Facilities:
    """One set of helpers for all tests: its children end with the process."""
    return Facilities()


def reward(
    name: str,
    texts: Sequence[str],
    columns: Mapping[str, Any],
    params: Mapping[str, object] | None = None,
    **given: Any,
) -> Values | list[float | None]:
    """A reward of texts; a column is one value for all, or a list with one each."""
    count = len(texts)
    held = {key: tuple(value) if isinstance(value, list) else (value,) * count for key, value in columns.items()}
    answers = Answers(tuple(texts), ("who?",) * count, (9,) * count, ("finished",) * count, held)
    loaded = load("rewards", name)
    asked = tuple(need for need in loaded.method.needs if need in ("queries", "programs"))
    supplied = {"answers": answers, "progress": Progress(1, 10), "chats": Judges(Reply("0"))}
    supplied |= facilities().supply(asked, "tests", 1) | given
    found: Values | list[float | None] = call(loaded, supplied, dict(params or {}))
    return found
