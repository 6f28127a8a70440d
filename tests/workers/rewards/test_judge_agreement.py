"""The reward that trains a judge, with the catalogue's numbers."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.workers.scored import judged
from workers.contract.values import Values

NAMES = ("model-1", "model-2", "model-3")


def scored(predicted: Sequence[float], consensus: Sequence[float], **params: Any) -> dict[str, float | None]:
    text = json.dumps({"scores": dict(zip(NAMES, predicted, strict=False))})
    return row(of(text, dict(zip(NAMES, consensus, strict=False)), **params))


def of(text: str, consensus: Any, **params: Any) -> Values:
    return judged("judge_agreement", [text], columns={"consensus": [consensus]}, **params)


def row(found: Values) -> dict[str, float | None]:
    return {name: column[0] for name, column in found.parts.items()} | {"total": found.total[0]}


@pytest.mark.parametrize(
    ("predicted", "consensus", "pairs"),
    [
        ((2, 4, 3), (1, 5, 3), 1.0),
        ((4, 2, 3), (1, 5, 3), 0.0),
        ((3, 3, 1), (1, 5, 3), 0.5),
        ((3, 5), (2, 2), 1.0),
    ],
)
def test_pairs(predicted: Sequence[float], consensus: Sequence[float], pairs: float) -> None:
    """The catalogue's: right, all reversed, 1 - 5.5/11, and a true tie that is never punished."""
    assert scored(predicted, consensus)["pairs"] == pytest.approx(pairs, abs=1e-6)


def test_only_the_order_of_the_scores_counts() -> None:
    for predicted in ((2, 4, 3), (4, 2, 3), (3, 3, 1), (1, 2, 2)):
        grown = tuple(value**3 + 10 for value in predicted)
        assert scored(grown, (1, 5, 3))["pairs"] == scored(predicted, (1, 5, 3))["pairs"]


def test_kendall() -> None:
    assert scored((4, 2, 3), (1, 5, 3))["kendall"] == -1
    assert scored((2, 4, 3), (1, 5, 3))["kendall"] == 1
    assert scored((3, 3, 3), (1, 5, 3))["kendall"] is None
    # One pair right, one reversed, one tied by the judge: 0 of sqrt(3 * 2).
    assert scored((3, 3, 1), (1, 5, 3))["kendall"] == pytest.approx(0)
    # Two right and one tied: 2 / sqrt(3 * 2).
    assert scored((1, 3, 3), (1, 5, 3))["kendall"] == pytest.approx(0.816497, abs=1e-6)


def perfect() -> str:
    document = {
        "scores": {"model-1": 2, "model-2": 5, "model-3": 4},
        "best-to-worst": ["model-2", "model-3", "model-1"],
    }
    return f"<think>{'x' * 60}</think>{json.dumps(document)}"


CONSENSUS = {"model-1": 1, "model-2": 5, "model-3": 3}


def test_a_perfect_output_has_the_whole_format() -> None:
    found = row(of(perfect(), CONSENSUS))
    assert found["format"] == pytest.approx(1.0)
    assert found["total"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        (perfect().replace("x" * 60, "x" * 50), 0.95),
        (perfect().replace("</think>", ""), 0.05 + 0.15 + 0.2 + 0.2 + 0.2),  # read between the braces
        (perfect().replace("<think>", "").replace("</think>", "").replace("x", ""), 0.8),
        ("Well: " + perfect(), 0.95),
        (perfect().replace('"best-to-worst"', '"order"'), 0.7),
        (perfect().replace('"scores"', '"marks"'), 0.5),
        (perfect().replace('"model-3": 4', '"model-9": 4'), 1 - 0.2 / 3 - 0.2),
        (perfect().replace('["model-2", "model-3", "model-1"]', '["model-2", "model-1", "model-3"]'), 0.9),
        (perfect().replace('["model-2", "model-3", "model-1"]', "[]"), 0.8),
        ("<think>hm", 0.05),
        ("hm</think>", 0.05),
        ("", 0.0),
    ],
)
def test_each_part_of_the_format(text: str, points: float) -> None:
    assert row(of(text, CONSENSUS))["format"] == pytest.approx(points)


def test_the_weights_and_what_predicts_nothing() -> None:
    assert scored((4, 2, 3), (1, 5, 3), w_pair=1.0, w_fmt=0.0)["total"] == 0
    found = scored((3, 3, 1), (1, 5, 3))
    assert found["total"] == pytest.approx(0.8 * 0.5 + 0.2 * (found["format"] or 0))
    assert row(of("nothing", CONSENSUS)) == {"pairs": 0.0, "format": 0.0, "kendall": None, "total": 0.0}
    assert row(of('{"scores": {"model-1": 3}}', CONSENSUS))["pairs"] == 1.0, "one name cannot be reversed"


def test_without_a_consensus_it_does_not_apply() -> None:
    assert of(perfect(), None).total == [None]
    for wrong in ("3", [1, 2], {}, {"a": "x"}, {"a": None}):
        with pytest.raises(ValueError, match="has no scores by name"):
            of(perfect(), wrong)
