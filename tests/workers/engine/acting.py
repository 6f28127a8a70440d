"""A server below HTTP: it reads what it is asked and then does to the connection whatever a test says."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Acts = Callable[[socket.socket], None]


def read(asking: socket.socket) -> None:
    """All of a question: who closes before it is read breaks the connection off, and what was said may be lost."""
    got = b""
    while b"\r\n\r\n" not in got:
        if not (more := asking.recv(1 << 16)):
            return
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    size = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    missing = int(size.partition(b":")[2]) - len(body)
    while missing > 0 and (more := asking.recv(1 << 16)):
        missing -= len(more)


@contextmanager
def acting(act: Acts) -> Iterator[tuple[str, list[int]]]:
    """A server that reads what it is asked and then acts; its address, and one entry for each time it was asked."""
    asked: list[int] = []

    def serve(asking: socket.socket) -> None:
        with asking, suppress(OSError):
            read(asking)
            asked.append(1)
            act(asking)

    def listen() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=listen, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1", asked
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
