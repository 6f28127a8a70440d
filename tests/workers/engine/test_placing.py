"""Where parts of a completion count: by hand, and for whatever pieces and holes there are."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.tiny import make_tokenizer
from workers.contract.answers import Answers
from workers.contract.values import Span, Unit
from workers.engine.pieces import Pieces
from workers.engine.placing import arising, placed, with_rest
from workers.engine.segments import steps_of
from workers.engine.tensors import Rollouts

TEXT = "ab\ncd\n\nef"
UNITS: tuple[Unit, ...] = ("letter", "token", "step")
PIECES = ["a", "b\n", "", "cd", "\n\n", "e", "f", ""]  # the third is a part of a letter, the last an end
WHOLE = [True] * 8


def letter(start: int, end: int) -> Span:
    return Span(start, end, 1.0)


@pytest.mark.parametrize(
    ("span", "token"),
    [
        (letter(0, 1), 0),
        (letter(0, 2), 1),  # half of the second token
        (letter(1, 4), 3),  # from the middle of one token into another
        (letter(0, 9), 6),  # all of it: its last letter, not the end sign
        (letter(3, 3), 3),  # no letter: where its first would be
        (Span(0, 1, 1.0, "step"), 1),  # "ab" and its break
        (Span(1, 2, 1.0, "step"), 4),  # "cd", whose break shares a token with the empty line
        (Span(2, 3, 1.0, "step"), 4),
        (Span(3, 4, 1.0, "step"), 6),
        (Span(0, 3, 1.0, "step"), 4),
        (Span(7, 8, 1.0, "token"), 7),
        (Span(0, 3, 1.0, "token"), 2),
    ],
)
def test_a_part_counts_at_its_last_token(span: Span, token: int) -> None:
    assert placed([span], TEXT, PIECES, WHOLE) == {token: 1.0}


def test_what_nobody_chose_earns_for_the_choice_before_it() -> None:
    chosen = [False, True, True, False, False, True, False, True]
    spans = [letter(0, 1), letter(1, 2), letter(4, 5), Span(6, 7, 0.5, "token"), Span(4, 5, 4.0, "token")]
    # The first has no choice before it, and is left to the rest.
    assert placed(spans, TEXT, PIECES, chosen) == {1: 1.0, 2: 5.0, 5: 0.5}


def test_no_letter_behind_the_text_and_no_line_without_letters() -> None:
    assert placed([letter(9, 9), Span(1, 2, 1.0, "step")], "ab\n", ["ab", "\n"], [True, True]) == {}
    assert placed([letter(0, 0), Span(0, 1, 1.0, "step")], "", [""], [True]) == {}


def test_letters_that_the_text_leaves_out_are_passed_over() -> None:
    """Some tokenizers write no blank before a comma, and none at the start."""
    pieces = [" The", " cat", " ,", " sat"]
    assert placed([letter(0, 3), letter(7, 8), letter(9, 12)], "The cat, sat", pieces, [True] * 4) == {0: 1, 2: 1, 3: 1}


def rollouts(ids: list[list[int]], texts: list[str], mask: list[list[bool]]) -> Rollouts:
    longest = max(map(len, ids))
    token_NT = torch.tensor([[*row, *[0] * (longest - len(row))] for row in ids])
    mask_NT = torch.tensor([[*row, *[False] * (longest - len(row))] for row in mask])
    lengths = tuple(map(len, ids))
    answers = Answers(tuple(texts), ("p",) * len(ids), lengths, ("finished",) * len(ids))
    none_NL = torch.zeros(len(ids), 0, dtype=torch.long)
    zero_NT = torch.zeros(token_NT.shape)
    return Rollouts(none_NL, none_NL.bool(), token_NT, mask_NT, zero_NT, torch.arange(len(ids)), answers)


def test_special_tokens_are_no_letters_and_lines_are_those_of_segments() -> None:
    tokenizer = make_tokenizer()
    texts = ["the cat\nsat on 猫\nthe mat", "3+4=7"]
    ids = [[*tokenizer(text)["input_ids"], 1] for text in texts]
    made = rollouts(ids, texts, [[True] * len(row) for row in ids])
    pieces = Pieces(tokenizer)
    lines = {0: [Span(k, k + 1, 10.0**k, "step") for k in range(3)]}
    found = arising(lines, made, pieces)[0]
    segment = steps_of(pieces, made)[0]
    ends = [int((segment == k).nonzero().max()) for k in range(3)]
    assert [float(found[ends[0]]), float(found[ends[1]])] == [1.0, 10.0]
    assert float(found[ends[2] - 1]) == 100.0  # the last letter; behind it stands the end sign
    whole = arising({1: [Span(0, 5, 2.0)]}, made, pieces)
    assert whole[1].nonzero().tolist() == [[len(ids[1]) - 2]]
    assert whole[0].tolist() == [0.0] * whole.shape[1]


@st.composite
def rows(draw: st.DrawFn) -> tuple[str, list[str], list[bool], list[Span], float]:
    pieces = draw(st.lists(st.sampled_from(["", "a", "\n", "bc", "d\ne", "猫"]), min_size=1, max_size=8))
    text = "".join(pieces)
    chosen = draw(st.lists(st.booleans(), min_size=len(pieces), max_size=len(pieces)).filter(any))
    sizes = {"letter": len(text), "token": len(pieces), "step": text.count("\n") + 1}
    spans = []
    for _ in range(draw(st.integers(0, 5))):
        unit = draw(st.sampled_from(UNITS))
        start = draw(st.integers(0, max(0, sizes[unit] - 1)))
        end = draw(st.integers(start + 1, max(start + 1, sizes[unit])))
        spans.append(Span(start, end, draw(st.floats(-2, 2)), unit))
    return text, pieces, chosen, spans, draw(st.floats(-3, 3))


@settings(deadline=None)
@given(rows())
def test_a_row_sums_to_its_total_and_is_nothing_outside_the_mask(
    row: tuple[str, list[str], list[bool], list[Span], float],
) -> None:
    text, pieces, chosen, spans, total = row
    mask_NT = torch.tensor([chosen])
    value_NT = torch.zeros(mask_NT.shape)
    for token, value in placed(spans, text, pieces, chosen).items():
        assert chosen[token]
        value_NT[0, token] = value
    found_NT = with_rest(torch.tensor([total]), value_NT, mask_NT)
    assert not bool(found_NT[~mask_NT].any())
    assert float(found_NT.double().sum()) == pytest.approx(total, abs=1e-5)
    if not spans:
        last = max(n for n, here in enumerate(chosen) if here)
        assert found_NT[0, last] == torch.tensor(total)


@settings(deadline=None)
@given(rows())
def test_a_part_counts_where_a_plain_search_finds_it(
    row: tuple[str, list[str], list[bool], list[Span], float],
) -> None:
    """Letter by letter from the definition: which tokens hold a letter of the part, and which of them is the last."""
    text, pieces, chosen, spans, _ = row
    owners = [token for token, piece in enumerate(pieces) for _ in piece]
    lines = [text[:place].count("\n") for place in range(len(text))]
    for span in spans:
        if span.unit == "letter":
            held = owners[span.start : span.end]
        elif span.unit == "step":
            held = [owner for owner, line in zip(owners, lines, strict=True) if span.start <= line < span.end]
        else:
            held = list(range(span.start, span.end))
        before = [token for token in range(max(held) + 1) if chosen[token]] if held else []
        assert placed([span], text, pieces, chosen) == ({before[-1]: span.value} if before else {})
