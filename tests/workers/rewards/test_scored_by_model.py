"""Scores of a reward model saved here, whichever way prompt and completion are written."""

from pathlib import Path
from typing import Any

import pytest

from tests.workers.engine.asked_models import save_reward_model
from tests.workers.rewards.test_judge import of
from workers.contract.errors import RunError
from workers.contract.rewardnode import LEAF, Node
from workers.contract.services import Text
from workers.contract.spec import RewardPick
from workers.contract.values import Values
from workers.engine import rewardmodels
from workers.engine.facilities import Facilities
from workers.engine.judges import make_judge, make_objectives
from workers.engine.rewardmodels import RewardModels
from workers.engine.scoring import score


@pytest.fixture(scope="module")
def name(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_reward_model(tmp_path_factory.mktemp("reward model"))


def judged(texts: list[str], **params: Any) -> Values:
    return make_judge(Node(LEAF, "scored_by_model", params), "r", Facilities()).judge(of(texts), 1)


def test_it_works(name: str) -> None:
    texts = ["good cat", "bad", "good cat"]
    found = judged(texts, name=name)
    alone = RewardModels()(name, [Text("User: how?\nAssistant: ", text) for text in texts])
    assert found.total == pytest.approx(alone)
    assert found.total[0] == pytest.approx(found.total[2], abs=1e-6)
    assert abs((found.total[0] or 0) - (found.total[1] or 0)) > 1e-3


def test_a_template_says_what_the_model_reads(name: str) -> None:
    found = judged(["good {prompt}"], name=name, template="the {prompt} cat {x} {completion} sat")
    assert found.total == pytest.approx(RewardModels()(name, [Text("", "the how? cat {x} good {prompt} sat")]))


def test_a_template_without_a_completion_is_refused(name: str) -> None:
    assert "needs {completion}" in judged(["good"], name=name, template="{prompt}").faults[0]


def test_a_text_that_is_too_long_fails_alone(name: str) -> None:
    found = judged(["good", "cat " * 200, "bad"], name=name)
    assert list(found.faults) == [1]
    assert "the model takes at most 96" in found.faults[1]
    assert found.total[1] is None
    assert None not in (found.total[0], found.total[2])


def test_a_model_that_is_not_there_is_looked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    real = rewardmodels.load_reward_model

    def counted(name: str) -> Any:
        tried.append(name)
        return real(name)

    monkeypatch.setattr(rewardmodels, "load_reward_model", counted)
    pick = RewardPick("r", "scored_by_model", {"name": str(tmp_path / "none")})
    with pytest.raises(RunError, match="failed on all 3 completions: there is no directory"):
        score(make_objectives((pick,)), of(["a", "b", "c"]), 1)
    assert len(tried) == 1
