"""The dry run as a whole: users' code in its sandbox, failures with their lines, what stays warm, other versions."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.contract.rewardnode import Node
from workers.contract.values import Values
from workers.engine.dryrun import dry_run, judging
from workers.engine.dryrun.report import Asked
from workers.engine.facilities import Facilities
from workers.engine.judges import Made

LENGTH = "def reward(completions, **columns):\n    return [float(len(text)) for text in completions]\n"
INVERSE = (
    "def reward(completions, **columns):\n    print('hello')\n    return [1 / len(text) for text in completions]\n"
)


@pytest.fixture(autouse=True)
def _cold() -> Iterator[None]:
    judging.close_all()
    yield
    judging.close_all()


def code(source: str, label: str = "") -> Node:
    return Node("rewards", "this", source=source, label=label)


def samples(*texts: str, **columns: Any) -> list[dict[str, Any]]:
    return [{"prompt": "1+1=", "completion": text, "answer": "2", **columns} for text in texts]


def test_it_works() -> None:
    found = dry_run(code(LENGTH), samples("a", "bbb", "cc"))
    assert found["values"] == [1.0, 3.0, 2.0]
    assert (found["error"], found["faults"], found["warm"]) == ("", [], False)
    assert found["summary"]["mean"] == 2.0
    assert found["extremes"] == {"highest": [1, 2, 0], "lowest": []}
    assert found["length"]["slope"]["value"] == pytest.approx(1000)
    assert (found["agreement"], found["changes"]) == (None, None)
    assert json.loads(json.dumps(found)) == found


def test_a_failed_sample_shows_the_own_line_and_the_others_keep_their_scores() -> None:
    found = dry_run(code(INVERSE), samples("ab", "", "abcd"))
    assert found["values"] == [0.5, None, 0.25]
    (fault,) = found["faults"]
    assert (fault["sample"], fault["line"]) == (1, 3)
    assert "ZeroDivisionError" in fault["sentence"]
    assert "hello" in found["output"]
    assert found["summary"]["failed"] == 1


@pytest.mark.parametrize("value", ["float('nan')", "'much'", "float('inf')"])
def test_what_is_no_number_is_told_beside_the_other_samples(value: str) -> None:
    source = (
        f"def reward(completions, **columns):\n    return [{value} if text == 'b' else 1.0 for text in completions]\n"
    )
    found = dry_run(code(source), samples("a", "b", "c"))
    assert found["values"] == [1.0, None, 1.0]
    assert found["error"] == ""
    assert [fault["sample"] for fault in found["faults"]] == [1]
    assert "number" in found["faults"][0]["sentence"]


def test_a_combination_that_runs_over_is_told_beside_the_other_samples() -> None:
    """10 to the power of twice the letters: too much for the precision in which a run learns from 20 letters on."""
    tall = code("def reward(completions, **columns):\n    return [10.0 ** len(text) for text in completions]\n")
    found = dry_run(Node("combining", "product", of=(tall, tall)), samples("a", "a" * 30, "aa"))
    assert found["error"] == ""
    assert found["values"] == [100.0, None, 1e4]
    (fault,) = found["faults"]
    assert fault["sample"] == 1
    assert "is no finite number" in fault["sentence"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def reward(completions, **columns):\n    return [1.0]\n", "values for 2 completions"),
        ("import nowhere\n" + LENGTH, "nowhere"),
        ("def reward(completions, level):\n    return level\n", "level"),
        ("def reward(completions:\n", "line 1"),
    ],
)
def test_what_cannot_be_used_says_why(source: str, said: str) -> None:
    found = dry_run(code(source), samples("a", "b"))
    assert said in found["error"]
    assert found["values"] == [None, None]
    assert "summary" not in found


def test_a_tree_tells_every_part_and_its_failures() -> None:
    tree = Node("combining", "sum", of=(code(INVERSE, "inverse"), Node("rewards", "exact_answer")))
    found = dry_run(tree, samples("#2", "", "no"))
    assert found["values"] == [1.5, None, 0.5]
    assert found["parts"] == {"exact_answer": [1.0, 0.0, 0.0], "inverse": [0.5, None, 0.5]}
    assert (found["faults"][0]["sample"], found["faults"][0]["line"]) == (1, 3)
    assert found["faults"][0]["sentence"].startswith("inverse: line 3")
    assert found["components"]["adds_up"]


def test_the_second_question_finds_it_warm_and_only_for_the_same_owner() -> None:
    source = "seen = []\ndef reward(completions, **columns):\n    seen.append(1)\n    return [float(len(seen))]\n"
    asked = Asked(probes=False, owner="team 1")
    assert dry_run(code(source), samples("a"), asked)["values"] == [1.0]
    again = dry_run(code(source), samples("a"), asked)
    assert (again["values"], again["warm"]) == ([2.0], True)
    other = dry_run(code(source), samples("a"), Asked(probes=False, owner="team 2"))
    assert (other["values"], other["warm"]) == ([1.0], False)


def test_only_a_few_stay_warm() -> None:
    for number in range(judging.WARM + 2):
        dry_run(
            Node("rewards", "brevity", {"full_until": 1, "zero_from": 10 + number}), samples("a"), Asked(probes=False)
        )
    assert len(judging._kept) == judging.WARM


def test_another_version_is_compared_on_the_same_samples() -> None:
    before = code("def reward(completions, **columns):\n    return [2.0 for text in completions]\n")
    found = dry_run(code(LENGTH), samples("aa", "bbb", "c"), Asked(before))["changes"]
    assert (found["largest"], found["changed"], found["before"]) == ([1, 2], 2, [2.0, 2.0, 2.0])
    broken = dry_run(code(LENGTH), samples("aa"), Asked(code("def reward(completions, x):\n    return x\n")))
    assert "x" in broken["changes"]["error"]


def test_labels_are_verdicts_but_no_column() -> None:
    source = "def reward(completions, **columns):\n    return [float('label' in columns) for text in completions]\n"
    labelled = [{**one, "label": right} for one, right in zip(samples("a", "b"), (1.0, 0.0), strict=True)]
    assert dry_run(code(source), labelled)["values"] == [0.0, 0.0]
    found = dry_run(Node("rewards", "verified"), labelled)
    assert found["values"] == [1.0, 0.0]
    assert found["agreement"]["accuracy"]["value"] == 1.0


def test_dense_values_are_drawn() -> None:
    source = (
        "def reward(completions, **columns):\n"
        "    return [[1.0 if word == 'good' else 0.0 for word in text.split()] for text in completions]\n"
    )
    found = dry_run(code(source), samples("a good word", "bad"))
    assert found["values"] == [1.0, 0.0]
    assert found["dense"][0] == {
        "sample": 0,
        "total": 1.0,
        "rest": 0.0,
        "pieces": ["a", " good", " word"],
        "values": [0.0, 1.0, 0.0],
        "parts": {},
        "placed": True,
    }


def test_what_changes_over_a_run_is_asked_at_a_share_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(node: Node, label: str, facilities: Facilities) -> Made:
        def judge(answers: Answers, step: int) -> Values:
            progress = facilities.supply(("progress",), "rewards/this", step)["progress"]
            return Values([progress.share for _ in answers.texts])

        return Made(judge)

    monkeypatch.setattr(judging, "make_judge", made)
    for share in (0.0, 0.5, 1.0):
        found = dry_run(Node("rewards", "this"), samples("a"), Asked(share=share, probes=False))
        assert found["values"] == [pytest.approx(share, abs=0.002)]


def test_what_a_judge_said_is_told_beside_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(node: Node, label: str, facilities: Facilities) -> Made:
        return Made(lambda answers, step: Values([1.0] * len(answers.texts), notes={1: "the second is better"}))

    monkeypatch.setattr(judging, "make_judge", made)
    assert dry_run(Node("rewards", "that"), samples("a", "b"))["notes"] == {"1": "the second is better"}


def test_two_hundred_completions_are_answered_in_time_when_warm() -> None:
    many = [{**one, "label": float(n % 2)} for n, one in enumerate(samples(*("word " * (n + 1) for n in range(200))))]
    asked = Asked(before=code(LENGTH.replace("float", "2 * float")))
    dry_run(code(LENGTH), many, asked)
    began = time.monotonic()
    found = dry_run(code(LENGTH), many, asked)
    assert time.monotonic() - began < 2
    assert found["warm"]
    assert len(found["probes"]["rows"]) == 8


TOKENS = "def reward(completions, completion_ids, **columns):\n    return [float(len(ids)) for ids in completion_ids]\n"
BAND = Node("rewards", "length_band", {"shortest": 3, "room": 2, "fall": 0})


def test_lengths_are_told_in_tokens_where_a_tokenizer_is_chosen() -> None:
    """By words `a bb` is three pieces (the blank is one): the reward is the number of pieces, 100 on 100 of them."""
    found = dry_run(code(TOKENS), samples("aaa", "a bb", "a bb c"), Asked(tokenizer="words"))
    assert found["counts"] == found["values"] == [1.0, 3.0, 5.0]
    assert (found["tokens"]["of"], found["tokens"]["per"]) == ("tokens", 100)
    assert found["tokens"]["slope"]["value"] == pytest.approx(100)
    assert found["length"]["of"] == "letters"
    plain = dry_run(code(LENGTH), samples("aaa", "a bb", "a bb c"))
    assert (plain["tokens"], plain["counts"], plain["length"]["of"]) == (None, None, "letters")


def test_rewards_see_lengths_in_tokens_as_in_a_run() -> None:
    """3 to 5 tokens earn 1. By letters the texts have 8, 4, 9 and 4; by words 1, 3, 7 and 1."""
    texts = samples("aaaaaaaa", "a bb", "a bb c dd", "aaaa")
    stored = Asked(own="words", lengths=[4, 9, 3, 1])
    values = [dry_run(BAND, texts, asked)["values"] for asked in (Asked(), Asked(tokenizer="words"), stored)]
    assert values == [[0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0]]
    # Probes are measured likewise: half of the first text has four letters, and is one piece.
    for asked, score in ((Asked(), 1.0), (Asked(tokenizer="words"), 0.0), (stored, 0.0)):
        probes = dry_run(BAND, [{**texts[0], "label": 1}], replace(asked, lengths=asked.lengths and [4]))["probes"]
        assert {row["name"]: row["score"] for row in probes["rows"]}["truncated"] == score


def test_what_a_run_stored_is_told_also_without_its_tokenizer() -> None:
    found = dry_run(code(LENGTH), samples("a", "bbb", "cc"), Asked(own="/nowhere/at/all", lengths=[2, 6, 4]))
    assert found["counts"] == [2, 6, 4]
    assert found["tokens"]["slope"]["value"] == pytest.approx(50)
    assert found["values"] == [1.0, 3.0, 2.0]
    with pytest.raises(RunError, match="/nowhere"):
        dry_run(code(LENGTH), samples("a"), Asked(tokenizer="/nowhere/at/all"))


def test_values_of_tokens_are_drawn_on_their_letters_where_a_tokenizer_is_chosen() -> None:
    source = (
        "def reward(completions, completion_ids):\n"
        "    return [[float(n) for n, _ in enumerate(ids)] for ids in completion_ids]\n"
    )
    found = dry_run(code(source), samples("it is 2"), Asked(tokenizer="words"))
    (drawn,) = found["dense"]
    assert drawn["placed"]
    assert (drawn["pieces"], drawn["values"]) == (["it", " ", "is", " ", "2"], [0.0, 1.0, 2.0, 3.0, 4.0])
