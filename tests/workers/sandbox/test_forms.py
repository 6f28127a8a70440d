"""Reward functions as TRL, verl and OpenRLHF users have them, each called as it is there."""

from dataclasses import replace

import pytest

from tests.workers.sandbox.attempts import answers
from workers.contract.answers import Answers
from workers.sandbox import Scorer, Scores

GIVEN = replace(answers("4", "five", answer=["4", "5"], level=[1, 2]), prompts=("2+2=", "2+3="))


def score(source: str, given: Answers = GIVEN, **more: int) -> Scores:
    with Scorer(source) as scorer:
        found = scorer.score(given, **more)
    assert found.faults == []
    return found


@pytest.mark.parametrize("how", ["", "async "])
def test_trl(how: str) -> None:
    source = f"""
{how}def f(prompts, completions, completion_ids, trainer_state, log_extra, log_metric, answer, **columns):
    log_extra("asked", list(answer))
    log_extra("right", [c == a for c, a in zip(completions, answer)])
    log_metric("level", sum(columns["level"]) / 2)
    log_metric("level", 2.5)
    share = trainer_state.global_step / trainer_state.max_steps
    return [share + sum(ids) + len(p) for p, ids in zip(prompts, completion_ids)]
"""
    given = replace(GIVEN, tokens=((1, 2), (3,)))
    found = score(source, given, step=3, steps=8)
    assert found.values == [0.25 + 3 + 4, 0.25 + 3 + 4]  # two steps are done before the third
    assert found.components == {"right": [1.0, 0.0], "level": [2.0, 2.0]}  # the mean of 1.5 and 2.5
    assert found.notes == {0: "asked: 4", 1: "asked: 5"}


def test_trl_without_a_tokenizer_has_no_ids_and_before_the_first_step_none_is_done() -> None:
    source = "def f(completions, completion_ids, trainer_state):\n"
    source += "    return [float(completion_ids is None), trainer_state.global_step]"
    assert score(source).values == [1.0, 0.0]


def test_trl_with_messages() -> None:
    source = """
def f(prompts, completions, **columns):
    for prompt, completion in zip(prompts, completions):
        assert prompt[0]["role"] == "user" and completion[0]["role"] == "assistant"
    return [len(p[-1]["content"]) * 10 + len(c[0]["content"]) for p, c in zip(prompts, completions)]
"""
    assert score(source).values == [41.0, 44.0]


def test_messages_that_cannot_be_seen_from_the_text_are_said_how_to_get() -> None:
    source = "def text(c):\n    return c[0]['content']\n\ndef f(completions{}):\n"
    source += "    return [len(text(c)) for c in completions]"
    with Scorer(source.format("")) as scorer:
        (first, _) = scorer.score(GIVEN).faults
    assert "write `completions: list[list[dict]]`" in first.what
    assert score(source.format(": list[list[dict]]")).values == [1.0, 4.0]


@pytest.mark.parametrize("how", ["", "async "])
def test_verl(how: str) -> None:
    source = f"""
{how}def compute_score(data_source, solution_str, ground_truth, extra_info=None, **kw):
    assert data_source == "" and kw == {{}}
    return {{"score": float(solution_str == ground_truth), "level": extra_info["level"], "pred": solution_str}}
"""
    found = score(source)
    assert found.values == [1.0, 0.0]
    assert found.components == {"score": [1.0, 0.0], "level": [1.0, 2.0]}
    assert found.notes == {0: "pred: 4", 1: "pred: five"}


def test_verl_with_one_number_and_columns_of_its_own() -> None:
    source = "def compute_score(data_source, solution_str, ground_truth, extra_info):\n"
    source += "    return extra_info['n'] if data_source == ground_truth else None"
    columns: dict[str, list[object]] = {"data_source": ["a", "b"], "ground_truth": ["a", "c"], "answer": ["z", "z"]}
    assert score(source, answers("x", "y", **columns, extra_info=[{"n": 3}] * 2)).values == [3.0, None]


