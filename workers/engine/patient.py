"""Posts JSON to servers, patiently, and trusts nothing in their answers: what a key is sent to is what was named."""

import json
import os
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpcore

from workers.contract.addresses import KEY_PREFIX, is_address, is_key
from workers.engine.hosts import SETTING, HostRefused, allowed
from workers.engine.wiring import Deadline, Wiring

T = TypeVar("T")
TRIES = 6
PAUSE = 1.0  # seconds before the second try; twice as long each further time
LONGEST_PAUSE = 60.0  # seconds, whatever the server asks for
LARGEST = 2**25  # bytes of one answer
BUSY = frozenset({408, 425, 429, *range(500, 600)})
ALWAYS = frozenset({401, 403, 404})  # refusals that the next question would meet as well
HIDDEN = "[key]"
KEY_MEND = "Set the environment variable that `key_variable` names to a valid key, on the worker."
MENDS = {401: KEY_MEND, 403: KEY_MEND, 404: "Check the URL (it ends with /v1 as a rule) and the model's name."}


class Unanswered(Exception):
    """Why a server gave no usable answer, and what would mend it. `away`: the next question would fare the same;
    `nonsense`: it answered, but not in the form that was asked for."""

    def __init__(self, what: str, mend: str = "", *, away: bool = False, nonsense: bool = False) -> None:
        super().__init__(f"{what} {mend}".strip())
        self.what, self.mend, self.away, self.nonsense = what, mend, away, nonsense


class Line:
    """Connections that show one key. Threads may ask at the same time; `timeout` is the longest wait for one answer,
    seconds; `pause` shortens the waiting in tests. Unanswered where the key is not there."""

    def __init__(self, key_variable: str, timeout: float, pause: float = PAUSE) -> None:
        self._key, self._timeout, self._pause = _key(key_variable), timeout, pause
        # An answer that is packed could be a thousand times as large as what was read.
        self._headers: dict[str | bytes, str | bytes] = {
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
        self._headers |= {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._deadline = Deadline()
        try:
            wiring = Wiring(allowed(), self._deadline)
        except HostRefused as error:
            raise Unanswered(str(error), away=True) from error
        # No proxies, netrc or redirects: the key goes where the spec says and nowhere else.
        self._http = httpcore.ConnectionPool(max_connections=None, keepalive_expiry=5.0, network_backend=wiring)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def post(self, url: str, body: Any) -> Any:
        """The server's JSON; waits and asks again while it is busy or away. Unanswered says why there is none."""
        if not is_address(url):
            raise Unanswered(f"has no address that may be asked: {url!r:.80}.", "Give one that begins with http.")
        said = ""
        for number in range(TRIES):
            try:
                status, later, content = self._once(url, body)
            except HostRefused as error:
                raise Unanswered(str(error), f"Whoever runs the worker may add it to {SETTING}.", away=True) from error
            except httpcore.TimeoutException:
                said, wait = f"no answer within {self._timeout:g} s", 0.0
            except (httpcore.NetworkError, httpcore.ProtocolError) as error:
                said, wait = self._plain(str(error) or type(error).__name__), 0.0
            else:
                if status not in BUSY:
                    return self._json(status, content)
                said, wait = f"{status} {self._told(content)}", _asked_to_wait(later)
            if number + 1 < TRIES:
                time.sleep(min(LONGEST_PAUSE, max(wait, self._pause * 2**number)))
        mend = "Check that the server runs and can be reached from the worker."
        raise Unanswered(f"gave no answer in {TRIES} tries ({said}).", mend, away=True)

    def ask(self, url: str, body: Any, read: Callable[[Any], T], tries: int = 3) -> T:
        """What `read` makes of the server's JSON; who answers nonsense is asked again, `tries` times in all."""
        for number in range(tries - 1):
            try:
                return read(self.post(url, body))
            except Unanswered as error:
                if not error.nonsense:
                    raise
            time.sleep(self._pause * 2**number)
        return read(self.post(url, body))

    def _once(self, url: str, body: Any) -> tuple[int, str, bytes]:
        """One try: the status, what the server says of when to ask again, the content."""
        self._deadline.end, content = time.monotonic() + self._timeout, bytearray()
        headers = self._headers | {"Host": urlsplit(url).netloc}
        with self._http.stream("POST", url, headers=headers, content=json.dumps(body).encode()) as answer:
            for piece in answer.iter_stream():
                content += piece
                if len(content) > LARGEST:
                    raise nonsense(f"more than {LARGEST >> 20} MiB")
            found = {name.lower(): value for name, value in answer.headers}
            return answer.status, found.get(b"retry-after", b"").decode("latin-1"), bytes(content)

    def _json(self, status: int, content: bytes) -> Any:
        if status != HTTPStatus.OK:
            mend = "Name the address that it moved to." if 300 <= status < 400 else "Ask the server for what it takes."
            raise Unanswered(
                f"refused ({status}): {self._told(content)}", MENDS.get(status, mend), away=status in ALWAYS
            )
        try:
            return json.loads(self._plain(content.decode()))
        except (ValueError, RecursionError) as error:  # includes bytes that are no UTF-8
            raise nonsense(f"what is no JSON: {self._told(content)}") from error

    def _told(self, content: bytes) -> str:
        """What a server says of a failure, on one short line."""
        return " ".join(self._plain(content[:20000].decode(errors="replace")).split())[:200]

    def _plain(self, text: str) -> str:
        """Some servers repeat the key that they were shown; it must not get into anything that is kept."""
        return text.replace(self._key, HIDDEN) if self._key else text


def nonsense(what: str) -> Unanswered:
    """The failure of a server that answers in another form than was asked for."""
    return Unanswered(f"answered with {what}.", nonsense=True)


def _key(variable: str) -> str:
    """The key in a variable; empty where none is named."""
    if not variable:
        return ""
    key = os.environ.get(variable, "").strip() if is_key(variable) else ""
    mend = f"Set it where the worker starts; its name begins with {KEY_PREFIX}."
    if not key:
        raise Unanswered(f"the environment variable {variable} with the server's key is not set.", mend, away=True)
    # What cannot stand in a header is told by libraries together with the whole header.
    if not (key.isascii() and key.isprintable()):
        raise Unanswered(f"the environment variable {variable} holds what cannot be a key.", mend, away=True)
    return key


def _asked_to_wait(said: str) -> float:
    """The seconds of `Retry-After`, given as such or as a date; 0 without."""
    if said.isdecimal():
        return float(said)
    try:
        return parsedate_to_datetime(said).timestamp() - time.time()
    except ValueError:
        return 0.0
