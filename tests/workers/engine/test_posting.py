"""Posts to reward services: what comes back, and why nothing did."""

from typing import Any

import pytest

from tests.workers.engine.scripted import Answer, Asked, ok, serving
from workers.engine.posting import Posting


def post(script: Asked, key: str = "", timeout: float = 5.0) -> tuple[Any, str]:
    with serving(script) as url:
        posting = Posting(timeout, pause=0.01)
        found = posting(url.removesuffix("/v1") + "/get_reward", {"query": ["\ud800 é"]}, key)
        posting.close()
    return found


def test_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERIT_KEY_R", "secret-7")
    script = Asked(lambda path, body: ok({"path": path, "rewards": [len(body["query"][0])]}))
    assert post(script, "MERIT_KEY_R") == ({"path": "/get_reward", "rewards": [3]}, "")
    assert script.keys == ["Bearer secret-7"]


@pytest.mark.parametrize(
    ("answer", "what", "times"),
    [
        (ok([1.0]), "JSON that is no object", 3),
        (ok({"error": "loading", "rewards": 1}), "no list of values, but error, rewards", 3),
        (ok({}), "no list of values, but nothing", 3),
        ((200, b"nonsense", {}), "no JSON: nonsense", 3),
        ((503, b"starting", {}), "503 starting", 6),
        ((404, b"", {}), "refused (404)", 1),
        ((200, b"", {"Content-Length": "5", "Connection": "close"}), "no answer in 6 tries", 6),
        ((200, b"x" * (2**25 + 1), {}), "more than 32 MiB", 3),
    ],
)
def test_failures_are_tried_again_and_told(answer: Answer, what: str, times: int) -> None:
    script = Asked(lambda *_: answer)
    found, error = post(script)
    assert found == {}
    assert what in error
    assert len(script.asked) == times


def test_a_rate_that_is_limited_for_a_while() -> None:
    script = Asked(lambda *_: ok({"rewards": [1.0]}), failures=[lambda: (429, b"", {})] * 3)
    assert post(script) == ({"rewards": [1.0]}, "")


def test_a_key_that_is_not_there() -> None:
    found, error = post(Asked(lambda *_: ok({})), "MERIT_KEY_NONE")
    assert found == {}
    assert "MERIT_KEY_NONE with the server's key is not set" in error
