"""Counterfactual replay: against a plain loop, by hand, and the identity that a run's own reward changes nothing."""

import json
from dataclasses import replace
from itertools import combinations
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.workers import stored_step
from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.analysis import AnalysisSpec
from workers.contract.errors import RunError
from workers.contract.rewardnode import INNER, LEAF, Node
from workers.contract.spec import Companion, Pick, Prompts, RewardPick
from workers.engine import replay as replaying
from workers.engine.comparing import advantages, column, correlation, opposed, pairs, still
from workers.engine.offline import analyse
from workers.engine.replay import Question, replay
from workers.engine.replay_report import report
from workers.engine.run import train
from workers.engine.stored_answers import open_step

STORED = stored_step.content(3)  # totals 1, 0 and 0, 0
DIGIT = Node(LEAF, "format", {"pattern": ".*7.*"})  # 0, 1 and 0, 0: the first group the other way round
LENGTH = "def reward(completions, **columns):\n    return [float(len(text)) for text in completions]\n"


def told(node: Node, files: dict[int, bytes] | None = None, **more: Any) -> dict[str, Any]:
    """The report on a replay of stored files, by step."""
    stored = {3: STORED} if files is None else files
    return report(*replay(list(stored), stored.__getitem__, Question("new", node, **more)))


def slow_tau(first: list[float], second: list[float], group: list[int]) -> float:
    """Kendall's tau-b over pairs of siblings, pair by pair."""
    alike, ordered_first, ordered_second = 0, 0, 0
    for i, j in combinations(range(len(group)), 2):
        if group[i] != group[j] or any(isnan(value) for value in (first[i], first[j], second[i], second[j])):
            continue
        product = (first[i] - first[j]) * (second[i] - second[j])
        alike += (product > 0) - (product < 0)
        ordered_first += first[i] != first[j]
        ordered_second += second[i] != second[j]
    return float(alike / (ordered_first * ordered_second) ** 0.5)


def test_tau_is_that_of_a_loop_over_all_pairs() -> None:
    noise = np.random.default_rng(7)
    first, second = noise.integers(0, 4, (2, 60)).astype(float)
    first[3] = second[17] = nan
    group = noise.integers(0, 7, 60)
    found = pairs(first, second, group).tau
    assert found == pytest.approx(slow_tau(first.tolist(), second.tolist(), group.tolist()))
    assert found is not None
    assert 0 < abs(found) < 1


def test_pairs_by_hand() -> None:
    """Group 0: (1, 2) alike, (1, 3) turned, (2, 3) turned, all with 4 of equal first value; group 1 has one pair that
    the second alone orders; the pair across groups does not count."""
    first = np.array([1.0, 2.0, 3.0, 5.0, 5.0])
    second = np.array([5.0, 6.0, 4.0, 1.0, 2.0])
    found = pairs(first, second, np.array([0, 0, 0, 1, 1]))
    assert (found.alike, found.turned, found.first, found.second) == (1, 2, 0, 1)
    assert found.swapped == pytest.approx(2 / 3)
    assert found.tau == pytest.approx((1 - 2) / (3 * 4) ** 0.5)


def test_groups_without_signal_and_advantages_by_hand() -> None:
    """Values 1, 3 have mean 2 and deviation √2; one value that is there, or equal ones, teach nothing."""
    value, group = np.array([1.0, 3.0, 4.0, nan, 2.0, 2.0]), np.array([0, 0, 1, 1, 2, 2])
    assert still(value, group) == 2
    found = advantages(value, group)
    assert found[:3] == pytest.approx([-(0.5**0.5), 0.5**0.5, 0.0], abs=1e-5)
    assert isnan(found[3])
    assert found[4:].tolist() == [0.0, 0.0]


def test_what_rounds_to_one_number_is_one() -> None:
    assert pairs(column([0.1 + 0.2, 0.3]), column([0.0, 1.0]), np.array([0, 0])).second == 1


