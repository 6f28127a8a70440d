"""Messages between the lab and a child: a length of four bytes, then JSON. Never pickle: reading it would run code."""

import json
import os
import struct
from typing import Any

LENGTH = struct.Struct(">I")
LARGEST = 1 << 24  # bytes of one piece of a crew's work


def pack(message: dict[str, Any]) -> bytes:
    """A message as it goes over the pipe."""
    body = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode()
    return LENGTH.pack(len(body)) + body


def unpack(frame: bytes) -> dict[str, Any]:
    """The message in exactly one frame; ValueError when it is none, or when anything follows it."""
    if LENGTH.unpack_from(frame)[0] != len(frame) - LENGTH.size:
        raise ValueError("bytes after the message")
    message = json.loads(frame[LENGTH.size :])
    if not isinstance(message, dict):
        raise ValueError("not a message")
    return message


def send(fd: int, message: dict[str, Any]) -> None:
    """Write one message to a blocking pipe (the child's side)."""
    rest = memoryview(pack(message))
    while rest:
        rest = rest[os.write(fd, rest) :]


def receive(fd: int) -> dict[str, Any]:
    """Read one message from a blocking pipe (the child's side). EOFError when the lab has closed it."""
    (size,) = LENGTH.unpack(_exactly(fd, LENGTH.size))
    message: dict[str, Any] = json.loads(_exactly(fd, size))
    return message


def _exactly(fd: int, size: int) -> bytes:
    read = bytearray()
    while len(read) < size:
        chunk = os.read(fd, min(size - len(read), 1 << 20))
        if not chunk:
            raise EOFError
        read += chunk
    return bytes(read)