def test_verl_may_log_what_trl_may() -> None:
    source = (
        "def compute_score(solution_str, log_metric, trainer_state, level):\n    log_metric('a', level)\n    return 1.0"
    )
    found = score(source)
    assert (found.values, found.components) == ([1.0, 1.0], {"a": [1.5, 1.5]})


def test_verl_names_the_sample_that_fails_and_runs_all_at_once() -> None:
    source = "def compute_score(solution_str, ground_truth):\n    return 1 / (solution_str != 'five')"
    with Scorer(source) as scorer:
        found = scorer.score(GIVEN)
    assert found.values == [1.0, None]
    assert [(fault.kind, fault.sample_index, fault.user_line) for fault in found.faults] == [("raised", 1, 2)]
    slow = "import asyncio\nasync def compute_score(solution_str):\n    await asyncio.sleep(0.2)\n    return 1"
    assert score(slow, answers(*["x"] * 40)).seconds < 4  # one after the other these would take eight


@pytest.mark.parametrize("how", ["", "async "])
def test_openrlhf(how: str) -> None:
    source = f"""
import numpy

{how}def reward_func(queries, prompts, labels, **kw):
    right = numpy.array([q == p + a for q, p, a in zip(queries, prompts, labels)], dtype=float)
    return {{"rewards": right * 2, "scores": right, "extra_logs": {{"level": numpy.array([[1], [2]]), "all": 3}}}}
"""
    found = score(source)
    assert found.values == [2.0, 0.0]
    logs = {"level": [1.0, 2.0], "all": [3.0, 3.0]}
    assert found.components == {**logs, "rewards": [2.0, 0.0], "scores": [1.0, 0.0]}


def test_openrlhf_with_a_list() -> None:
    assert score("def reward_func(queries, prompts, labels):\n    return [len(q) for q in queries]").values == [5, 8]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def compute_score(solution_str):\n    return {'acc': 1.0}", "has no 'score'"),
        ("def compute_score(solution_str):\n    return {'score': 'x'}", "the part 'score' is str 'x'"),
        ("def reward_func(queries):\n    return {'scores': [1.0, 1.0]}", "has no 'rewards'"),
        ("def reward_func(queries):\n    return {'rewards': [1.0] * 3}", "the part 'rewards' has 3 values for"),
        ("def f(completions, log_extra):\n    log_extra('a', [1, 2, 3])\n    return [0] * len(completions)",
         "the extra column 'a' has 3 values for"),
        ("def f(completions, log_metric):\n    log_metric('a', 'b')\n    return [0.0] * len(completions)",
         "the metric 'a' is str 'b'"),
        ("def f(completions):\n    return [{str(n): 1 for n in range(33)} for _ in completions]", "33 parts; 32 are"),
    ],
)  # fmt: skip
def test_what_the_forms_do_not_allow(source: str, said: str) -> None:
    with Scorer(source) as scorer:
        faults = scorer.score(GIVEN).faults
    assert any(said in fault.what for fault in faults), faults
    assert {fault.kind for fault in faults} <= {"wrong_count", "not_a_number"}


@pytest.mark.parametrize(
    "source",
    [
        "def compute_score(data_source, solution_str, ground_truth):\n    return ground_truth == 'a'",
        "def reward_func(queries, prompts, labels):\n    return [1.0 for _ in labels]",
    ],
)
def test_an_answer_that_is_looked_at_must_be_there(source: str) -> None:
    with Scorer(source) as scorer, pytest.raises(ValueError, match="asks for the column 'answer'"):
        scorer.score(answers("x"))


def test_names_of_parts_are_made_tame() -> None:
    source = "def f(completions):\n    return {'a\\nb': [1, 2], 'x' * 100: [0, 0], '': [0, 0]}"
    assert list(score(source).components) == ["a b", "x" * 60, "?"]