def test_correlation_and_signs_by_hand() -> None:
    one, other = np.array([1.0, 2.0, 3.0, nan]), np.array([-1.0, -2.0, -3.0, 9.0])
    assert correlation(one, other) == pytest.approx(-1.0)
    assert correlation(one, np.ones(4)) is None
    assert opposed(one, other) == 3


def test_it_works() -> None:
    """In the first group right and wrong change places, in the second nothing had and has a signal."""
    made = told(DIGIT)
    whole = made["whole"]
    assert (whole["count"], whole["old"], whole["new"], whole["groups"]) == (4, 0.25, 0.25, 2)
    assert (whole["old_still"], whole["new_still"]) == (1, 1)
    assert (whole["tau"], whole["swapped"], whole["pairs"], whole["opposed"]) == (-1.0, 1.0, 1, 0.5)
    assert whole["correlation"] == pytest.approx(-1.0)
    first, second = made["moved"]
    assert (first["index"], first["old"], first["new"], first["step"]) == (0, 1.0, 0.0, 3)
    assert (second["completion"], second["prompt"]) == ("7", "40+2=")
    assert second["new_advantage"] - second["old_advantage"] == pytest.approx(2**0.5, abs=1e-4)
    json.dumps(made, allow_nan=False)


def test_one_reward_of_the_sum_is_replaced_with_the_weight_that_it_had() -> None:
    assert told(DIGIT, instead="correct", weights={"correct": 0.5})["whole"]["new"] == 0.125
    with pytest.raises(RunError, match="stored no reward 'style'"):
        told(DIGIT, instead="style")


def same(row: dict[str, Any]) -> None:
    """Nothing has changed."""
    assert row["new"] == row["old"]
    assert row["new_still"] == row["old_still"]
    assert (row["tau"], row["correlation"]) == pytest.approx((1.0, 1.0))
    assert row["swapped"] == row["opposed"] == row["none"] == 0


def test_a_runs_own_reward_changes_nothing(tmp_path: Path) -> None:
    """Each of its rewards in its own place, noise of the run's seed and the step's number included: of these verdicts,
    all wrong, the noise turns those of about half of the prompts."""
    rewards = (
        RewardPick("short", "brevity", {"zero_from": 8}),
        RewardPick("t", "format", {"pattern": ".*t.*"}, weight=-0.5),
        RewardPick("noise", "noisy_rpr", {"flip_prob": 0.5, "marker": ""}, weight=0.3),
    )
    task = Prompts(task=Pick("tasks", "arithmetic"))
    spec, ledger = tiny_spec(tmp_path, rewards=rewards, prompts=task, seed=5), MemoryLedger(tmp_path)
    train(replace(spec, budget=replace(spec.budget, steps=2, eval_every=0)), ledger)
    files = {step: ledger.files[f"rollouts/step-{step:06d}.parquet"] for step in (1, 2)}
    weights = {one.label: one.weight for one in rewards}
    for one in rewards:
        made = told(
            Node(LEAF, one.name, one.params, digest="of old"), files, instead=one.label, weights=weights,
            seed=spec.seed, steps=2,
        )  # fmt: skip
        assert made["moved"] == []
        same(made["whole"])
        assert [row["step"] for row in made["steps"]] == [1, 2]
    other = told(Node(LEAF, "noisy_rpr", rewards[2].params), files, instead="noise", weights=weights, seed=6, steps=2)
    assert other["whole"]["new"] != other["whole"]["old"], "another seed turns the verdicts of other prompts"


def test_recorded_completions_are_replayed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": "1+1=", "completion": text, "answer": "2", "columns": {"hint": "two"}} for text in ("2", "3")]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    ledger = MemoryLedger(tmp_path)
    analyse(AnalysisSpec("a", (RewardPick("right", "numeric_answer"),), path=str(path)), ledger)
    files = {0: ledger.files["rollouts/step-000000.parquet"]}
    same(told(Node(LEAF, "numeric_answer"), files)["whole"])
    hint = "def reward(completions, hint, **columns):\n    return [float(one == 'two') for one in hint]\n"
    assert told(Node(LEAF, "code:1@1", source=hint), files)["whole"]["new"] == 1.0


