"""Asks an OpenAI-compatible server for completions of one prompt, patiently, and trusts nothing in its answers."""

import os
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

import httpx

from workers.contract.errors import RunError
from workers.contract.resources import KEY_PREFIX, Served

TRIES = 6
PAUSE = 1.0  # seconds before the second try; twice as long each further time
LONGEST_PAUSE = 60.0  # seconds, whatever the server asks for
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
MENDS = {
    401: "Set the environment variable that `key_variable` names to a valid key, on the worker.",
    403: "Set the environment variable that `key_variable` names to a valid key, on the worker.",
    404: "Check the URL (it ends with /v1 as a rule) and the model's name.",
}


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
        self.served, self._pause = served, pause
        limits = httpx.Limits(max_connections=None)
        # No proxies, netrc or redirects: the key goes where the spec says and nowhere else.
        self._http = httpx.Client(headers=_headers(served), timeout=served.timeout, limits=limits, trust_env=False)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

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
            found += self._choices(self._post(body))
        return found[:count]

    def _post(self, body: dict[str, Any]) -> Any:
        """The server's JSON; waits and asks again while it is busy or away."""
        said = ""
        for number in range(TRIES):
            try:
                answer = self._http.post(f"{self.served.url.rstrip('/')}/completions", json=body)
            except httpx.TimeoutException:
                said, wait = f"no answer within {self.served.timeout:g} s", 0.0
            except httpx.TransportError as error:
                said, wait = str(error) or type(error).__name__, 0.0
            else:
                if answer.status_code not in BUSY:
                    return self._json(answer)
                said, wait = f"{answer.status_code} {_told(answer)}", _asked_to_wait(answer)
            if number + 1 < TRIES:
                time.sleep(min(LONGEST_PAUSE, max(wait, self._pause * 2**number)))
        mend = "Check that the server runs and can be reached from the worker, then resume the run."
        raise self._error(f"gave no answer in {TRIES} tries ({said}).", mend)

    def _json(self, answer: httpx.Response) -> Any:
        if answer.status_code != httpx.codes.OK:
            mend = MENDS.get(answer.status_code, "Ask the server for what it takes.")
            raise self._error(f"refused ({answer.status_code}): {_told(answer)}", mend)
        try:
            return answer.json()
        except ValueError as error:  # includes bytes that are no UTF-8
            raise self._nonsense(f"what is no JSON: {_told(answer)}") from error

    def _choices(self, document: Any) -> list[Choice]:
        listed = document.get("choices") if isinstance(document, dict) else None
        if not isinstance(listed, list) or not listed:
            raise self._nonsense("no `choices`")
        return [self._choice(item) for item in listed]

    def _choice(self, item: Any) -> Choice:
        text = item.get("text") if isinstance(item, dict) else None
        if not isinstance(text, str):
            raise self._nonsense("a choice without a `text`")
        return Choice(text, str(item.get("finish_reason")), *_logps(item.get("logprobs")))

    def _nonsense(self, what: str) -> RunError:
        return self._error(f"answered with {what}.", "Is it an OpenAI-compatible server with /completions?")

    def _error(self, what: str, mend: str) -> RunError:
        return RunError("sampling", f"the server {self.served.url} {what}", mend, {"model": self.served.model})


def _headers(served: Served) -> dict[str, str]:
    if not served.key_variable:
        return {}
    key = os.environ.get(served.key_variable, "") if served.key_variable.startswith(KEY_PREFIX) else ""
    if not key:
        what = f"the environment variable {served.key_variable} with the server's key is not set."
        raise RunError("sampling", what, f"Set it where the worker starts; its name begins with {KEY_PREFIX}.")
    return {"Authorization": f"Bearer {key}"}


def _told(answer: httpx.Response) -> str:
    """What a server says of a failure, on one short line."""
    return " ".join(answer.text.split())[:200]


def _asked_to_wait(answer: httpx.Response) -> float:
    """The seconds of `Retry-After`, given as such or as a date; 0 without."""
    said = answer.headers.get("retry-after", "")
    if said.isdecimal():
        return float(said)
    try:
        return parsedate_to_datetime(said).timestamp() - time.time()
    except ValueError:
        return 0.0


def _logps(given: Any) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """The server's tokens and their log-probabilities; nothing when they are missing or make no sense."""
    tokens, logps = (given.get(name) if isinstance(given, dict) else None for name in ("tokens", "token_logprobs"))
    if not isinstance(tokens, list) or not isinstance(logps, list) or len(tokens) != len(logps):
        return (), ()
    sound = all(isinstance(x, int | float) and isfinite(x) and x <= 0 for x in logps)
    return (tuple(map(str, tokens)), tuple(map(float, logps))) if sound else ((), ())
