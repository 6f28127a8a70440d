"""A tokenizer that needs no model: words, numbers, single signs, runs of blanks; nothing of a text is lost."""

import re

PIECE = re.compile(r"[^\W\d_]+|\d+|\s+|[^\w\s]|_")


class Words:
    """Numbers the pieces in the order in which they are first met: the same piece has the same id throughout."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}

    def pieces(self, text: str) -> list[str]:
        """The text cut up; put together again the pieces are the text."""
        return PIECE.findall(text)

    def ids(self, pieces: list[str]) -> list[int]:
        """One number a piece."""
        return [self._ids.setdefault(piece, len(self._ids)) for piece in pieces]