def test_users_code_and_trees_of_it_are_replayed() -> None:
    """Letters: 2, 1, 3, 2; the sum with the digit's reward is 2, 2 and 3, 2: the one group loses its signal, the other
    gets one, and no pair is ordered by both."""
    code = Node(LEAF, "code:1@1", source=LENGTH)
    assert told(code)["whole"]["new"] == 2.0
    made = told(Node(INNER, "sum", of=(code, DIGIT)))
    assert made["whole"]["new"] == 2.25
    assert (made["whole"]["old_still"], made["whole"]["new_still"]) == (1, 1)
    assert (made["whole"]["tau"], made["whole"]["swapped"]) == (0.0, None)


def test_a_column_that_was_not_stored_is_told() -> None:
    asks = "def reward(completions, rubric, **columns):\n    return [0.0 for _ in completions]\n"
    for node in (Node(LEAF, "code:1@1", source=asks), Node(LEAF, "numeric_answer", {"column": "rubric"})):
        with pytest.raises(RunError, match="asks for the column 'rubric', but the prompts have: answer"):
            told(node)


def test_failures_are_told_and_do_not_count_as_zero() -> None:
    fails = "def reward(completions, **columns):\n    return [1.0 / (text != '7') for text in completions]\n"
    made = told(Node(LEAF, "code:1@1", source=fails))
    assert (made["whole"]["failed"], made["whole"]["none"], made["whole"]["new"]) == (1, 1, 1.0)
    zero = told(Node(LEAF, "code:1@1", source=fails), zero=True)["whole"]
    assert (zero["failed"], zero["none"], zero["new"]) == (1, 0, 0.75), "1, 0, 1, 1 where the reward's failures are 0"
    (fault,) = made["faults"]
    assert (fault["step"], fault["index"]) == (3, 1)
    assert "the reward 'new' failed on 1 of 4 completions" in fault["what"]
    assert "ZeroDivisionError" in fault["what"]


def test_a_failure_beside_another_reward_leaves_out_in_a_replay_too(tmp_path: Path) -> None:
    """Of two rewards one fails on what has an e: replayed in its own place it changes nothing, and a reward that never
    fails in its place brings those completions back."""
    fails = "def reward(completions, **columns):\n    return [1.0 / ('e' not in text) for text in completions]\n"
    rewards = (RewardPick("short", "brevity", {"zero_from": 8}), RewardPick("b", "code:1@1", source=fails))
    spec, ledger = tiny_spec(tmp_path, rewards=rewards, seed=5), MemoryLedger(tmp_path)
    spec = replace(spec, budget=replace(spec.budget, steps=1, eval_every=0))
    train(spec, ledger)
    files = {1: ledger.files["rollouts/step-000001.parquet"]}
    (own,), _ = replay([1], files.__getitem__, Question("b", Node(LEAF, "code:1@1", source=fails), "b", spec=spec))
    assert 0 < np.isnan(own.old_N).sum() < 16
    assert own.new_N == pytest.approx(own.old_N, nan_ok=True)
    assert own.sides.new_N == pytest.approx(own.sides.old_N, nan_ok=True)
    assert own.sides.old_N == pytest.approx(
        np.where(np.isnan(own.old_N), np.nan, mean_advantages(files[1])), nan_ok=True
    )
    (back,), _ = replay([1], files.__getitem__, Question("b", Node(LEAF, "brevity"), "b", spec=spec))
    assert not np.isnan(back.new_N).any()
    assert not np.isnan(back.sides.new_N).any()
    (kept,), _ = replay([1], files.__getitem__, Question("s", Node(LEAF, "brevity"), "short", spec=spec))
    assert np.isnan(kept.new_N).tolist() == np.isnan(own.old_N).tolist()


def test_a_reward_that_says_nothing_is_refused() -> None:
    nothing = "def reward(completions, **columns):\n    return [None for _ in completions]\n"
    with pytest.raises(RunError, match="applies to none of these completions"):
        told(Node(LEAF, "code:1@1", source=nothing))


