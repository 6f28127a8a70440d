"""Servers that break off, never end or never begin: asked again with pauses, then failed, never waited for long."""

import socket
import struct
import time
from typing import Any

import pytest

from tests.workers.engine.acting import Acts, acting
from tests.workers.sandbox.attempts import answers
from workers.contract.services import Chat, Reply
from workers.contract.values import as_values
from workers.engine.chatting import Chatting
from workers.engine.load import call, load
from workers.engine.posting import Posting

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def reset(asking: socket.socket) -> None:
    """In the middle of the body, without a farewell."""
    asking.sendall(OK + b'Content-Length: 500\r\n\r\n{"choices"')
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent(asking: socket.socket) -> None:
    while asking.recv(1 << 16):
        pass


def dripping(start: bytes, drop: bytes = b"x") -> Acts:
    def act(asking: socket.socket) -> None:
        asking.sendall(start)
        while True:
            time.sleep(0.05)
            asking.sendall(drop)

    return act


def flood(asking: socket.socket) -> None:
    asking.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        asking.sendall(b"100000\r\n" + b"x" * (1 << 20) + b"\r\n")


def say(text: bytes) -> Acts:
    return lambda asking: asking.sendall(text)


def whole(kind: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (kind, len(body), body)


LATE = "no answer within 0.3 s"
FAULTS: dict[str, tuple[Acts, str, int]] = {
    "reset in the middle": (reset, "no answer in 6 tries (", 6),
    "closed at once": (say(b""), "no answer in 6 tries (Server disconnected", 6),
    "no HTTP": (say(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "no answer in 6 tries (", 6),
    "silent": (silent, LATE, 6),
    "a body by drops": (dripping(OK + b"Content-Length: 5000\r\n\r\n"), LATE, 6),
    "headers by drops": (dripping(OK + b"X-Slow: "), LATE, 6),
    "for ever not yet": (dripping(b"", b"HTTP/1.1 102 Processing\r\n\r\n"), LATE, 6),
    "an endless body": (flood, "more than 32 MiB", 3),
    "a page": (say(whole(b"text/html", b"<html>welcome</html>")), "no JSON: <html>welcome", 3),
    "bytes": (say(whole(b"application/octet-stream", b"\xff\xfe\x00")), "no JSON", 3),
    "no number": (say(whole(b"application/json", b'{"choices": NaN}')), "no text in", 3),
    "overloaded": (say(b"HTTP/1.1 529 Overloaded\r\nContent-Length: 4\r\n\r\nbusy"), "529 busy", 6),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_tried_again_and_then_told(name: str) -> None:
    act, told, times = FAULTS[name]
    began = time.monotonic()
    with acting(act) as (url, asked):
        chats = Chatting(5.0 if name == "an endless body" else 0.3, pause=0.01)
        (reply,) = chats([Chat(url, "m", ({"role": "user", "content": "x"},))])
        chats.close()
    assert reply.text == ""
    assert told in reply.error, reply.error
    assert len(asked) == times
    assert time.monotonic() - began < 20


def test_the_kind_of_content_does_not_matter_where_it_is_right() -> None:
    body = b'{"choices": [{"message": {"role": "assistant", "content": "fine"}}]}'
    with acting(say(whole(b"text/plain", body))) as (url, _):
        assert Chatting(2.0)([Chat(url, "m", ())]) == [Reply("fine")]


@pytest.mark.parametrize("name", FAULTS)
def test_no_fault_is_a_value(name: str) -> None:
    seconds = 5.0 if name == "an endless body" else 0.2
    asking: dict[str, dict[str, Any]] = {
        "judge": {"chats": Chatting(seconds, 0.01)},
        "remote": {"service": Posting(seconds, 0.01)},
    }
    for reward, helpers in asking.items():
        with acting(FAULTS[name][0]) as (url, asked):
            supplied = {"answers": answers("a", "b"), **helpers}
            found = as_values(call(load("rewards", reward), supplied, {"url": url, "column": ""}))
        assert list(found.total) == [None, None]
        assert set(found.faults) == {0, 1}
        assert len(asked) >= 3
