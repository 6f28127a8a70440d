"""Clip and Delta: the catalogue's numbers, and what bounds they put on the sum."""

import pytest

from tests.workers.combining.told import dense, told
from workers.combining.clip_delta import combine
from workers.contract.values import Span, Values

FIRST, SECOND = (0.9, 0.8, 0.3, 0.95), (0.6, 0.6, 0.6, 0.6, 0.6, 0.9)


def steps(made: Values, n: int = 0) -> list[float]:
    return [span.value for span in made.dense(n)]


@pytest.mark.parametrize(
    ("scores", "eta", "transform", "earned", "total"),
    [
        (FIRST, 0.7, "clip", (0, 0, -0.4, 0), -0.4),
        (FIRST, 0.7, "delta", (0.1, 0.5, 0.3, 0), 0.9),
        (FIRST, 0.7, "clip_delta", (0, 0.4, -0.4, 0), 0),
        (SECOND, 0.5, "clip", (0,) * 6, 0),
        (SECOND, 0.5, "delta", (0, 0, 0, 0, 0.6, 0), 0.6),
        (SECOND, 0.5, "clip_delta", (0,) * 6, 0),
        (FIRST, 0.7, "none", FIRST, 2.95),
        (FIRST, 0.7, "normed", (0.225, 0.2, 0.075, 0.2375), 0.7375),
        (FIRST, 0.7, "penalty", (0.4, 0.3, -0.2, 0.45), 0.95),
        (FIRST, 1.0, "clip", (-0.1, -0.2, -0.7, -0.05), -1.05),
        (FIRST, 0.0, "clip", (0,) * 4, 0),
        ((0.4,), 0.7, "delta", (0,), 0),
        ((0.4, 0.9), 0.7, "delta", (0.4, 0), 0.4),
    ],
)
def test_by_hand(
    scores: tuple[float, ...], eta: float, transform: str, earned: tuple[float, ...], total: float
) -> None:
    made = combine([dense(scores)], transform=transform, eta=eta)
    assert steps(made) == pytest.approx(earned, abs=1e-9)
    assert made.total[0] == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize("scores", [FIRST, SECOND, (0.2, 0.7)])
def test_delta_telescopes(scores: tuple[float, ...]) -> None:
    """From any step on, what is still to be earned is that step's own score; of the last one nothing."""
    earned = steps(combine([dense(scores)], transform="delta"))
    ahead = [sum(earned[k:]) for k in range(len(earned))]
    assert ahead == pytest.approx([*scores[:-1], 0.0])


def test_repeating_a_step_earns_without_bound_only_unrefined() -> None:
    for times in (1, 2, 50):
        scores = (0.7,) * times + (0.9, 0.4)
        sums = {name: combine([dense(scores)], transform=name).total[0] for name in ("none", "delta", "clip_delta")}
        assert sums["none"] == pytest.approx(2.0 + 0.7 * (times - 1))
        assert sums["delta"] == pytest.approx(0.7)
        assert sums["clip_delta"] == pytest.approx(0.0)
    poor = (0.1,) * 50 + (0.9,)
    assert combine([dense(poor)], transform="clip").total[0] == pytest.approx(-20.0)


def test_the_weight_scales_all_of_it() -> None:
    made = combine([dense(FIRST)], transform="delta", alpha=0.5)
    assert steps(made) == pytest.approx([0.05, 0.25, 0.15, 0])
    assert made.total[0] == pytest.approx(0.45)


def test_steps_count_in_the_order_of_their_places() -> None:
    spans = (Span(3, 4, 0.3, "step"), Span(0, 1, 0.9, "step"), Span(5, 6, 0.95, "step"), Span(1, 2, 0.8, "step"))
    made = combine([Values([2.95], spans={0: spans})], transform="delta")
    assert [(span.start, span.unit) for span in made.dense(0)] == [(place, "step") for place in (0, 1, 3, 5)]
    assert steps(made) == pytest.approx([0.1, 0.5, 0.3, 0])
    mixed = Values([1.0], spans={0: (Span(0, 1, 0.5, "step"), Span(4, 9, 0.5, "letter"))})
    with pytest.raises(ValueError, match="units"):
        combine([mixed])


def test_without_places_the_whole_is_one_step() -> None:
    assert list(combine([told(0.3, None)], transform="clip").total) == [pytest.approx(-0.2), None]
    none_at_all = combine([Values([0.0], spans={0: ()})], transform="clip")
    assert list(none_at_all.total) == [0.0]


def test_it_refines_one_reward() -> None:
    with pytest.raises(ValueError, match="one process reward"):
        combine([told(1.0), told(1.0)])