def test_steps_that_take_too_long_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "SECONDS", -1.0)
    made = told(DIGIT, {2: stored_step.content(2), 3: STORED, 4: STORED})
    assert [row["step"] for row in made["steps"]] == [2]
    assert made["late"] == [3, 4]


def test_a_step_that_is_too_large_is_cut_between_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "MOST", 3)
    made = told(DIGIT)
    assert (made["whole"]["count"], made["left"]) == (2, 2)
    monkeypatch.setattr(replaying, "MOST", 1)
    assert told(DIGIT)["left"] == 3


def test_plain_grpo_stands_in_where_the_file_lacks_what_the_recipe_asks_for(tmp_path: Path) -> None:
    """A critic's values are not in the file; a run without credit has none to give; nor have recorded completions."""
    critical = replace(tiny_spec(tmp_path), credit=Pick("credit", "gae"), companions=(Companion("critic"),))
    made = told(DIGIT, spec=critical)
    assert "asks for a critic's values" in made["plain"]
    assert made["whole"]["correlation"] == pytest.approx(-1.0)
    assert "gives no credit" in told(DIGIT, spec=replace(critical, credit=None))["plain"]
    assert "no training run" in told(DIGIT)["plain"]


def test_one_step_that_lacks_it_turns_all_to_plain_grpo(tmp_path: Path) -> None:
    critical = replace(tiny_spec(tmp_path), credit=Pick("credit", "gae"), companions=(Companion("critic"),))
    made = told(DIGIT, {3: stored_step.content(3, value=0.5), 4: stored_step.content(4)}, spec=critical)
    assert "asks for a critic's values" in made["plain"]
    assert [row["correlation"] for row in made["steps"]] == [pytest.approx(-1.0), pytest.approx(-1.0)]
    assert told(DIGIT, {3: stored_step.content(3, value=0.5)}, spec=critical)["plain"] == ""


def mean_advantages(content: bytes) -> list[float]:
    """Of each completion as a run stored it."""
    rows = open_step(content)["stream.advantage"].to_pylist()
    return [sum(row) / max(1, len(row)) for row in rows]


@pytest.mark.parametrize("more", [{"shaping": (Pick("shaping", "running_scale"),)},
                                  {"credit": Pick("credit", "reinforce_pp")},
                                  {"credit": Pick("credit", "grpo", {"norm": "none"})}])  # fmt: skip
def test_the_other_reward_has_the_advantages_of_a_run_that_learned_from_it(tmp_path: Path, more: Any) -> None:
    """The first step of two runs that differ in their reward alone samples the same completions."""
    picks = {
        "a": (RewardPick("one", "brevity", {"zero_from": 8}), RewardPick("two", "format", {"pattern": ".*t.*"})),
        "b": (RewardPick("one", "brevity", {"zero_from": 8}), RewardPick("two", "format", {"pattern": ".*e.*"})),
    }
    files: dict[str, bytes] = {}
    for name, rewards in picks.items():
        spec, ledger = tiny_spec(tmp_path, rewards=rewards, seed=5, **more), MemoryLedger(tmp_path / name)
        train(replace(spec, budget=replace(spec.budget, steps=1, eval_every=0)), ledger)
        files[name] = ledger.files["rollouts/step-000001.parquet"]
    assert open_step(files["a"])["completion"].equals(open_step(files["b"])["completion"])
    node, spec = Node(LEAF, "format", {"pattern": ".*e.*"}), tiny_spec(tmp_path, rewards=picks["a"], seed=5, **more)
    (one,), _ = replay([1], lambda _: files["a"], Question("new", node, "two", {"two": 1.0}, 5, 1, spec))
    assert one.sides.plain == ""
    assert one.sides.old_N == pytest.approx(mean_advantages(files["a"]), abs=1e-5)
    assert one.sides.new_N == pytest.approx(mean_advantages(files["b"]), abs=1e-5)
    assert np.abs(one.sides.new_N - one.sides.old_N).max() > 0.1
