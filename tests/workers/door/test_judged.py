"""Values of every part of a reward on a few samples, and what is said where there are none."""

from typing import Any

from tests.workers.engine.scripted import Asked, said, serving
from workers.door.judged import judge
from workers.engine import keeping
from workers.engine.keeping import WARM

SAMPLES = [
    {"prompt": "1+1", "completion": "it is 2", "answer": "2"},
    {"prompt": "2+2", "completion": "it is 5", "answer": "4"},
]
RIGHT = {"kind": "rewards", "name": "numeric_answer"}
LONG = {
    "kind": "rewards",
    "name": "code:1@1",
    "source": "def reward(completions, **columns):\n    return [float(len(text)) for text in completions]\n",
}


def gate(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "combining", "name": "gate", "params": {"threshold": 1.0}, "of": list(parts)}


def test_it_works() -> None:
    """By hand: the first answer is right and seven letters long, so the gate lets 7 through; the second is wrong."""
    (made,) = judge([gate(RIGHT, LONG)], SAMPLES)
    values = {"": [7.0, 0.0], "of.0": [1.0, 0.0], "of.1": [7.0, 7.0]}
    assert made == {"values": values, "faults": {}, "notes": {}, "error": ""}


def test_what_a_judge_wrote_comes_with_its_values() -> None:
    with serving(Asked(lambda *_: said("well: [[10, 1]]"))) as url:
        (made,) = judge([{"kind": "rewards", "name": "judge", "params": {"url": url}}], SAMPLES[:1])
    assert made["values"] == {"": [0.5]}
    assert made["notes"] == {"0": "well: [[10, 1]]\n\nwell: [[10, 1]]"}


def test_each_reward_answers_for_itself() -> None:
    unknown = {"kind": "rewards", "name": "nothing"}
    found = judge([RIGHT, gate(RIGHT), unknown, {"kind": "rewards"}], SAMPLES)
    assert found[0]["values"] == {"": [1.0, 0.0]}
    assert "two parts" in found[1]["error"]
    assert "nothing" in found[2]["error"]
    assert "name" in found[3]["error"]
    assert [one["values"] for one in found[1:]] == [{}, {}, {}]


def test_a_sample_that_a_part_fails_on_is_said_and_the_others_keep_their_values() -> None:
    raising = LONG | {"source": LONG["source"].replace("float(len(text))", "1 / (len(text) - 7)")}
    samples = [SAMPLES[0], {"prompt": "", "completion": "abcdefghi", "answer": "9"}]
    (made,) = judge([{"kind": "combining", "name": "sum", "of": [raising]}], samples)
    assert made["values"][""] == [None, 0.5]
    assert "ZeroDivisionError" in made["faults"]["0"]


def test_a_function_stays_warm_for_its_owner_alone() -> None:
    """It says when its child was born: the same in another tree, another for somebody else."""
    source = "import time\nBORN = time.time()\n\n\ndef reward(completions):\n    return [BORN for _ in completions]\n"
    born = LONG | {"source": source}
    whole = {"kind": "combining", "name": "sum", "of": [born]}
    first, second, other = (
        judge([one], SAMPLES, owner)[0]["values"][""][0] for one, owner in ((born, "a"), (whole, "a"), (born, "b"))
    )
    assert first == second
    assert other > first


def test_only_some_functions_are_kept() -> None:
    for number in range(WARM + 2):
        judge([LONG | {"source": f"{LONG['source']}# {number}\n"}], SAMPLES, "many")
    assert len(keeping._kept) == WARM


def test_a_runs_completions_are_measured_in_its_tokens() -> None:
    """3 to 5 tokens earn 1; letters stand for them where nobody knows better."""
    band = {"kind": "rewards", "name": "length_band", "params": {"shortest": 3, "room": 2, "fall": 0}}
    samples = [{"prompt": "p", "completion": text} for text in ("aaaaaaaa", "a bb", "aaaa")]
    asked: list[dict[str, Any] | None] = [None, {}, {"lengths": [4, 9, 1], "own": "words"}]
    found = [judge([band], samples, "", stored)[0]["values"][""] for stored in asked]
    assert found == [[0.0, 1.0, 1.0]] * 2 + [[1.0, 0.0, 0.0]]
