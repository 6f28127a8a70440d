"""Completions from a file: every form, what is wrong with a row by its line, and what a run makes of them."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.errors import RunError
from workers.contract.spec import Pick, Pool, Prompts, RewardPick, RunSpec
from workers.engine.prompts import make_source, read_problems
from workers.engine.recorded import read_recorded
from workers.engine.run import train
from workers.engine.stored_rows import read_stored

PAIR: dict[str, Any] = {"prompt": "a", "chosen": "x", "rejected": "y"}


def written(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def offline(folder: Path, rows: list[dict[str, Any]], **changes: Any) -> RunSpec:
    spec = tiny_spec(
        folder, objective=Pick("preferences", "dpo"), credit=None, regularisers=(), pool=Pool(0), **changes
    )
    return replace(spec, prompts=Prompts(path=str(written(folder, rows)), heldout_share=0.3))


def test_a_pair_is_two_rows_and_labels_and_scores_are_numbers(tmp_path: Path) -> None:
    found = read_stored(written(tmp_path, [PAIR, {**PAIR, "prompt": "b"}]), 0.0)
    assert [(row.text, row.side, row.score, row.line) for row in found[:2]] == [("x", 1, 1.0, 1), ("y", 0, 0.0, 1)]
    assert len({row.group for row in found}) == 2
    rows = [{"prompt": "a", "completion": "x", "label": label} for label in (True, False, 0.9, 0)]
    found = read_stored(written(tmp_path, rows), 0.0)
    assert [(row.side, row.score) for row in found] == [(1, 1.0), (0, 0.0), (1, 0.9), (0, 0.0)]
    rows = [{"prompt": "a", "completion": "x", "score": 0.25}, {"prompt": "a", "completion": "y", "reward": -3}]
    found = read_stored(written(tmp_path, rows), 0.0)
    assert [(row.side, row.score) for row in found] == [(-1, 0.25), (-1, -3.0)]
    assert found[0].group == found[1].group
    rows = [{"prompt": "a", "completion": "x", "group": n} for n in (1, 2, 1)]
    groups = [row.group for row in read_stored(written(tmp_path, rows), 0.0)]
    assert groups[0] == groups[2] != groups[1]


def test_a_share_is_a_score_and_the_pair_is_its_best_and_worst(tmp_path: Path) -> None:
    """Labels on one side of the middle still tell completions apart; an empty completion is its end alone."""
    shares = {"cat": 0.9, "": 0.6, "dog": 0.7}
    rows = [
        {"prompt": f"the cat {n}+1=", "completion": text, "label": one}
        for n in range(20)
        for text, one in shares.items()
    ]
    ledger = MemoryLedger(tmp_path)
    train(offline(tmp_path, rows), ledger)
    table = pq.read_table(io.BytesIO(ledger.files["rollouts/step-000001.parquet"])).to_pydict()
    assert table["completion"] == ["cat", ""] * 4


def test_held_out_prompts_are_left_out_and_nothing_left_is_an_error(tmp_path: Path) -> None:
    rows = [{**PAIR, "prompt": f"p{n}"} for n in range(40)]
    found = {row.problem.prompt for row in read_stored(written(tmp_path, rows), 0.5)}
    assert 5 < len(found) < 35
    with pytest.raises(RunError, match="no completion for a training prompt"):
        read_stored(written(tmp_path, rows), 1.0)


def test_a_prompt_with_many_completions_is_evaluated_once(tmp_path: Path) -> None:
    rows = [{"prompt": f"p{n}", "completion": text} for n in range(40) for text in ("x", "y", "z")]
    held = make_source(Prompts(path=str(written(tmp_path, rows)), heldout_share=0.5), 0).heldout(100)
    prompts = [problem.prompt for problem in held]
    assert 5 < len(prompts) < 35
    assert prompts == sorted(set(prompts), key=prompts.index)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"prompt": "a", "chosen": "x"}, "line 2: a row of a stock needs 'rejected' as text"),
        ({"prompt": "a", "chosen": "x", "rejected": " "}, "line 2: a row of a stock needs 'rejected' as text"),
        ({"prompt": "a", "chosen": "x", "rejected": "x"}, "line 2: chosen and rejected are the same text"),
        ({"prompt": "a", "completion": "x", "score": 1}, "line 2: this row has a completion with a score, the first"),
        ({"prompt": "a"}, "line 2: a row of a stock needs chosen and rejected, or a completion"),
        ({"prompt": "a", "chosen": 5, "rejected": "x"}, "line 2: a row of a stock needs 'chosen' as text"),
        ({**PAIR, "columns": [1]}, "line 2: columns must be an object"),
        ({"chosen": "x", "rejected": "y"}, "line 2: a row needs a prompt"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, row: dict[str, Any], what: str) -> None:
    """Although its prompt may be held out."""
    with pytest.raises(RunError, match=what) as caught:
        read_stored(written(tmp_path, [PAIR, row, PAIR]), 0.3)
    assert caught.value.where == "data"
    assert caught.value.evidence["line"] == 2


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"score": "high"}, "a score is a finite number, not 'high'"),
        ({"score": True}, "a score is a finite number, not True"),
        ({"score": float("nan")}, "a score is a finite number"),
        ({"score": 1, "reward": 2}, "a row has a score or a reward, not both"),
        ({"label": "good"}, "a label is true, false or a share between 0 and 1"),
        ({"label": 2}, "a label is true, false or a share between 0 and 1"),
    ],
)
def test_a_bad_number_is_named_by_its_line(tmp_path: Path, more: dict[str, Any], what: str) -> None:
    with pytest.raises(RunError, match=f"line 1: {what}"):
        read_stored(written(tmp_path, [{"prompt": "a", "completion": "x", **more}]), 0.0)


def test_a_run_says_the_line_of_what_does_not_fit_the_model(tmp_path: Path) -> None:
    rows = [{**PAIR, "prompt": f"the cat {n}+1="} for n in range(12)]
    rows[7]["rejected"] = "the cat sat " * 60
    rows[7]["prompt"] = next(row["prompt"] for row in rows if _is_trained(row["prompt"]))
    with pytest.raises(RunError, match=r"line 8: prompt and completion have \d+ tokens, the model takes 96"):
        train(offline(tmp_path, rows), MemoryLedger(tmp_path))


def _is_trained(prompt: str) -> bool:
    from workers.engine.prompts import is_held_out

    return not is_held_out(prompt, 0.3)


def test_completions_without_a_word_on_them_are_judged_by_the_runs_rewards_and_end(tmp_path: Path) -> None:
    """Longer than what the run samples, and whole: the last token is the one that ends a completion."""
    texts = ("the hat and the cat sat on the mat", "dog")
    rows = [{"prompt": f"the cat {n // 2}+1=", "completion": texts[n % 2]} for n in range(40)]
    reward = RewardPick("long", "format", {"pattern": ".*mat"})
    spec = offline(tmp_path, rows, rewards=(reward,), max_new_tokens=4)
    ledger = MemoryLedger(tmp_path)
    train(spec, ledger)
    table = pq.read_table(io.BytesIO(ledger.files["rollouts/step-000001.parquet"])).to_pydict()
    assert table["completion"] == list(texts) * 4
    assert table["reward.long"] == [1.0, 0.0] * 4
    assert {ids[-1] for ids in table["token_ids"]} == {1}
    assert min(map(len, table["token_ids"])) < max(map(len, table["token_ids"]))
    assert ledger.curves()[1]["preferences/accuracy"] == 0.0


def test_a_reward_that_fails_on_a_stored_completion_is_told_once(tmp_path: Path) -> None:
    """Users' code that breaks on one text: that completion has no reward, and the others are learned from."""
    rows = [{"prompt": f"the cat {n // 2}+1=", "completion": ("the hat", "dog")[n % 2]} for n in range(40)]
    trained = next(row["prompt"] for row in rows if _is_trained(row["prompt"]))
    source = (
        "def reward(prompts, completions, **columns):\n"
        "    return [1 / 0 if text == 'broken' else float('hat' in text) for text in completions]\n"
    )
    rows.append({"prompt": trained, "completion": "broken"})
    spec = offline(tmp_path, rows, rewards=(RewardPick("hat", "code:1@1", source=source),))
    ledger = MemoryLedger(tmp_path)
    train(spec, ledger)
    said = [event for event in ledger.kind("trouble") if event.data["where"] == "reward"]
    assert [event.step for event in said] == [1]
    assert said[0].data["evidence"]["count"] == 1


@pytest.mark.parametrize(
    ("given", "answer"),
    [({"answer": 0}, "0"), ({"answer": 0.0}, "0.0"), ({"answer": "7"}, "7"), ({"answer": None}, ""), ({}, "")],
)
def test_an_answer_of_0_is_an_answer(tmp_path: Path, given: dict[str, Any], answer: str) -> None:
    """However a file is read: as prompts, as a stock of completions, as recorded completions."""
    path = written(tmp_path, [{"prompt": "3-3=", "completion": "#0", **given}])
    readers = [read_problems(path), [row.problem for row in read_stored(path, 0.0)]]
    readers.append([row.problem for row in read_recorded(path)])
    assert [problem.answer for read in readers for problem in read] == [answer] * 3


def test_a_source_of_0_is_a_source(tmp_path: Path) -> None:
    rows = [{"prompt": "3-3=", "completion": "#0", "source": source} for source in (0, None)]
    assert [row.source for row in read_recorded(written(tmp_path, rows))] == ["0", ""]
