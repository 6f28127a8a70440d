"""Where in a completion a dense reward arises: the text in pieces, each with what is given for it."""

import re
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

from workers.contract.values import Span


def pieces_of(text: str, spans: Sequence[Span]) -> dict[str, Any]:
    """`{pieces, values, placed}`: the completion cut where a span begins or ends, and the sum of the values there, None
    outside all spans. Without a tokenizer, tokens have no place in the text: then (`placed` false) the pieces are their
    numbers, save where there are as many as letters or words."""
    places = [_letters(text, span, _tokens(text, spans)) for span in spans]
    if any(place is None for place in places):
        many = max(span.end for span in spans)
        values = [_sum([span for span in spans if span.start <= n < span.end]) for n in range(many)]
        return {"pieces": [f"{n + 1} " for n in range(many)], "values": values, "placed": False}
    at = [Span(*place, span.value) for place, span in zip(places, spans, strict=True) if place is not None]
    cuts = sorted({0, len(text), *(span.start for span in at), *(span.end for span in at)})
    found = [(text[a:b], _sum([span for span in at if span.start <= a and b <= span.end])) for a, b in pairwise(cuts)]
    return {"pieces": [piece for piece, _ in found], "values": [value for _, value in found], "placed": True}


def _sum(spans: Sequence[Span]) -> float | None:
    return sum(span.value for span in spans) if spans else None


def _letters(text: str, span: Span, tokens: list[int] | None) -> tuple[int, int] | None:
    """First letter and the one after the last; None for tokens whose places nobody knows."""
    if span.unit == "letter":
        edges: list[int] | None = list(range(len(text) + 1))
    elif span.unit == "step":
        edges = [0, *accumulate(len(line) for line in re.split(r"(?<=\n)", text))]
    else:
        edges = tokens
    if edges is None:
        return None
    last = len(edges) - 1
    return edges[min(max(span.start, 0), last)], edges[min(max(span.end, 0), last)]


def _tokens(text: str, spans: Sequence[Span]) -> list[int] | None:
    """Where tokens begin, where their number tells what they are: letters, or words with the blanks before them."""
    many = max((span.end for span in spans if span.unit == "token"), default=0)
    if many == len(text):
        return list(range(len(text) + 1))
    words = text.split()
    if many != len(words):
        return None
    ends, at = [0], 0
    for word in words:
        at = text.index(word, at) + len(word)
        ends.append(at)
    return ends
