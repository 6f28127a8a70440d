"""Folds a run's events into what its page shows: one pure function for server and tests, mirrored in the browser.

The latest attempt of each step wins, so a run taken up from a checkpoint shows one unbroken curve.
"""

from collections.abc import Iterable, Mapping
from typing import Any

KEPT_TROUBLES = 50
KEPT_PREVIEWS = 3  # steps whose first rollouts are in the view; older ones are read from their files


def empty() -> dict[str, Any]:
    """The view of a run of which nothing is known yet."""
    return {
        "seq": 0, "state": "draft", "reason": None, "step": 0, "attempt": 0, "progress": None,
        "metrics": {}, "rollouts": {}, "previews": [], "checkpoints": {}, "front": {}, "troubles": [], "notes": [],
    }  # fmt: skip


def fold(view: dict[str, Any], events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`view` after `events` (each {seq, attempt, step, kind, data, at}); events already seen change nothing.

    `metrics` is {name: {step: value}}, `rollouts`, `checkpoints` and `front` are {step: data}; steps are strings, as
    in JSON. `previews` lists the steps whose rollouts still have their `preview`, the newest last. The view given is
    changed and returned.
    """
    for event in events:
        if event["seq"] > view["seq"]:
            view["seq"] = event["seq"]
            _take(view, event)
    return view


def _take(view: dict[str, Any], event: Mapping[str, Any]) -> None:
    kind, data, step = event["kind"], event["data"], str(event["step"])
    if event["attempt"] > view["attempt"]:
        _new_attempt(view, event)
    if kind == "state":
        view["state"], view["reason"] = data["state"], data.get("reason")
    elif kind == "progress":
        view["progress"] = data
    elif kind == "metrics":
        view["step"], view["progress"] = event["step"], None
        for name, value in data["values"].items():
            view["metrics"].setdefault(name, {})[step] = value
    elif kind == "rollouts":
        _take_rollouts(view, step, data)
    elif kind == "front":
        view["front"][step] = data
    elif kind == "checkpoint":
        view["checkpoints"][step] = data
    elif kind == "trouble":
        view["troubles"] = [*view["troubles"], data | {"step": event["step"]}][-KEPT_TROUBLES:]
    else:
        note = {"step": event["step"], "text": data["text"], "at": event["at"]}
        view["notes"] = [*view["notes"], note][-KEPT_TROUBLES:]


def _take_rollouts(view: dict[str, Any], step: str, data: dict[str, Any]) -> None:
    """Only the newest steps keep their previews: a view of thousands of steps must stay small enough to be sent."""
    view["rollouts"][step] = data
    view["previews"] = [*(one for one in view["previews"] if one != step), step]
    for old in view["previews"][:-KEPT_PREVIEWS]:
        view["rollouts"][old] = {name: value for name, value in view["rollouts"][old].items() if name != "preview"}
    view["previews"] = view["previews"][-KEPT_PREVIEWS:]


def _new_attempt(view: dict[str, Any], event: Mapping[str, Any]) -> None:
    """A new worker took the run up after step `event.step`: what an earlier one wrote past that is forgotten."""
    view["attempt"], view["step"] = event["attempt"], event["step"]
    for series in view["metrics"].values():
        _forget_after(series, event["step"])
    for kind in ("rollouts", "checkpoints", "front"):
        _forget_after(view[kind], event["step"])
    view["previews"] = [step for step in view["previews"] if int(step) <= event["step"]]


def _forget_after(by_step: dict[str, Any], last: int) -> None:
    for step in [step for step in by_step if int(step) > last]:
        del by_step[step]
