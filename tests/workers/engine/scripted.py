"""A real HTTP server on a free port that answers as a test's script says."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

Answer = tuple[int, bytes, dict[str, str]]


@dataclass
class Script:
    """What the server does: the next scripted answer while there are any, then a sound one; and what it was asked."""

    failures: list[Callable[[], Answer]] = field(default_factory=list)
    choose: Callable[[int], dict[str, Any]] = lambda number: {"text": f"the cat {number}", "finish_reason": "stop"}
    most: int = 99
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, body: dict[str, Any], key: str | None) -> Answer:
        """What to say to `body`, sent with the header `key`."""
        if path != "/v1/completions":
            return 404, b'{"error": "no such path"}', {}
        with self.lock:
            self.asked.append(body)
            self.keys.append(key)
            failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            return failure()
        choices = [{"index": n, "logprobs": None} | self.choose(n) for n in range(min(self.most, body["n"]))]
        return ok({"id": "cmpl-1", "object": "text_completion", "choices": choices})


def ok(document: Any) -> Answer:
    """An answer of JSON."""
    return 200, json.dumps(document).encode(), {}


@dataclass
class Asked:
    """A server that answers each question by a function of its path and body: the scripted answers first."""

    reply: Callable[[str, Any], Answer]
    failures: list[Callable[[], Answer]] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, body: Any, key: str | None) -> Answer:
        """What to say to `body`, sent with the header `key`."""
        with self.lock:
            self.asked.append(body)
            self.keys.append(key)
            failure = self.failures.pop(0) if self.failures else None
        return self.reply(path, body) if failure is None else failure()


def said(text: str) -> Answer:
    """A chat completion."""
    return ok({"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": text}}]})


class Scripted(Protocol):
    """What a server does."""

    def answer(self, path: str, body: Any, key: str | None) -> Answer:
        """What to say to `body` at `path`, sent with the header `key`."""


@contextmanager
def serving(script: Scripted) -> Iterator[str]:
    """A server on a free port; gives its base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, content, headers = script.answer(self.path, body, self.headers.get("Authorization"))
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass  # a client that did not wait for a slow answer is part of the test

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
