"""Completions token by token as readable pieces: what the strip and the tree show.

A token of a byte-level tokenizer may hold a part of a letter; the whole letter then stands at the token that completes
it, and the tokens before it are empty. So the pieces put together are the text.
"""

import codecs
import json
import re
from functools import cached_property

from transformers import PreTrainedTokenizerBase

BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class Pieces:
    """The pieces of one tokenizer's tokens; remembers the bytes of each token it has met."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self.special = set(tokenizer.all_special_ids)
        self._known: dict[int, bytes] = {}

    def of(self, ids: list[int]) -> list[str]:
        """One piece a token. Special tokens are shown by name; bytes that are no text become the replacement sign."""
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        pieces = []
        for place, token in enumerate(ids):
            last = place + 1 == len(ids) or ids[place + 1] in self.special
            if token in self.special:
                decoder.reset()
                pieces.append(str(self.tokenizer.convert_ids_to_tokens([token])[0]))
            else:
                pieces.append(decoder.decode(self.bytes_of(token), final=last))
        return pieces

    def bytes_of(self, token: int) -> bytes:
        """The bytes that a token stands for; none for an id without a token."""
        if token not in self._known:
            self._known[token] = self._bytes(token)
        return self._known[token]

    @cached_property
    def _kind(self) -> str:
        """How this tokenizer writes tokens: `bytes` (letters for bytes), `marks` (▁ for blanks), or `other`."""
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:
            return "other"
        decoder = json.dumps(json.loads(backend.to_str()).get("decoder"))
        if "ByteLevel" in decoder:
            return "bytes"
        return "marks" if "ByteFallback" in decoder or "Metaspace" in decoder or "\\u2581" in decoder else "other"

    def _bytes(self, token: int) -> bytes:
        name: str | None = self.tokenizer.convert_ids_to_tokens([token])[0]
        if name is None:  # an id that no token has: models may have more rows than tokens
            return b""
        if self._kind == "bytes":
            return b"".join(_BYTE_OF.get(letter, letter.encode()) for letter in name)
        if self._kind == "marks":
            byte = BYTE_TOKEN.fullmatch(name)
            return bytes([int(byte[1], 16)]) if byte else name.replace("\u2581", " ").encode()
        return str(self.tokenizer.decode([token])).encode()


def _letters() -> dict[str, bytes]:
    """The byte that each letter of a byte-level vocabulary stands for: printable Latin-1 stands for itself, the other
    bytes are written with the letters from U+0100 on, in order."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    return {chr(byte if byte in printable else next(spare)): bytes([byte]) for byte in range(256)}


_BYTE_OF = _letters()


def pieces(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> list[str]:
    """One piece a token of `ids`; see `Pieces`."""
    return Pieces(tokenizer).of(ids)
