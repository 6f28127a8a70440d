"""Stored completions read again: what rewards and selections looked at when they were made, and nothing else."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.contract.spec import Budget, Model, Optimiser, Pick, Prompts, RewardPick, RunSpec
from workers.engine.microscope import look
from workers.engine.store import Table, as_json
from workers.engine.stored_answers import answers_of, open_step, rewards_of
from workers.engine.stored_credit import read_stored

HINTS = [["seven"], ["seven"], ["two", "1+1"], ["two", "1+1"]]


def content(**columns: Any) -> bytes:
    """Two groups of two completions, rewarded 1 and 0 each."""
    plain: dict[str, Any] = {
        "group": [0, 0, 1, 1], "prompt": ["7=", "7=", "1+1=", "1+1="], "completion": ["7", "8", "2", "3"],
        "token_ids": [[1], [2], [3], [4]], "pieces": [["7"], ["8"], ["2"], ["3"]], "mask": [[True]] * 4,
        "end": ["finished", "cut off", "finished", "failed"], "length": [1] * 4, "answer": ["7", "7", "", ""],
        "columns": [as_json({"hints": one}) for one in HINTS], "verdict": [1.0, 0.0, 0.0, 0.0],
        "reward_total": [1.0, 0.0, 1.0, None],
    }  # fmt: skip
    return Table(1, {**plain, **columns}, {"right": [1.0, 0.0, 1.0, None]}).content()


def test_it_works() -> None:
    table = open_step(content())
    assert answers_of(table) == Answers(
        ("7", "8", "2", "3"),
        ("7=", "7=", "1+1=", "1+1="),
        (1, 1, 1, 1),
        ("finished", "cut off", "finished", "failed"),
        {"hints": tuple(HINTS), "answer": ("7", "7", "", "")},
        (1.0, 0.0, 0.0, 0.0),
    )
    assert rewards_of(table) == {"right": [1.0, 0.0, 1.0, None]}


def test_where_nobody_verified_and_nothing_is_known_there_is_nothing() -> None:
    """So that who asks for it says so, as in a run on such prompts."""
    answers = answers_of(open_step(content(verdict=[None] * 4, answer=[""] * 4, columns=["{}"] * 4)))
    assert (answers.verdicts, answers.columns) == ((), {})
    answers = answers_of(open_step(content(columns=['{"one": 1}', "{}", "{}", "{}"])))
    assert answers.columns["one"] == (1, None, None, None)


def test_a_file_of_an_older_lab_is_read() -> None:
    table = pq.read_table(io.BytesIO(content())).drop_columns(["verdict", "columns", "answer"])
    sink = io.BytesIO()
    pq.write_table(table, sink)
    assert answers_of(open_step(sink.getvalue())).columns == {}


def test_only_some_columns_are_read() -> None:
    assert open_step(content(), ["group", "reward"]).column_names == ["group", "reward_total", "reward.right"]


def test_a_file_that_is_none_or_empty_is_said() -> None:
    with pytest.raises(RunError, match="cannot be read"):
        open_step(b"no Parquet")
    sink = io.BytesIO()
    pq.write_table(pa.table({"group": pa.array([], pa.int32())}), sink)
    with pytest.raises(RunError, match="stored no completions"):
        open_step(sink.getvalue())


def recipe(**more: Any) -> RunSpec:
    """The policy gradient by leave-one-out credit."""
    return RunSpec(
        "r", Model("none"), Prompts(), (RewardPick("right", "exact_answer"),), Pick("credit", "rloo"),
        Pick("objectives", "policy_gradient"), Pick("reductions", "token_mean"), optimiser=Optimiser(),
        budget=Budget(), **more,
    )  # fmt: skip


def test_the_microscope_sees_verdicts() -> None:
    """By verdicts the second group has no signal; by rewards both have one."""
    stored = read_stored(content(verdict=[1.0, 0.0, 0.0, 0.0], reward_total=[1.0, 0.0] * 2))
    stored.rewards["right"][3] = 0.0
    by = recipe(selection=(Pick("selection", "dynamic_sampling", {"by": "verdict", "rounds": 0}),))
    assert look(stored, by).advantage_NT.squeeze(1).tolist() == [1.0, -1.0, 0.0, 0.0]
    assert look(stored, recipe()).advantage_NT.squeeze(1).tolist() == [1.0, -1.0, 1.0, -1.0]


def test_the_microscope_sees_hints() -> None:
    """Where all of a prompt's completions fail, hints would be tried, and the file has them."""
    stored = read_stored(content())
    stored.rewards["right"][:] = torch.tensor([1.0, 0.0, 0.0, 0.0])
    (note,) = look(stored, recipe(selection=(Pick("selection", "scaf_grpo", {"warmup_steps": 0}),))).notes
    assert "would sample further completions" in note
