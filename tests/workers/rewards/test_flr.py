"""Follow-up likelihood: the catalogue's numbers, a real reader, and the pairs that are mined by it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from tests.workers.engine.asked_models import save_reader
from workers.contract.answers import FINISHED, Answers
from workers.contract.rewardnode import LEAF, Node
from workers.contract.services import Read, Text
from workers.contract.values import Values
from workers.engine.facilities import Facilities
from workers.engine.judges import make_judge
from workers.engine.likelihoods import Likelihoods
from workers.engine.stocking import _units
from workers.rewards.flr import COMPLAINT, PRAISE, follow_ups


class Reader:
    """Knows the log-probabilities of a few sentences' tokens, and twice those as raw scores."""

    def __init__(self, known: Mapping[str, Sequence[float]]) -> None:
        self.known, self.texts = known, list[Text]()

    def __call__(self, name: str, texts: Sequence[Text]) -> list[Read]:
        self.texts += texts
        found = [self.known.get(text.completion, [-float(len(text.completion))]) for text in texts]
        return [Read(sum(logps), len(logps), 2 * sum(logps)) for logps in found]


KNOWN: Mapping[str, Sequence[float]] = {
    "p1": [-0.5, -1, -0.2],
    "p2": [-0.7, -0.9],
    "n1": [-2, -1.5],
    "n2": [-1, -3, -2, -1],
}
OWN = {"praise": "right: p1\nright: p2", "complaint": "right: n1 | n2"}


def judged(reader: Any, texts: Sequence[str] = ("y",), **params: Any) -> Values:
    count = len(texts)
    answers = Answers(tuple(texts), ("c",) * count, (1,) * count, (FINISHED,) * count)
    return make_judge(Node(LEAF, "flr", params), "flr", Facilities(_made={"likelihood": reader})).judge(answers, 1)


def test_the_catalogues_numbers() -> None:
    """pos = (-1.7/3 - 1.6/2) / 2, neg = (-3.5/2 - 7/4) / 2; pooled tokens would give -0.66, not -0.683333."""
    alone = judged(Reader(KNOWN), use_negative=False, **OWN).total[0]
    assert alone == pytest.approx(-0.683333, abs=1e-6)
    assert alone != pytest.approx(-0.66, abs=1e-3)
    found = judged(Reader(KNOWN), **OWN)
    assert found.total == pytest.approx([1.066667], abs=1e-6)
    assert cast(float, alone) - cast(float, found.total[0]) == pytest.approx(-1.750000, abs=1e-6)
    assert found.notes == {0: "likeliest follow-up: p1\nleast likely: n1"}


def test_sums_and_raw_scores() -> None:
    assert judged(Reader(KNOWN), aggregate="sum_logprob", **OWN).total == pytest.approx([-1.65 + 5.25])
    assert judged(Reader(KNOWN), aggregate="mean_logit", **OWN).total == pytest.approx([2 * 1.066667], abs=1e-6)


def test_the_same_sentences_on_both_sides_cancel_and_swapped_ones_flip_the_sign() -> None:
    assert judged(Reader(KNOWN), praise=OWN["praise"], complaint=OWN["praise"]).total == [0.0]
    swapped = judged(Reader(KNOWN), praise=OWN["complaint"], complaint=OWN["praise"])
    assert swapped.total == pytest.approx([-1.066667], abs=1e-6)


def test_categories_weigh_the_same_whatever_their_number_of_sentences() -> None:
    praise, complaint = f"{OWN['praise']}\nfun: p2", f"{OWN['complaint']}\nfun: n1"
    found = judged(Reader(KNOWN), praise=praise, complaint=complaint)
    assert found.parts == {"right": pytest.approx([1.066667], abs=1e-6), "fun": pytest.approx([0.95])}
    assert found.total == pytest.approx([(1.066667 + 0.95) / 2], abs=1e-6)
    for named in ("fun", "fun, fun"):
        only = judged(Reader(KNOWN), praise=praise, complaint=complaint, categories=named)
        assert only.total == pytest.approx([0.95])


def test_six_categories_of_ten_praises_and_ten_complaints() -> None:
    for text in (PRAISE, COMPLAINT):
        assert [len(set(sentences)) for sentences in follow_ups(text).values()] == [10] * 6
    said = [f for text in (PRAISE, COMPLAINT) for sentences in follow_ups(text).values() for f in sentences]
    assert len(set(said)) == 120
    reader = Reader({})
    found = judged(reader, ["y", "z"])
    assert list(found.parts) == list(follow_ups(PRAISE)) == list(follow_ups(COMPLAINT))
    assert len(reader.texts) == 240
    assert reader.texts[0] == Text("", said[0], (("user", "c"), ("assistant", "y")), "user")
    assert reader.texts[120].dialogue == (("user", "c"), ("assistant", "z"))


@pytest.mark.parametrize(
    ("params", "what"),
    [
        ({"categories": "charm"}, "no follow-ups of"),
        ({"praise": "no category here"}, "a line of its own"),
        ({"praise": "right:  "}, "a line of its own"),
        ({"praise": "right: p1", "complaint": "fun: n1"}, "no follow-ups of both signs"),
    ],
)
def test_lists_that_cannot_be_used(params: dict[str, str], what: str) -> None:
    assert what in judged(Reader(KNOWN), **params).faults[0]


def test_a_follow_up_is_read_the_same_whatever_others_there_are(tmp_path: Path) -> None:
    reader = Likelihoods()
    name = save_reader(tmp_path, chat=True)
    few = judged(reader, ["cat sat", "dog"], name=name, praise="a: good cat", use_negative=False)
    many = judged(
        reader, ["cat sat", "dog"], name=name, praise="a: good cat\nb: the good dog sat\nb: cat", use_negative=False
    )
    assert few.total == pytest.approx(many.parts["a"], abs=1e-5)
    assert few.total[0] != pytest.approx(few.total[1], abs=1e-3)


@pytest.mark.parametrize(
    ("scores", "pairs"), [([0.3, -0.1, 0.9, 0.9], [[2, 1]]), ([0.4] * 4, []), ([None, 0.1, 0.2, None], [[2, 1]])]
)
def test_offline_runs_mine_the_first_best_and_the_worst(scores: list[float | None], pairs: list[list[int]]) -> None:
    learner: Any = SimpleNamespace(recipe=SimpleNamespace(objective=SimpleNamespace(asks=lambda name: name == "pairs")))
    rollouts, scored = SimpleNamespace(group_N=torch.zeros(4)), SimpleNamespace(total=scores)
    stored: Any = SimpleNamespace(rollouts=rollouts, scored=scored)
    assert _units(learner, stored)[0] == pairs
