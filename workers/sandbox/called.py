"""The inside, after the walls: calls the user's function in the form in which it is written, and makes plain JSON of
what it gives. What it says is believed nowhere; `results.py` looks at each value."""

import types
from collections.abc import Callable
from typing import Any

LONGEST_TEXT = 500  # letters of a text that a function gives beside its values
DEEPEST = 4  # lists and dicts within one another: a batch, a completion's spans, a span, its values


class Call:
    """One request: its arguments, and what the function logs while it runs."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._arguments: dict[str, Any] = request["arguments"]
        self._each: int | None = request["each"]
        self._metrics: dict[str, list[Any]] = {}
        self._extras: dict[str, list[Any]] = {}
        made = {
            "trainer_state": types.SimpleNamespace(**request["state"]),
            "log_metric": lambda name, value: self._metrics.setdefault(str(name), []).append(value),
            "log_extra": lambda column, values: self._extras.setdefault(str(column), []).extend(values),
        }
        self._helpers = {name: made[name] for name in request["helpers"]}

    def answer(self, function: Callable[..., Any], loop: Any) -> dict[str, Any]:
        """What the function gives for the batch (or for each sample, where it takes one at a time) and logged."""
        given = self._all(function, loop) if self._each is None else self._one_by_one(function, self._each, loop)
        return {"given": plain(given), "metrics": plain(self._metrics), "extras": plain(self._extras)}

    def _all(self, function: Callable[..., Any], loop: Any) -> Any:
        given = function(**self._arguments, **self._helpers)
        return given if loop is None else loop.run_until_complete(given)

    def _one_by_one(self, function: Callable[..., Any], count: int, loop: Any) -> Any:
        rows = [{name: column[n] for name, column in self._arguments.items()} | self._helpers for n in range(count)]
        if loop is None:
            return [function(**row) for row in rows]
        import asyncio  # it was imported with the loop

        async def together() -> Any:
            return await asyncio.gather(*[function(**row) for row in rows])

        return loop.run_until_complete(together())


def plain(value: Any, depth: int = 0) -> Any:
    """A result as JSON: numbers (of any library), None, lists, {"parts": dict}; anything else as {"alien": words}, and
    `text` beside that where it is one."""
    if value is None or isinstance(value, bool | int | float):
        return None if value is None else float(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist(), depth)
    if isinstance(value, list | tuple) and depth < DEEPEST:
        return [plain(each, depth + 1) for each in value]
    if isinstance(value, dict) and depth < DEEPEST:
        return {"parts": {str(name): plain(each, depth + 1) for name, each in value.items()}}
    if hasattr(value, "__float__"):
        return float(value)
    alien = {"alien": f"{type(value).__name__} {value!r:.80}"}
    return {**alien, "text": value[:LONGEST_TEXT]} if isinstance(value, str) else alien
