"""Values that stand at places of a completion: per token, on letters, on lines."""

from dataclasses import replace

import pytest

from tests.workers.sandbox.attempts import answers
from workers.contract.values import Span
from workers.sandbox import Scorer, Scores

TEXTS = ("ab\ncd\n", "x")
GIVEN = replace(answers(*TEXTS), tokens=((5, 6, 7), (8,)))


def score(first: str, second: str = "0.0") -> Scores:
    """The scores where the two completions have these values."""
    source = (
        f"import numpy\ndef reward(completions):\n    return [{first} if c != 'x' else {second} for c in completions]"
    )
    with Scorer(source) as scorer:
        return scorer.score(GIVEN)


@pytest.mark.parametrize(
    ("given", "spans", "total"),
    [
        ("[0.5, 0, 1]", [Span(0, 1, 0.5, "token"), Span(1, 2, 0.0, "token"), Span(2, 3, 1.0, "token")], 1.5),
        ("numpy.ones(3)", [Span(n, n + 1, 1.0, "token") for n in range(3)], 3.0),
        ("[{'start': 0, 'end': 2, 'value': 1}, {'start': 6, 'end': 6, 'value': -3}]",
         [Span(0, 2, 1.0), Span(6, 6, -3.0)], -2.0),
        ("{'start': numpy.int64(1), 'end': 6, 'value': numpy.float32(0.5)}", [Span(1, 6, 0.5)], 0.5),
        ("[{'step': 0, 'value': 1}, {'step': 2, 'value': 0.25}]",
         [Span(0, 1, 1.0, "step"), Span(2, 3, 0.25, "step")], 1.25),
        ("{'step': 1, 'value': 2}", [Span(1, 2, 2.0, "step")], 2.0),
        ("({'step': 1, 'value': 2}, {'start': 0, 'end': 1, 'value': 2})",
         [Span(1, 2, 2.0, "step"), Span(0, 1, 2.0)], 4.0),
        ("[]", [], 0.0),
    ],
)  # fmt: skip
def test_places_become_spans_and_their_sum_the_value(given: str, spans: list[Span], total: float) -> None:
    found = score(given)
    assert found.faults == []
    assert found.spans == {0: spans}
    assert found.values == [total, 0.0]


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ("[0.5, 0]", "wrong_count", "it gave 2 values for the 3 tokens of this completion"),
        ("[0.5, 0, None]", "not_a_number", "the value of a token is None"),
        ("[0.5, 0, float('nan')]", "not_a_number", "the value of a token is nan"),
        ("[0.5, 0, [1]]", "not_a_number", "the value of a token is a list"),
        ("[{'start': 0, 'end': 7, 'value': 1}]", "wrong_place", "letters 0 to 7 are not in this text, which has 6"),
        ("[{'start': -1, 'end': 2, 'value': 1}]", "wrong_place", "letters -1 to 2 are not in this text"),
        ("[{'start': 3, 'end': 2, 'value': 1}]", "wrong_place", "letters 3 to 2 are not in this text"),
        (
            "[{'start': 0.5, 'end': 2, 'value': 1}]",
            "wrong_place",
            "the start of a part is 0.5, which is no whole number",
        ),
        ("[{'start': None, 'end': 2, 'value': 1}]", "wrong_place", "the start of a part is None"),
        ("[{'start': float('inf'), 'end': 2, 'value': 1}]", "wrong_place", "the start of a part is inf"),
        ("[{'start': 0, 'end': 2, 'value': float('inf')}]", "not_a_number", "the value of a part is inf"),
        ("[{'start': 0, 'end': 2, 'value': None}]", "not_a_number", "the value of a part is None"),
        ("[{'start': 0, 'end': 2, 'value': 'x'}]", "not_a_number", "the value of a part is str 'x'"),
        ("[{'start': 0, 'value': 1}]", "wrong_place", "a part of a completion is"),
        ("[{'start': 0, 'end': 2, 'value': 1}, 0.5]", "wrong_place", "a part of a completion is"),
        ("[{'step': 3, 'value': 1}]", "wrong_place", "step 3 is not there: this text has 3"),
        ("[{'step': -1, 'value': 1}]", "wrong_place", "step -1 is not there"),
    ],
)
def test_what_is_wrong_is_refused_with_its_sample(given: str, kind: str, said: str) -> None:
    found = score(given, "[{'start': 0, 'end': 1, 'value': 2}]")
    assert found.values == [None, 2.0]
    assert [(fault.kind, fault.sample_index) for fault in found.faults] == [(kind, 0)]
    assert said in found.faults[0].what
    assert found.spans == {1: [Span(0, 1, 2.0)]}


