"""Recorded completions: scored, credited, compared with their labels, and stored as a training step's are."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.workers.tiny import MemoryLedger, save_model
from workers.contract.analysis import AnalysisSpec, credit_methods, from_dict, to_dict, troubles
from workers.contract.catalogue import read_catalogue
from workers.contract.errors import RunError, Stopped
from workers.contract.events import Event
from workers.contract.method import Method
from workers.contract.rewardnode import INNER, LEAF, Node
from workers.contract.spec import Pick, RewardPick
from workers.engine import offline
from workers.engine.offline import analyse

ROWS: list[dict[str, Any]] = [
    {"prompt": "2+3=", "completion": "it is #5", "answer": "5", "label": True, "source": "a"},
    {"prompt": "2+3=", "completion": "it is #6", "answer": "5", "label": False, "source": "b"},
    {"prompt": "1+1=", "completion": "#2", "answer": "2", "label": 0, "source": "a", "columns": {"level": 1}},
    {"prompt": "1+1=", "completion": "", "answer": "2", "label": None, "source": "b"},
]


def spec(tmp_path: Path, rows: list[dict[str, Any]] = ROWS, **changes: Any) -> AnalysisSpec:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    given: dict[str, Any] = {
        "name": "recorded", "rewards": (RewardPick("right", "exact_answer"),),
        "credits": (Pick("credit", "rloo"), Pick("credit", "tempo")), "path": str(path),
    }  # fmt: skip
    return AnalysisSpec(**given | changes)


def analysed(tmp_path: Path, **changes: Any) -> tuple[MemoryLedger, list[dict[str, Any]]]:
    ledger = MemoryLedger(tmp_path)
    analyse(spec(tmp_path, **changes), ledger)
    return ledger, pq.read_table(io.BytesIO(ledger.files["rollouts/step-000000.parquet"])).to_pylist()


def test_it_works(tmp_path: Path) -> None:
    ledger, rows = analysed(tmp_path)
    assert [row["reward.right"] for row in rows] == [1.0, 0.0, 1.0, 0.0]
    assert [row["group"] for row in rows] == [0, 0, 1, 1]
    assert [row["label"] for row in rows] == [1.0, 0.0, 0.0, None]
    assert [row["source"] for row in rows] == ["a", "b", "a", "b"]
    # Leave-one-out with two siblings: each against the other.
    assert [row["advantage"] for row in rows] == [1.0, -1.0, 1.0, 0.0], "an empty completion has no token to credit"
    assert rows[0]["pieces"] == ["it", " ", "is", " ", "#", "5"]
    assert rows[0]["stream.advantage"] == [1.0] * 6
    assert len(rows[0]["stream.advantage.tempo"]) == 6
    assert rows[3]["pieces"] == rows[3]["stream.reward"] == []
    assert json.loads(rows[2]["columns"]) == {"level": 1}
    (metrics,) = ledger.kind("metrics")
    # Labelled are three: right/right, wrong/wrong, and a reward that says right where the label says wrong.
    assert metrics.data["values"] == {"reward/total": 0.5, "reward/right": 0.5, "agreement/right": pytest.approx(2 / 3)}
    assert ledger.kind("rollouts")[0].data["count"] == 4
    assert {event.step for event in ledger.events} == {0}


@pytest.mark.parametrize("method", credit_methods(read_catalogue()), ids=lambda method: method.name)
def test_every_credit_method_that_is_offered_works(tmp_path: Path, method: Method) -> None:
    _, rows = analysed(tmp_path, credits=(Pick("credit", method.name),))
    assert all(len(row["stream.advantage"]) == row["length"] for row in rows)


def test_a_credit_method_that_needs_a_run_is_refused_before_it_starts(tmp_path: Path) -> None:
    catalogue = read_catalogue()
    offered = {method.name for method in credit_methods(catalogue)}
    assert {"grpo", "bnpo", "riskpo"} <= offered
    for index, name in enumerate(("gae", "reinforce_pp")):
        assert name not in offered
        wrong = troubles(spec(tmp_path, credits=(Pick("credit", "grpo"),) * index + (Pick("credit", name),)), catalogue)
        assert [trouble.path for trouble in wrong] == [f"credits.{index}.name"]


def test_a_model_s_tokenizer_cuts_as_it_does(tmp_path: Path) -> None:
    save_model(tmp_path / "model")
    _, rows = analysed(tmp_path, tokenizer=str(tmp_path / "model"))
    assert all("".join(row["pieces"]) == row["completion"] for row in rows)
    assert all(len(row["token_ids"]) == row["length"] for row in rows)


def test_groups_are_told_apart_by_their_number_before_their_prompt(tmp_path: Path) -> None:
    rows = [dict(ROWS[0], group=n % 2) for n in range(4)]
    assert [row["group"] for row in analysed(tmp_path, rows=rows)[1]] == [0, 1, 0, 1]


def test_the_document_is_read_back_and_checked(tmp_path: Path) -> None:
    made = spec(tmp_path)
    assert from_dict(json.loads(json.dumps(to_dict(made)))) == made
    catalogue = read_catalogue()
    assert troubles(made, catalogue) == []
    bad = spec(tmp_path, dataset="x@1", rewards=(), credits=(Pick("credit", "nothing"),))
    assert [trouble.path for trouble in troubles(bad, catalogue)] == ["path", "rewards", "credits.0.name"]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"prompt": "a"}, "line 1: a row needs a completion"),
        ({"prompt": "a", "completion": "b", "label": "yes"}, "line 1: a label is true, false"),
        ({"prompt": "a", "completion": "b", "label": 2}, "line 1: a label"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(tmp_path: Path, row: dict[str, Any], what: str) -> None:
    with pytest.raises(RunError, match=what) as caught:
        analysed(tmp_path, rows=[row])
    assert caught.value.where == "data"


def test_a_reward_that_fails_everywhere_is_a_mistake(tmp_path: Path) -> None:
    rows = [{"prompt": "a", "completion": "b"}] * 70  # more than one chunk, and none has the column
    with pytest.raises(RunError, match="asks for the column 'answer'"):
        analysed(tmp_path, rows=rows)


def test_a_row_that_fails_alone_in_the_last_chunk_spoils_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "CHUNK", 3)
    hopeless = {"pattern": "(a|a)*b", "match": "anywhere"}  # takes longer than it may on a long row of a
    rows = [*ROWS[:3], dict(ROWS[0], prompt="2+4=", completion="a" * 60 + "c")]
    ledger, stored = analysed(tmp_path, rows=rows, rewards=(RewardPick("form", "format", hopeless),))
    assert [row["reward.form"] for row in stored][:3] == [0.0, 0.0, 0.0]
    assert stored[3]["reward.form"] in (None, 0.0)
    assert len(ledger.kind("trouble")) == (stored[3]["reward.form"] is None)


def test_a_reward_sees_all_of_a_group_wherever_its_rows_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two groups of five, row by row: 1 right of 5 less its mean of 1/5, and 3 right of 5 less 3/5."""
    monkeypatch.setattr(offline, "CHUNK", 3)
    right = {0: "10000", 1: "01110"}
    rows = [dict(ROWS[0], group=g, completion=f"#{5 if right[g][n] == '1' else 6}") for n in range(5) for g in (0, 1)]
    tree = Node(INNER, "centre", of=(Node(LEAF, "exact_answer"),))
    stored = analysed(tmp_path, rows=rows, rewards=(RewardPick("away", "tree:1@1", tree=tree),))[1]
    wanted = [int(right[g][n]) - (0.2, 0.6)[g] for n in range(5) for g in (0, 1)]
    assert [row["reward.away"] for row in stored] == pytest.approx(wanted)


def test_a_request_to_stop_ends_it(tmp_path: Path) -> None:
    class Impatient(MemoryLedger):
        def write(self, events: list[Event]) -> None:
            super().write(events)
            raise Stopped

    ledger = Impatient(tmp_path)
    with pytest.raises(Stopped):
        analyse(spec(tmp_path), ledger)
    assert ledger.files == {}
