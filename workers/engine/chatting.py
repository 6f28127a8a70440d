"""Questions of rewards to models behind OpenAI-compatible addresses: many at a time, each distinct one once."""

import json
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


def make_chats(stack: ExitStack) -> "Chatting":
    """See `contract.services.Chats`."""
    chats = Chatting()
    stack.callback(chats.close)
    return chats


@dataclass
class _Servers:
    """What one batch of questions has learned: which servers answered, and which stay away, with their words. Without
    it hundreds of questions would each wait for minutes for a server that is gone."""

    answered: set[str] = field(default_factory=set)
    away: dict[str, str] = field(default_factory=dict)


class Chatting:
    """Asks; good replies are kept, the oldest go first. `timeout` in seconds; `pause` shortens waiting in tests."""

    def __init__(self, timeout: float = TIMEOUT, pause: float = PAUSE) -> None:
        self._timeout, self._pause = timeout, pause
        self._lines: dict[str, Line] = {}
        self._kept: OrderedDict[str, Reply] = OrderedDict()

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
        lines = {name: self._line(name) for name in sorted({chat.key_variable for chat in chats})}
        with ThreadPoolExecutor(min(AT_ONCE, len(chats)), thread_name_prefix="chats") as pool:
            return list(pool.map(partial(_reply, lines, _Servers()), chats))

    def _line(self, variable: str) -> Line | str:
        """The line that shows a key, or why there is none."""
        if variable not in self._lines:
            try:
                self._lines[variable] = Line(variable, self._timeout, self._pause)
            except Unanswered as error:
                return str(error)
        return self._lines[variable]


def _reply(lines: Mapping[str, Line | str], servers: _Servers, chat: Chat) -> Reply:
    line = lines[chat.key_variable]
    said = line if isinstance(line, str) else servers.away.get(chat.url, "")
    if isinstance(line, str) or said:
        return Reply(error=said)
    body = {
        "model": chat.model, "messages": [dict(message) for message in chat.messages],
        "max_tokens": chat.most_tokens, "temperature": chat.temperature,
    }  # fmt: skip
    try:
        text = line.ask(f"{chat.url.rstrip('/')}/chat/completions", body, _content)
    except Unanswered as error:
        what = f"the server {chat.url} {error}"
        if error.away and chat.url not in servers.answered:
            servers.away[chat.url] = what
        return Reply(error=what)
    servers.answered.add(chat.url)
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