def test_places_stay_with_their_completion_when_another_one_fails() -> None:
    values = "[{'start': 0, 'end': len(c) // (c != 'x'), 'value': 1} for c in completions]"
    source = f"def reward(completions, log_extra):\n    log_extra('read', completions)\n    return {values}"
    with Scorer(source) as scorer:
        found = scorer.score(replace(answers("x", *TEXTS[:1]), tokens=((8,), (5, 6, 7))))
    assert found.values == [None, 1.0]
    assert found.spans == {1: [Span(0, 6, 1.0)]}
    assert found.notes == {1: "read: ab\ncd\n"}


LINE, LETTERS = "{'step': 0, 'value': 1}", "[{'start': 0, 'end': 1, 'value': 2}, {'start': 3, 'end': 6, 'value': -0.5}]"
AT_LINE, AT_LETTERS = Span(0, 1, 1.0, "step", "line"), [Span(0, 1, 2.0, part="at"), Span(3, 6, -0.5, part="at")]


@pytest.mark.parametrize(
    ("given", "parts", "spans", "total"),
    [
        (f"{{'right': 1, 'at': {LETTERS}}}", {"right": 1.0, "at": 1.5}, AT_LETTERS, 2.5),
        (f"{{'line': {LINE}, 'at': {LETTERS}, 'none': None}}", {"line": 1.0, "at": 1.5}, [AT_LINE, *AT_LETTERS], 2.5),
        ("{'each': [1, 2, 3], 'right': 0.5}", {"each": 6.0, "right": 0.5},
         [Span(n, n + 1, n + 1.0, "token", "each") for n in range(3)], 6.5),
        (f"{{'reward': 7, 'at': {LETTERS}}}", {"reward": 7.0, "at": 1.5}, [], 7.0),
        (f"{{'reward': [{LINE}], 'at': {LETTERS}}}", {"reward": 1.0, "at": 1.5},
         [Span(0, 1, 1.0, "step", "reward")], 1.0),
        (f"{{'reward': None, 'at': {LETTERS}}}", {"at": 1.5}, [], None),
        ("{'at': [], 'right': 1}", {"at": 0.0, "right": 1.0}, [], 1.0),
    ],
)  # fmt: skip
def test_components_may_say_where_they_arise(
    given: str, parts: dict[str, float], spans: list[Span], total: float | None
) -> None:
    found = score(given)
    assert found.faults == []
    assert {name: column[0] for name, column in found.components.items() if column[0] is not None} == parts
    assert found.spans.get(0, []) == spans
    assert found.values == [total, 0.0]


def test_a_dict_of_columns_may_hold_places() -> None:
    source = (
        "def reward(completions):\n    return {'long': [len(c) for c in completions],"
        " 'first': [[{'start': 0, 'end': 1, 'value': 1}] for c in completions]}"
    )
    with Scorer(source) as scorer:
        found = scorer.score(GIVEN)
    assert found.values == [7.0, 2.0]
    assert found.components == {"long": [6.0, 1.0], "first": [1.0, 1.0]}
    assert found.spans == {n: [Span(0, 1, 1.0, part="first")] for n in (0, 1)}


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ("{'at': [{'start': 0, 'end': 9, 'value': 1}]}", "wrong_place", "the part 'at': letters 0 to 9"),
        ("{'right': 1, 'each': [1, 2]}", "wrong_count", "the part 'each': it gave 2 values for the 3 tokens"),
        ("{'reward': 1, 'each': [1, None, 2]}", "not_a_number", "the part 'each': the value of a token is None"),
        ("{'deep': {'right': 1}}", "not_a_number", "the part 'deep' is a dict"),
    ],
)
def test_a_component_at_a_wrong_place_is_named(given: str, kind: str, said: str) -> None:
    found = score(given)
    assert [(fault.kind, fault.sample_index) for fault in found.faults] == [(kind, 0)]
    assert said in found.faults[0].what
    assert found.values == [None, 0.0]
