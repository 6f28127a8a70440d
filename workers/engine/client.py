"""Asks an OpenAI-compatible server for completions of one prompt, patiently, and trusts nothing in its answers."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from workers.contract.errors import RunError
from workers.contract.resources import Served
from workers.engine.patient import PAUSE, Line, Unanswered, nonsense


@dataclass(frozen=True)
class Choice:
    """One completion as the server gave it: its text, why it ended (`stop`, `length`, anything else), and the server's
    tokens with their log-probabilities, nats, where it told them."""

    text: str
    reason: str
    tokens: tuple[str, ...] = ()
    logps: tuple[float, ...] = ()


class Client:
    """One server. Threads may ask at the same time; `pause` shortens the waiting in tests."""

    def __init__(self, served: Served, pause: float = PAUSE) -> None:
        self.served = served
        try:
            self._line = Line(served.key_variable, served.timeout, pause)
        except Unanswered as error:
            raise RunError("sampling", error.what, error.mend) from error

    def close(self) -> None:
        """Give the connections back."""
        self._line.close()

    def complete(self, prompt: str, count: int, new_tokens: int, temperature: float, seed: int) -> list[Choice]:
        """`count` completions of a prompt. A server that gives fewer at a time is asked again for the others.

        RunError at `sampling` when it refuses, cannot be reached after several tries, or talks nonsense.
        """
        found: list[Choice] = []
        while len(found) < count:
            body = {
                "model": self.served.model, "prompt": prompt, "n": count - len(found), "max_tokens": new_tokens,
                "temperature": temperature, "seed": seed + len(found), "logprobs": 1,
            }  # fmt: skip
            found += self._asked(body)
        return found[:count]

    def _asked(self, body: dict[str, Any]) -> list[Choice]:
        try:
            return _choices(self._line.post(f"{self.served.url.rstrip('/')}/completions", body))
        except Unanswered as error:
            mend = "Is it an OpenAI-compatible server with /completions?" if error.nonsense else error.mend
            what = f"the server {self.served.url} {error.what}"
            raise RunError("sampling", what, mend, {"model": self.served.model}) from error


def _choices(document: Any) -> list[Choice]:
    listed = document.get("choices") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not listed:
        raise nonsense("no `choices`")
    return [_choice(item) for item in listed]


def _choice(item: Any) -> Choice:
    text = item.get("text") if isinstance(item, dict) else None
    if not isinstance(text, str):
        raise nonsense("a choice without a `text`")
    return Choice(text, str(item.get("finish_reason")), *_logps(item.get("logprobs")))


def _logps(given: Any) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """The server's tokens and their log-probabilities; nothing when they are missing or make no sense."""
    tokens, logps = (given.get(name) if isinstance(given, dict) else None for name in ("tokens", "token_logprobs"))
    if not isinstance(tokens, list) or not isinstance(logps, list) or len(tokens) != len(logps):
        return (), ()
    sound = all(isinstance(x, int | float) and isfinite(x) and x <= 0 for x in logps)
    return (tuple(map(str, tokens)), tuple(map(float, logps))) if sound else ((), ())
