"""Questions to judges: a real HTTP server, every way it may fail, and what must never be told."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.workers.engine.scripted import Answer, Asked, ok, said, serving
from workers.contract.services import Chat, Reply
from workers.engine import chatting
from workers.engine.chatting import Chatting
from workers.engine.facilities import Facilities

KEY = "MERIT_KEY_JUDGE"


def echo(path: str, body: Any) -> Answer:
    """Says the last message again."""
    return said(body["messages"][-1]["content"]) if path == "/v1/chat/completions" else (404, b"", {})


def always(answer: Answer, *_: Any) -> Answer:
    return answer


def asked(url: str, *texts: str, key: str = "") -> list[Chat]:
    return [Chat(url, "m", ({"role": "user", "content": text},), key, 7, 0.5) for text in texts]


def one(script: Asked, *texts: str, key: str = "", timeout: float = 5.0) -> list[Reply]:
    with serving(script) as url:
        chats = Chatting(timeout, pause=0.01)
        found = chats(asked(url, *(texts or ("hello",)), key=key))
        chats.close()
    return found


def test_it_works() -> None:
    script = Asked(echo)
    assert one(script, "a", "b", "a") == [Reply("a"), Reply("b"), Reply("a")]
    bodies = sorted(script.asked, key=str)
    message = {"role": "user", "content": "a"}
    assert bodies[0] == {"model": "m", "messages": [message], "max_tokens": 7, "temperature": 0.5}
    assert len(bodies) == 2, "equal questions are asked once"
    assert script.keys == [None, None]


def test_replies_are_kept_and_failures_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chatting, "KEPT", 2)
    script = Asked(echo, failures=[lambda: (400, b"no", {})])
    with serving(script) as url:
        chats = Chatting(pause=0.01)
        assert "no" in chats(asked(url, "a"))[0].error
        for text in ("a", "a", "b", "a", "c"):
            assert chats(asked(url, text)) == [Reply(text)]
        assert [body["messages"][0]["content"] for body in script.asked] == ["a", "a", "b", "c"]
        chats(asked(url, "a"))
        chats(asked(url, "b"))
        assert len(script.asked) == 5, "a was used after b, which therefore went when c came"
        chats.close()


def test_many_are_asked_at_the_same_time_but_not_all() -> None:
    running, most = 0, 0

    def slowly(path: str, body: Any) -> Answer:
        nonlocal running, most
        with script.lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with script.lock:
            running -= 1
        return echo(path, body)

    script = Asked(slowly)
    assert one(script, *map(str, range(40))) == [Reply(str(n)) for n in range(40)]
    assert 1 < most <= chatting.AT_ONCE


def late() -> Answer:
    time.sleep(0.5)
    return said("late")


@pytest.mark.parametrize(
    "failure",
    [
        lambda: (429, b"busy", {"Retry-After": "0"}),
        lambda: (500, b"oops", {}),
        lambda: (200, b"", {"Content-Length": "5", "Connection": "close"}),
        lambda: (200, b"<html>", {}),
        lambda: ok({"choices": [{"message": {"content": None}}]}),
        late,
    ],
    ids=["429", "500", "closed", "html", "no text", "late"],
)
def test_a_failure_that_passes_is_tried_again(failure: Callable[[], Answer]) -> None:
    script = Asked(echo, failures=[failure, failure])
    assert one(script, timeout=0.2) == [Reply("hello")]
    assert len(script.asked) == 3


def test_the_server_says_how_long_to_wait() -> None:
    script = Asked(echo, failures=[lambda: (429, b"busy", {"Retry-After": "1"})])
    began = time.monotonic()
    assert one(script) == [Reply("hello")]
    assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ((429, b"later", {}), r"no answer in 6 tries \(429 later\)"),
        ((200, b"<html>", {}), "no JSON: <html>"),
        (ok([]), "no text in"),
        (ok({"choices": [{"message": {"content": 3}}]}), "no text in"),
        (ok({"choices": [{"text": "old form"}]}), "no text in"),
        ((400, b"too long", {}), r"refused \(400\): too long"),
        ((200, b"[" * 100_000, {}), "no JSON"),
    ],
)
def test_a_failure_that_stays_is_told_and_is_no_reply(answer: Answer, what: str) -> None:
    (reply,) = one(Asked(lambda *_: answer))
    assert reply.text == ""
    with pytest.raises(AssertionError, match=what):
        raise AssertionError(reply.error)


def test_a_server_that_is_gone_is_not_waited_for_by_every_question() -> None:
    script = Asked(lambda *_: (429, b"later", {}))
    replies = one(script, *map(str, range(200)))
    assert all("429 later" in reply.error for reply in replies)
    assert len(script.asked) <= 2 * chatting.AT_ONCE * 6
    some = Asked(lambda _, body: echo(_, body) if body["messages"][0]["content"] != "3" else (429, b"later", {}))
    assert sum(bool(reply.error) for reply in one(some, *map(str, range(60)))) == 1, "who answers others is not gone"


def test_a_server_that_stayed_away_rests_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Asked(echo, failures=[lambda: (429, b"later", {})] * 6)
    with serving(script) as url:
        chats = Chatting(pause=0.01)
        for text in ("a", "b"):
            assert "429 later" in chats(asked(url, text))[0].error
        assert len(script.asked) == 6
        other = [Chat(url, "another model", ({"role": "user", "content": "c"},))]
        assert chats(other) == [Reply("c")], "it may hold another model"
        later = time.monotonic() + chatting.REST
        monkeypatch.setattr(time, "monotonic", lambda: later)
        assert chats(asked(url, "d")) == [Reply("d")]
        chats.close()


def test_no_redirect_is_followed() -> None:
    """A key that is shown to one server must not be shown to whomever that names."""
    other = Asked(echo)
    with serving(other) as elsewhere:
        script = Asked(lambda *_: (307, b"", {"Location": f"{elsewhere}/chat/completions"}))
        (reply,) = one(script)
    assert "refused (307)" in reply.error
    assert other.asked == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/v1", "http://me:secret@host/v1", "host", "http://h/?k=1"]
)
def test_only_plain_addresses_are_asked(url: str) -> None:
    (reply,) = Chatting(pause=0.01)(asked(url, "hello"))
    assert "no address that may be asked" in reply.error


def test_the_key_is_sent_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Asked(echo)
    assert "MERIT_KEY_JUDGE with the server's key is not set" in one(script, key=KEY)[0].error
    assert "is not set" in one(script, key="HOME")[0].error
    assert script.asked == []
    monkeypatch.setenv(KEY, "secret-7")
    assert one(script, key=KEY) == [Reply("hello")]
    assert script.keys == ["Bearer secret-7"]
    for status in (401, 429, 500):
        tell: Answer = (status, b"wrong key: secret-7 " * 20, {})
        assert "secret" not in one(Asked(partial(always, tell)), key=KEY)[0].error
    assert one(Asked(lambda *_: said("Bearer secret-7!")), key=KEY) == [Reply("Bearer [key]!")]
    for wrong in ("secret-7\nX: y", "sécret-7"):
        monkeypatch.setenv(KEY, wrong)
        assert "holds what cannot be a key" in one(script, key=KEY)[0].error


def test_rewards_are_given_it_and_it_is_closed() -> None:
    facilities = Facilities()
    chats = facilities.supply(("chats",), "", 0)["chats"]
    assert isinstance(chats, Chatting)
    assert facilities.supply(("chats",), "", 1)["chats"] is chats
    with serving(Asked(echo)) as url:
        assert chats(asked(url, "x")) == [Reply("x")]
        facilities.close()
