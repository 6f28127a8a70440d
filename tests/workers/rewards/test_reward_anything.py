"""Listwise judgements by a principle: what is asked, what is read, and what becomes of it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from workers.contract.answers import FINISHED, Answers
from workers.contract.rankings import judgement
from workers.contract.rewardnode import LEAF, Node
from workers.contract.services import Chat, Reply
from workers.contract.values import Values
from workers.engine.facilities import Facilities
from workers.engine.judges import make_judge


def said(content: dict[str, Any]) -> str:
    """A judge that likes short responses: 5 for one letter, 4 for two …"""
    scores = {name: 6 - len(text) for name, text in content["responses"].items()}
    return json.dumps({"scores": scores, "best-to-worst": sorted(scores, key=lambda name: -scores[name])})


class Judge:
    """Keeps what it was asked."""

    def __init__(self, say: Callable[[dict[str, Any]], str] = said) -> None:
        self.say, self.asked, self.calls = say, list[Chat](), 0

    def __call__(self, chats: Sequence[Chat]) -> list[Reply]:
        self.asked += chats
        self.calls += bool(chats)
        return [Reply(self.say(json.loads(chat.messages[1]["content"]))) for chat in chats]


def judged(texts: Sequence[str], judge: Judge, groups: Sequence[int] = (), **params: Any) -> Values:
    count = len(texts)
    prompts = tuple(f"prompt {group}" for group in groups or [0] * count)
    answers = Answers(tuple(texts), prompts, (1,) * count, (FINISHED,) * count, groups=tuple(groups))
    return make_judge(Node(LEAF, "reward_anything", params), "r", Facilities(_made={"chats": judge})).judge(answers, 1)


def test_scores_and_ranks() -> None:
    """Scores 5, 2, 4: (s - 1) / 4; ranks 1, 3, 2 of three: 1 - (rank - 1) / 2."""
    assert judged(["a", "aaaa", "aa"], Judge()).total == pytest.approx([1, 0.25, 0.75])
    found = judged(["a", "aaaa", "aa"], Judge(), reward_map="rank")
    assert found.total == pytest.approx([1, 0, 0.5])
    assert found.parts == {"score": [5, 2, 4], "rank": [1, 3, 2]}


def test_the_principle_goes_with_the_responses_under_masked_names() -> None:
    judge = Judge()
    judged(["a", "aa", "a", "aaa", "aa"], judge, groups=(7, 7, 7, 8, 8), principle="Be brief.", temperature=0.3)
    contents = [json.loads(chat.messages[1]["content"]) for chat in judge.asked]
    assert [content["principle"] for content in contents] == ["Be brief."] * 2
    assert [content["prompt"] for content in contents] == ["prompt 7", "prompt 8"]
    assert sorted(contents[0]["responses"]) == ["model-1", "model-2"], "equal responses are judged once"
    assert sorted(contents[0]["responses"].values()) == ["a", "aa"]
    assert all(chat.temperature == 0.3 for chat in judge.asked)
    assert judge.calls == 1, "all are asked at the same time"


def test_a_response_does_not_stand_where_its_completion_stood() -> None:
    """Else the first sample of a group would be read first every time."""
    shuffled = 0
    for number in range(8):
        judge = Judge()
        texts = [f"{letter}{number}" for letter in "abcd"]
        judged(texts, judge)
        other = Judge()
        judged(texts[::-1], other)
        assert judge.asked == other.asked
        shuffled += list(json.loads(judge.asked[0].messages[1]["content"])["responses"].values()) != texts
    assert shuffled >= 5


@pytest.mark.parametrize(
    ("count", "most", "sizes"), [(8, 4, [4, 4]), (5, 4, [2, 3]), (4, 10, [4]), (1, 4, [1]), (5, 2, [1, 2, 2])]
)
def test_large_groups_are_judged_in_even_parts(count: int, most: int, sizes: list[int]) -> None:
    judge = Judge(
        lambda content: json.dumps(
            {"scores": dict.fromkeys(content["responses"], 3), "best-to-worst": list(content["responses"])}
        )
    )
    found = judged([str(n) for n in range(count)], judge, n_responses=most)
    assert sorted(len(json.loads(chat.messages[1]["content"])["responses"]) for chat in judge.asked) == sizes
    assert found.total == [0.5] * count


def test_one_that_is_judged_alone_has_a_score_and_no_rank() -> None:
    assert judged(["aa", "aa"], Judge()).total == pytest.approx([0.75, 0.75])
    assert judged(["aa", "aa"], Judge(), reward_map="rank").total == [None, None]


@pytest.mark.parametrize(
    "text",
    [
        "I prefer the first.",
        "{}",
        '{"scores": {"model-1": 3}, "best-to-worst": ["model-1"]}',
        '{"scores": {"model-1": 3, "model-2": 9}, "best-to-worst": ["model-1", "model-2"]}',
        '{"scores": {"model-1": 3, "model-2": 2}, "best-to-worst": ["model-1", "model-1"]}',
        '{"scores": {"model-1": 3, "model-2": true}, "best-to-worst": ["model-1", "model-2"]}',
        '{"scores": [3, 2], "best-to-worst": ["model-1", "model-2"]}',
    ],
)
def test_what_cannot_be_read_is_asked_for_once_more_and_has_then_failed(text: str) -> None:
    judge = Judge(lambda content: said(content) if content["prompt"] == "prompt 1" else text)
    found = judged(["a", "b", "aa"], judge, groups=(0, 0, 1))
    assert found.total == [None, None, 0.75]
    assert list(found.faults) == [0, 1]
    assert "the judge's reply cannot be read" in found.faults[0]
    assert text in found.notes[0]
    assert [len(chat.messages) for chat in judge.asked] == [2, 2, 4]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ('{"scores": {"model-1": 4}, "best-to-worst": ["model-1"]}', False),
        ("{'scores': {'model-1': 4,}, 'best-to-worst': ['model-1',],}", False),
        ('{scores: {model-1: 4}, "best-to-worst": ["model-1"]}', False),
        ('```json\n{"scores": {"model-1": 4}, "best-to-worst": ["model-1"]}\n```', False),
        ('<think>{"scores": {}}</think>{"scores": {"model-1": 4}, "best-to-worst": ["model-1"]}', False),
        ('Here: {"scores": {"model-1": 4}, "best-to-worst": ["model-1"]} Thanks!', True),
    ],
)
def test_what_small_models_write_is_read(text: str, cut: bool) -> None:
    found = judgement(text)
    assert found is not None
    assert (dict(found.scores), found.order, found.cut) == ({"model-1": 4}, ("model-1",), cut)


@pytest.mark.parametrize("text", ["", "{", "}{", "[1, 2]", "3", "[" * 5000, "{'a': " * 3000, "{}"])
def test_nonsense_is_no_judgement(text: str) -> None:
    assert judgement(text) is None
