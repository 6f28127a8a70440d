"""Where workers may post by the operator's list: real servers, which are asked or never hear of it."""

import pytest

from tests.workers.engine.posted import names, post
from tests.workers.engine.scripted import Asked, ok, serving
from workers.contract.services import Chat
from workers.engine.chatting import Chatting


@pytest.mark.parametrize(
    "listed",
    ["", "127.0.0.1", "127.0.0.0/8", "other.example, 127.0.0.1", "localhost\n127.0.0.*", "[::1] 127.0.0.1/32", "*"],
)
def test_what_is_listed_is_asked(listed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERIT_HOSTS", listed)
    with serving(Asked(lambda *_: ok({"rewards": [1.0]}))) as url:
        assert post(url) == ({"rewards": [1.0]}, "")


@pytest.mark.parametrize("listed", ["judge.example", "10.0.0.0/8", "*.0.0.2", "127.0.0.2/32,::1", "27.0.0.1"])
def test_what_is_not_listed_is_never_asked(listed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERIT_HOSTS", listed)
    script = Asked(lambda *_: ok({"rewards": []}))
    with serving(script) as url:
        found, error = post(url)
        (reply,) = Chatting(2.0, 0.01)([Chat(url, "m", ({"role": "user", "content": "x"},))])
    assert found == {}
    for sentence in (error, reply.error):
        assert "is at 127.0.0.1" in sentence
        assert "and MERIT_HOSTS on the worker does not name that. Whoever runs the worker may add it" in sentence
    assert script.asked == []


def test_names_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "127.0.0.1")
    with serving(Asked(lambda *_: ok({"rewards": []}))) as url:
        there = url.replace("127.0.0.1", "judge.test")
        for listed, well in {
            "judge.test": True, "*.test": True, "JUDGE.TEST.": True, "127.0.0.1": True, "udge.test": False,
            "judge.test.example": False, "*.judge.test": False, "10.0.0.1": False,
        }.items():  # fmt: skip
            monkeypatch.setenv("MERIT_HOSTS", listed)
            assert (post(there)[1] == "") is well, listed


def test_a_setting_that_makes_no_sense_lets_nothing_through(monkeypatch: pytest.MonkeyPatch) -> None:
    for listed in ("10.0.0.0/33", "http://judge.example", "judge.example:80"):
        monkeypatch.setenv("MERIT_HOSTS", listed)
        with serving(Asked(lambda *_: ok({"rewards": []}))) as url:
            assert f"MERIT_HOSTS on the worker holds {listed!r}, which is no host" in post(url)[1]
