"""Samples to try a reward on, and the marks that come while one types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.test import Client

from labapp.accounts.models import Team, User
from labapp.observatory.models import Rollout
from labapp.runs import launch
from labapp.runs.models import Run
from labapp.workshop import samples
from labapp.workshop.samples import NoSamples

if TYPE_CHECKING:
    from tests.labapp.workshop.conftest import Confirm

GOOD = "def reward(completions, answer, **columns):\n    return [float(a in c) for a, c in zip(answer, completions)]\n"


@pytest.mark.parametrize(
    ("source", "line"), [(GOOD, None), ("def reward(completions):\n    return [", 2), ("x = 1", 1), ("", 1)]
)
def test_marks_come_while_one_types(alice_client: Client, source: str, line: int | None) -> None:
    marks = alice_client.post("/workshop/rewards/check/", {"source": source}).json()["marks"]
    assert [mark["line"] for mark in marks] == ([] if line is None else [line])


def test_the_text_is_read_and_not_run(alice_client: Client, tmp_path: Any) -> None:
    proof = tmp_path / "ran"
    source = f"open({str(proof)!r}, 'w')\n{GOOD}"
    assert alice_client.post("/workshop/rewards/check/", {"source": source}).json() == {"marks": []}
    assert not proof.exists()


def test_they_come_spread_over_a_data_set(alice_client: Client, team: Team, confirm: Confirm) -> None:
    version = confirm(alice_client, [{"question": f"{n}", "answer": f"{n}", "level": n} for n in range(250)])
    asked = {"place": "data", "dataset": f"{version.dataset_id}@1"}
    found = samples.gather(team, {**asked, "count": "8"})
    assert [one["prompt"] for one in found] == ["0", "31", "62", "93", "124", "155", "186", "217"]
    assert found[1]["level"] == 31
    assert len(samples.gather(team, asked)) == 200
    assert len(samples.gather(team, {**asked, "count": "9999"})) == 200


def test_a_pair_is_two_samples_of_those_asked_for(alice_client: Client, team: Team, confirm: Confirm) -> None:
    rows = [{"prompt": f"{n}", "chosen": f"good {n}", "rejected": f"bad {n}"} for n in range(20)]
    version = confirm(alice_client, rows, "pairs.jsonl")
    found = samples.gather(team, {"place": "data", "dataset": f"{version.dataset_id}@1", "count": "8"})
    assert [one["label"] for one in found] == [1.0, 0.0] * 4
    assert found[1]["completion"] == "bad 0"


def test_they_come_from_a_runs_newest_step(alice: User, team: Team) -> None:
    run = launch.create(team, alice, {"name": "r"}, "E")
    for step, text in ((1, "old"), (2, "it is 2")):
        Rollout.objects.create(
            run=run, step=step, index=0, group=0, prompt_key="k", prompt="1+1", completion=text, answer="2",
            end="finished", length=3, rewards={}, file="f",
        )  # fmt: skip
    asked = {"place": "run", "run": str(run.pk)}
    found = samples.gather(team, asked)
    assert [one["completion"] for one in found] == ["it is 2"]
    assert samples.stored(team, asked) == {"lengths": [3], "own": ""}
    for name, own in (("starter", "starter"), ("Org/on-the-hub", ""), (f"run:{run.pk}", "")):
        Run.objects.update(spec={"name": "r", "model": {"name": name}})
        assert samples.stored(team, asked) == {"lengths": [3], "own": own}
    Run.objects.update(spec={"name": "r", "tokenizer": "words"})  # an analysis
    assert samples.stored(team, asked) == {"lengths": [3], "own": "words"}
    assert samples.stored(team, {**asked, "place": "data"}) == {}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"place": "pasted", "pasted": " \n"}, "at least one completion"),
        ({"place": "pasted", "pasted": "x\n" * 201}, "200 are allowed"),
        ({"place": "pasted", "pasted": "x" * 200_001}, "letters"),
        ({"place": "pasted", "pasted": "a\n{nonsense"}, "Line 2 starts as an object but is not JSON"),
        ({"place": "pasted", "pasted": '{"prompt": "x"}'}, "Line 1 needs a completion"),
        ({"place": "pasted", "pasted": '{"completion": "x", "label": NaN}'}, "NaN is no number of JSON"),
        ({"place": "pasted", "pasted": '{"completion": "x", "label": 1e999}'}, "Line 1 starts as an object but is not"),
        (
            {"place": "pasted", "pasted": 'a\n{"completion": "x", "label": "good"}'},
            "Line 2: a label is true, false",
        ),
        ({"place": "pasted", "pasted": r'{"completion": "\ud800"}'}, "Line 1 holds half of a character"),
        ({"place": "pasted", "pasted": '{"completion": "x", "a": ' + "[" * 20_000}, "Line 1 is nested too deep"),
        ({"place": "data", "dataset": "9@9"}, "Choose a data set"),
        ({"place": "run", "run": "nonsense"}, "Choose a run"),
        ({"place": "run", "run": str(uuid4())}, "no completions yet"),
    ],
)
def test_without_samples_a_sentence_says_why(
    alice_client: Client, team: Team, servers: Any, asked: dict[str, str], said: str
) -> None:
    with pytest.raises(NoSamples, match=said):
        samples.gather(team, asked)
    assert said in alice_client.post("/workshop/rewards/try/", {"source": GOOD, **asked}).content.decode()
