"""Rewards of a service: the form that is posted, the forms that are read, and what is refused."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.workers.engine.scripted import Asked, ok, serving
from tests.workers.rewards.test_judge import of
from workers.contract.rewardnode import LEAF, Node
from workers.contract.values import Values
from workers.engine.facilities import Facilities
from workers.engine.judges import make_judge
from workers.engine.posting import Posting


class Service:
    """Answers posts one after the other."""

    def __init__(self, *given: Any) -> None:
        self.given, self.bodies = list(given), list[Mapping[str, Any]]()

    def __call__(self, url: str, body: Mapping[str, Any], key_variable: str = "") -> tuple[Mapping[str, Any], str]:
        self.bodies.append(body)
        found = self.given.pop(0)
        return ({}, found) if isinstance(found, str) else (found, "")


def remote(service: Any, count: int = 3, **params: Any) -> Values:
    answers = of([f"answer {n}" for n in range(count)], [str(n) for n in range(count)])
    return make_judge(Node(LEAF, "remote", params), "r", Facilities(_made={"service": service})).judge(answers, 1)


def test_it_works() -> None:
    """The documented form, over a real connection."""

    def reply(path: str, body: Any) -> Any:
        return ok(
            {"rewards": [len(text) for text in body["query"]], "scores": [0, 0, 0], "extra_logs": {"two": [2] * 3}}
        )

    script = Asked(reply)
    with serving(script) as url:
        found = remote(Posting(pause=0.01), url=url.removesuffix("/v1") + "/get_reward")
    assert found.total == [len("how?answer 0")] * 3
    assert found.parts == {"two": [2.0] * 3}
    assert script.asked == [
        {
            "query": ["how?answer 0", "how?answer 1", "how?answer 2"],
            "prompts": ["how?"] * 3,
            "labels": ["0", "1", "2"],
        }
    ]


@pytest.mark.parametrize(
    ("answer", "total"),
    [
        ({"scores": [1, 2.5, -3]}, [1, 2.5, -3]),
        ({"rewards": [[1], [2], [3]]}, [1, 2, 3]),
        ({"rewards": [1, None, True]}, [1, None, 1]),
    ],
)
def test_other_forms(answer: Any, total: list[float | None]) -> None:
    found = remote(Service(answer))
    assert found.total == total
    assert not found.faults


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ({"rewards": [1, 2]}, "gave 2 rewards for 3 completions"),
        ({"rewards": []}, "gave 0 rewards for 3"),
        ({"rewards": 3}, "no list `rewards` or `scores`, but rewards"),
        ({}, "but nothing"),
        ("the service is away", "the service is away"),
    ],
)
def test_an_answer_that_cannot_be_used_is_no_value(answer: Any, what: str) -> None:
    found = remote(Service(answer))
    assert found.total == [None] * 3
    assert list(found.faults) == [0, 1, 2]
    assert all(what in fault for fault in found.faults.values())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1", [1, 2], [], {}, 10**400])
def test_what_is_no_number_is_that_completions_fault(value: Any) -> None:
    found = remote(Service({"rewards": [1, value, 2]}))
    assert found.total == [1, None, 2]
    assert "which is no finite number" in found.faults[1]
    assert list(found.faults) == [1]


def test_what_another_lab_s_reward_failed_on_has_failed_here() -> None:
    """Merit tells why it has no value; what merely does not apply is no failure. What is told is not trusted."""
    told = [{"index": 1, "what": "line 2: out"}, {"index": 9, "what": "no"}, {"index": "2"}, "odd"]
    one, other = {"rewards": [1, None, None], "faults": told}, {"rewards": [None, None], "faults": told[:1]}
    found = remote(Service(one, other), 5, together=3)
    assert found.total == [1, None, None, None, None]
    assert found.faults == {1: "the service says: line 2: out", 4: "the service says: line 2: out"}


def test_posts_are_of_bounded_size_and_fail_alone() -> None:
    logs = {"extra_logs": {"a": [5, 6], "b": [1], "c": ["x", "y"]}}
    service = Service({"rewards": [1, 2]} | logs, "away", {"rewards": [5]})
    found = remote(service, 5, together=2)
    assert found.total == [1, 2, None, None, 5]
    assert found.faults == {2: "away", 3: "away"}
    assert found.parts == {"a": [5, 6, None, None, None]}
    assert [len(body["query"]) for body in service.bodies] == [2, 2, 1]


def test_prompts_without_the_column_have_no_labels() -> None:
    service = Service({"rewards": [1, 1, 1]})
    remote(service, column="gold")
    assert service.bodies[0]["labels"] == [None] * 3
