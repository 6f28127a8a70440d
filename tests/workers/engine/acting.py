"""A server below HTTP: it reads what it is asked and then does to the connection whatever a test says."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Acts = Callable[[socket.socket], None]


@contextmanager
def acting(act: Acts) -> Iterator[tuple[str, list[int]]]:
    """A server that reads what it is asked and then acts; its address, and one entry for each time it was asked."""
    asked: list[int] = []

    def serve(asking: socket.socket) -> None:
        with asking, suppress(OSError):
            asking.recv(1 << 16)
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
