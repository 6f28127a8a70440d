"""Connections to servers that go only where the worker may post, and that never wait beyond a question's end.

A name is looked up once and its address connected to, so that it cannot mean another host the second time. Time-outs of
single waits are no bound: a server that sends a letter a minute would keep a question for ever.
"""

import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from workers.engine.hosts import Hosts


class Deadline(threading.local):
    """Until when the question that this thread asks may take."""

    end = float("inf")

    def left(self) -> float:
        """The seconds that are left. ReadTimeout: none."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("slow")
        return left


class Wiring(httpcore.NetworkBackend):
    """Makes connections to `hosts`; reading and writing on them ends at the asking thread's `deadline`."""

    def __init__(self, hosts: Hosts, deadline: Deadline) -> None:
        self._hosts, self._deadline = hosts, deadline
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first of the host's addresses that answers. HostRefused: none may be asked."""
        try:
            found = self._hosts.addresses(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the host {host} is not known: {error}") from error
        for number, address in enumerate(found):
            try:
                stream = self._plain.connect_tcp(address, port, self._deadline.left(), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(found) - 1:
                    raise
            else:
                return _Stream(stream, self._deadline)
        raise httpcore.ConnectError(f"the host {host} has no address")


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
