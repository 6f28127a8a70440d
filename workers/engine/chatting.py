"""Questions of rewards to models behind OpenAI-compatible addresses: many at a time, each distinct one once."""

import json
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from workers.contract.services import Chat, Reply
from workers.engine.patient import PAUSE, Line, Unanswered, nonsense

AT_ONCE = 16  # questions: such servers batch what comes together
KEPT = 20_000  # replies
TIMEOUT = 120.0  # seconds
REST = 30.0  # seconds in which a server that stayed away is not asked again
Asked = tuple[str, str, str]  # address, model, variable of the key


def make_chats(stack: ExitStack) -> "Chatting":
    """See `contract.services.Chats`."""
    chats = Chatting()
    stack.callback(chats.close)
    return chats


@dataclass
class _Servers:
    """Which servers answered in the present batch, and which stay away, until when, with their words. Without it
    hundreds of questions would each wait for minutes for a server that is gone."""

    answered: set[Asked] = field(default_factory=set)
    away: dict[Asked, tuple[float, str]] = field(default_factory=dict)

    def resting(self, asked: Asked) -> str:
        """Why it is not asked now; empty where it is."""
        until, said = self.away.get(asked, (0.0, ""))
        return said if time.monotonic() < until else ""


class Chatting:
    """Asks; good replies are kept, the oldest go first. `timeout` in seconds; `pause` shortens waiting in tests."""

    def __init__(self, timeout: float = TIMEOUT, pause: float = PAUSE) -> None:
        self._timeout, self._pause = timeout, pause
        self._lines: dict[str, Line] = {}
        self._kept: OrderedDict[str, Reply] = OrderedDict()
        self._servers = _Servers()

    def close(self) -> None:
        """Give the connections back."""
        for line in self._lines.values():
            line.close()
        self._lines.clear()

    def __call__(self, chats: Sequence[Chat]) -> list[Reply]:
        """One reply a question; whoever could not be asked has the reason in its `error`."""
        asked = {json.dumps(asdict(chat), sort_keys=True): chat for chat in chats}
        found = {key: self._kept[key] for key in asked if key in self._kept}
        new = [key for key in asked if key not in found]
        found |= dict(zip(new, self._ask([asked[key] for key in new]), strict=True))
        for key, reply in found.items():
            if not reply.error:
                self._kept[key] = reply
                self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return [found[json.dumps(asdict(chat), sort_keys=True)] for chat in chats]

    def _ask(self, chats: list[Chat]) -> list[Reply]:
        if not chats:
            return []
        self._servers.answered.clear()
        lines = {name: self._line(name) for name in sorted({chat.key_variable for chat in chats})}
        with ThreadPoolExecutor(min(AT_ONCE, len(chats)), thread_name_prefix="chats") as pool:
            return list(pool.map(partial(_reply, lines, self._servers), chats))

    def _line(self, variable: str) -> Line | str:
        """The line that shows a key, or why there is none."""
        if variable not in self._lines:
            try:
                self._lines[variable] = Line(variable, self._timeout, self._pause)
            except Unanswered as error:
                return str(error)
        return self._lines[variable]


def _reply(lines: Mapping[str, Line | str], servers: _Servers, chat: Chat) -> Reply:
    line, asked = lines[chat.key_variable], (chat.url, chat.model, chat.key_variable)
    why = line if isinstance(line, str) else servers.resting(asked)
    if isinstance(line, str) or why:
        return Reply(error=why)
    body = {
        "model": chat.model, "messages": [dict(message) for message in chat.messages],
        "max_tokens": chat.most_tokens, "temperature": chat.temperature,
    }  # fmt: skip
    try:
        text = line.ask(f"{chat.url.rstrip('/')}/chat/completions", body, _content)
    except Unanswered as error:
        what = f"the server {chat.url} {error}"
        if error.away and asked not in servers.answered:
            servers.away[asked] = (time.monotonic() + REST, what)
        return Reply(error=what)
    servers.answered.add(asked)
    return Reply(text)


def _content(document: Any) -> str:
    """The text of the first choice."""
    listed = document.get("choices") if isinstance(document, dict) else None
    first = listed[0] if isinstance(listed, list) and listed else None
    message = first.get("message") if isinstance(first, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, str):
        raise nonsense("no text in `choices[0].message.content`")
    return content
