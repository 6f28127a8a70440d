"""Where rewards arise: parts of a completion as numbers on its tokens.

A part counts at the last token that overlaps it, and where the policy did not choose that token, at the last chosen one
before: what it did until then has earned it. What is left of a reward's value counts at the last chosen token.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate

import torch
from torch import Tensor

from workers.contract.values import Span
from workers.engine.masks import last_token, on_last_token
from workers.engine.pieces import Pieces
from workers.engine.tensors import Rollouts


def arising(spans: Mapping[int, Sequence[Span]], rollouts: Rollouts, pieces: Pieces) -> Tensor:
    """The values of the parts of each completion on its chosen tokens, (N, T); 0 elsewhere. Parts that no chosen token
    stands at or before are left out: they belong to what is left."""

    def read(n: int) -> list[str]:
        ids = rollouts.token_NT[n, : rollouts.answers.lengths[n]].tolist()
        shown = pieces.of(ids)
        # Texts are written without special tokens.
        return ["" if token in pieces.special else piece for token, piece in zip(ids, shown, strict=True)]

    return on_tokens(spans, rollouts, {n: read(n) for n in spans})


def on_tokens(spans: Mapping[int, Sequence[Span]], rollouts: Rollouts, pieces: Mapping[int, Sequence[str]]) -> Tensor:
    """The same where the pieces of text are known, one a token."""
    mask_NT = rollouts.mask_NT
    value_NT = torch.zeros(mask_NT.shape, dtype=torch.float64)
    for n, several in spans.items():
        chosen = mask_NT[n].tolist()
        for token, value in placed(several, rollouts.answers.texts[n], pieces[n], chosen).items():
            value_NT[n, token] = value
    return value_NT.to(torch.float32).to(mask_NT.device)


def with_rest(total_N: Tensor, value_NT: Tensor, mask_NT: Tensor) -> Tensor:
    """`value_NT` on all chosen tokens but each row's last, and there what is left of `total_N`; rows sum to the total.
    The rest is of the numbers as they are stored, so that equal totals stay equal sums."""
    last_NT = torch.zeros_like(mask_NT).scatter_(1, last_token(mask_NT)[:, None], True)
    before_NT = torch.where(mask_NT & ~last_NT, value_NT, torch.zeros((), device=value_NT.device)).float()
    rest_N = total_N.double() - before_NT.double().sum(dim=1)
    return before_NT + on_last_token(rest_N.float(), mask_NT)


def placed(spans: Sequence[Span], text: str, pieces: Sequence[str], chosen: Sequence[bool]) -> dict[int, float]:
    """The sum of values by token. `pieces` are the tokens' parts of `text`; `chosen` says which the policy chose."""
    ends = letter_ends(text, pieces)
    lines = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    before = list(accumulate((n if here else -1 for n, here in enumerate(chosen)), max))
    found: dict[int, float] = {}
    for span in spans:
        token = span.end - 1 if span.unit == "token" else bisect_left(ends, _last_letter(span, text, lines))
        place = before[token] if token < len(pieces) else -1
        if place >= 0:
            found[place] = found.get(place, 0.0) + span.value
    return found


def _last_letter(span: Span, text: str, lines: Sequence[int]) -> int:
    """How many letters of the text there are up to the end of a part: one of no letters is where its first would be,
    and a line ends with its break, where it has one."""
    if span.unit == "letter":
        return max(span.end, span.start + 1)
    first, last = (lines[min(place, len(lines) - 1)] for place in (span.start, span.end))
    return max(min(last, len(text)), first + 1)


def letter_ends(text: str, pieces: Sequence[str]) -> list[int]:
    """How many letters of the text are there after each token. Tokenizers may leave out blanks of their tokens where
    they write a text, the first one for instance: such letters are passed over."""
    if "".join(pieces) == text:
        return list(accumulate(map(len, pieces)))
    at, ends = 0, []
    for piece in pieces:
        for letter in piece:
            at += at < len(text) and text[at] == letter
        ends.append(at)
    return ends
