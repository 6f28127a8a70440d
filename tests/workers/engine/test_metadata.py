"""A cloud's own services, which give its keys to whoever asks from inside: refused before anything is connected to."""

import socket
from typing import Any

import pytest

from tests.workers.engine.posted import names, post
from tests.workers.engine.scripted import Asked, ok, serving

METADATA = [
    "169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[fe80::1]",
    "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16", "[2002:a9fe:a9fe::1]",
]  # fmt: skip


@pytest.fixture
def nobody_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("it connects")

    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.mark.usefixtures("nobody_connects")
@pytest.mark.parametrize("listed", ["", "*"])
@pytest.mark.parametrize("host", METADATA)
def test_a_cloud_s_own_services_are_refused(host: str, listed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERIT_HOSTS", listed)
    found, error = post(f"http://{host}/latest/meta-data")
    assert found == {}
    assert "may hold keys of its cloud" in error
    assert "MERIT_HOSTS" in error


@pytest.mark.usefixtures("nobody_connects")
def test_a_name_that_means_them_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "169.254.169.254")
    for listed in ("", "*.test", "127.0.0.0/8 *.test"):
        monkeypatch.setenv("MERIT_HOSTS", listed)
        assert "may hold keys of its cloud" in post("http://judge.test/x")[1]


@pytest.mark.parametrize("listed", ["169.254.0.0/16", "judge.test", "x, 169.254.169.254"])
def test_an_operator_may_name_them(listed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "169.254.169.254")
    monkeypatch.setenv("MERIT_HOSTS", listed)
    asked: list[Any] = []

    def connect(address: Any, *_: Any, **__: Any) -> Any:
        asked.append(address)
        raise OSError("nobody there")

    monkeypatch.setattr(socket, "create_connection", connect)
    assert "nobody there" in post("http://judge.test/x")[1]
    assert asked == [("169.254.169.254", 80)] * 6


def test_a_name_cannot_mean_something_else_the_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at as one address and connected to as another: what was looked at is what is connected to."""
    inner = Asked(lambda *_: ok({"rewards": [9.0]}))
    monkeypatch.setenv("MERIT_HOSTS", "127.0.0.2")
    with serving(inner) as url:
        names(monkeypatch, "127.0.0.2", "127.0.0.1")
        found, error = post(url.replace("127.0.0.1", "judge.test"))
    assert found == {}
    assert error
    assert inner.asked == []
