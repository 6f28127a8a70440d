"""Who is asked in the place of judges, services and models that a test does not have: a real server that answers by
what it reads, and tiny models on disk."""

import atexit
import json
import re
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from tests.workers.engine.asked_models import save_reader, save_reward_model
from tests.workers.engine.scripted import Answer, Asked, ok, said, serving
from workers.contract.method import Method


def with_standins(method: Method, params: dict[str, object]) -> dict[str, object]:
    """The parameters, with the place of whoever the method asks."""
    found = dict(params)
    if "chats" in method.needs:
        found["url"] = f"{_server()}/v1"
    if "service" in method.needs:
        found["url"] = f"{_server()}/get_reward"
    if "reward_model" in method.needs:
        found["name"] = save_once("reward_model")
    if "likelihood" in method.needs:
        found["name"] = save_once("likelihood")
    return found


@cache
def save_once(need: str) -> str:
    """A tiny model's directory, kept until the tests end."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="standin")))
    return save_reward_model(folder) if need == "reward_model" else save_reader(folder)


@cache
def _server() -> str:
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(serving(Asked(reply))).removesuffix("/v1")


def reply(path: str, body: Any) -> Answer:
    """Marks by the number of letters: a judge's, a listwise judge's, those of a judge of queries, or a service's."""
    if path == "/get_reward":
        return ok({"rewards": [len(text) / 10000 for text in body["query"]]})
    content = json.loads(body["messages"][1]["content"])
    if "responses" in content:
        scores = {name: 1 + len(text) % 5 for name, text in content["responses"].items()}
        order = sorted(scores, key=lambda name: (-scores[name], content["responses"][name]))
        return said(json.dumps({"scores": scores, "best-to-worst": order}))
    if "query to judge" in content:
        return said(f"{len(content['query to judge']) % 5 / 4}")
    found = re.search(r"to (\d+) \(best\)", body["messages"][0]["content"])
    assert found is not None
    names = ("answer",) if "answer" in content else ("A", "B")
    return said(f"[[{', '.join(str(1 + len(content[name]) % int(found[1])) for name in names)}]]")
