"""Where in a completion a dense reward arises: the text in pieces, each with what is given for it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

from workers.contract.values import Span
from workers.engine.placing import letter_ends


def pieces_of(text: str, spans: Sequence[Span], tokens: Sequence[str] | None = None) -> dict[str, Any]:
    """`{pieces, values, parts, placed}`: the completion cut where a span begins or ends, and the sum of the values
    there, None outside all spans; `parts` are those of each component by name. `tokens` are the text in tokens; without
    them tokens have no place in the text: then (`placed` false) the pieces are their numbers, save where there are as
    many as letters or words."""
    ends = _tokens(text, spans) if tokens is None else [0, *letter_ends(text, tokens)]
    places = [_letters(text, span, ends) for span in spans]
    placed = None not in places
    if placed:
        at = [replace(span, start=p[0], end=p[1]) for p, span in zip(places, spans, strict=True) if p is not None]
        edges = list(pairwise(sorted({0, len(text), *(span.start for span in at), *(span.end for span in at)})))
        pieces = [text[a:b] for a, b in edges]
    else:
        at, edges = list(spans), [(n, n + 1) for n in range(max(span.end for span in spans))]
        pieces = [f"{a + 1} " for a, _ in edges]

    def values(some: Sequence[Span]) -> list[float | None]:
        return [_sum([span for span in some if span.start <= a and b <= span.end]) for a, b in edges]

    names = dict.fromkeys(span.part for span in at if span.part)
    parts = {name: values([span for span in at if span.part == name]) for name in names}
    return {"pieces": pieces, "values": values(at), "parts": parts, "placed": placed}


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
