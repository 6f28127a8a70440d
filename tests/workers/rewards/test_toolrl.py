"""ToolRL: the catalogue's numbers, and what each variant changes."""

import json
from typing import Any

import pytest

from tests.workers.scored import judged
from workers.contract.values import Values
from workers.engine.tensors import Progress

WEATHER = {"name": "get_weather", "parameters": {"city": "Paris", "unit": "C"}}
ADD = {"name": "add", "parameters": {"a": 1, "b": 2}}
GOLD = [WEATHER, ADD]
WRONG = {"name": "get_weather", "parameters": {"city": "Paris", "unit": "F"}}
EXTRA = {"name": "get_weather", "parameters": {"city": "Paris", "unit": "C", "day": "Monday"}}
SAY = {"name": "say", "parameters": {"text": "a\u2028b\u0085c"}}
UNKNOWN = {"name": "weather", "parameters": {"city": "Paris", "unit": "C"}}


def said(*calls: Any, think: str = "so") -> str:
    lines = "\n".join(call if isinstance(call, str) else json.dumps(call) for call in calls)
    return f"<think>{think}</think>\n<tool_call>\n{lines}\n</tool_call>"


def rewarded(text: str, gold: Any = GOLD, step: int = 1, **params: Any) -> Values:
    return judged("toolrl", [text], columns={"calls": [gold]}, progress=Progress(step, 200), **params)


@pytest.mark.parametrize(
    ("text", "total", "fmt", "cor"),
    [
        (said(WEATHER, ADD), 4, 1, 3),
        (said(ADD, WEATHER), 4, 1, 3),
        (said(WRONG, ADD), 3.142857, 1, 2.142857),
        (said(WEATHER), 1, 1, 0),
        (said(EXTRA, ADD), 3.714286, 1, 2.714286),
        (said(UNKNOWN, ADD), 0.857143, 1, -0.142857),
        (said('{"name": '), -2, 1, -3),
        ("no tags", -3, 0, -3),
        (said(WEATHER, WEATHER, ADD), 3.714286, 1, 2.714286),
    ],
)
def test_the_catalogues_table(text: str, total: float, fmt: float, cor: float) -> None:
    made = rewarded(text)
    assert list(made.total) == pytest.approx([total], abs=1e-6)
    assert set(made.parts) == {"format", "correctness"}
    assert list(made.parts["format"]) == [fmt]
    assert list(made.parts["correctness"]) == pytest.approx([cor], abs=1e-6)


@pytest.mark.parametrize(
    ("params", "text", "cor"),
    [
        ({"cor_max": 1.0}, said(WEATHER, ADD), 1),
        ({"cor_max": 1.0}, said(WRONG, ADD), 0.714286),
        ({"cor_max": 1.0}, said(WEATHER), 0),
        ({"granularity": "coarse"}, said(WEATHER, ADD), 3),
        ({"granularity": "coarse"}, said(ADD, WEATHER), -3),
        ({"granularity": "coarse"}, said(WRONG, ADD), -3),
        ({"granularity": "coarse"}, said(WEATHER), -3),
        ({"name_match": "strict"}, said(WEATHER), -0.428571),
        ({"granularity": "intermediate"}, said(WRONG, ADD), 1),
        ({"granularity": "intermediate"}, said(WEATHER), 0),
    ],
)
def test_variants(params: dict[str, Any], text: str, cor: float) -> None:
    assert list(rewarded(text, **params).parts["correctness"]) == pytest.approx([cor], abs=1e-6)


@pytest.mark.parametrize(
    ("schedule", "step", "text", "total"),
    [
        ("smooth", 0, said(WEATHER, ADD), 4),
        ("smooth", 75, said(WEATHER, ADD), 4),
        ("smooth", 150, said(WEATHER, ADD), 4),
        ("smooth", 0, said(WRONG, ADD), 3.428571),
        ("smooth", 75, said(WRONG, ADD), 3.285714),
        ("smooth", 150, said(WRONG, ADD), 3.142857),
        ("smooth", 0, "no tags", -4),
        ("smooth", 75, "no tags", -3.5),
        ("smooth", 150, "no tags", -4),
        ("two_stage", 29, said(WEATHER, ADD), 2),
        ("two_stage", 30, said(WEATHER, ADD), 3.5),
    ],
)
def test_schedules(schedule: str, step: int, text: str, total: float) -> None:
    assert rewarded(text, step=step, scale_schedule=schedule).total[0] == pytest.approx(total, abs=1e-6)


def test_the_parts_of_the_smooth_schedule() -> None:
    scales = [(0, 2, 2), (75, 1.5, 2.5), (150, 1, 3)]
    for step, fmt, cor in scales:
        assert rewarded(said(*GOLD), step=step, scale_schedule="smooth").parts == {
            "format": [fmt],
            "correctness": [cor],
        }


@pytest.mark.parametrize(("kind", "step", "bonus"), [("fixed", 1, 0.25), ("dynamic", 0, 0.33), ("dynamic", 105, 0.2)])
def test_length_bonus(kind: str, step: int, bonus: float) -> None:
    made = rewarded(said(*GOLD, think="word " * 128), step=step, length_bonus=kind)
    assert made.parts["length"] == [bonus]
    assert made.total == [4 + bonus]


def test_a_printed_call_is_used_once() -> None:
    assert rewarded(said(ADD), [ADD, ADD]).parts["correctness"][0] == pytest.approx(0.0)  # (1/2 + 3 + 0) of 7


def test_one_right_value_more_adds_its_share() -> None:
    none = {"name": "add", "parameters": {"a": 0, "b": 0}}
    one = {"name": "add", "parameters": {"a": 1, "b": 0}}
    totals = [rewarded(said(WEATHER, call)).total[0] or 0.0 for call in (none, one, ADD)]
    assert totals[1] - totals[0] == pytest.approx(6 / 7)
    assert totals[2] - totals[1] == pytest.approx(6 / 7)


@pytest.mark.parametrize(
    ("text", "gold", "total"),
    [
        ("<think>a</think>", [], 1.0),
        ("<think>a</think>x", [], 0.0),
        (said(ADD), [], 0.0),
        (said({"name": "now"}), [{"name": "now", "parameters": {}}], 4.0),
        (said("[1, 2]"), GOLD, -2.0),
        (said('{"name": 3}'), GOLD, -2.0),
        (said("[" * 100_000), GOLD, -2.0),
        (said(*GOLD), "\n".join(map(json.dumps, GOLD)), 4.0),
        (said(*GOLD), json.dumps(GOLD), 4.0),
        # JSON may hold these signs as they are; no call ends at them.
        (said('{"name": "say", "parameters": {"text": "a\u2028b\u0085c"}}'), [SAY], 4.0),
    ],
)
def test_ends_of_the_range(text: str, gold: Any, total: float) -> None:
    assert rewarded(text, gold).total[0] == pytest.approx(total)


def test_a_response_may_be_wanted_too() -> None:
    columns: dict[str, list[Any]] = {"calls": [GOLD, []], "response": [True, True]}
    texts = [said(*GOLD) + "\n<response>ok</response>", "<think>a</think>\n<response>ok</response>"]
    assert list(judged("toolrl", texts, columns=columns).total) == [4.0, 1.0]


def test_a_reference_that_is_no_call_is_refused() -> None:
    with pytest.raises(ValueError, match="no list of calls"):
        rewarded("x", gold="huh")
