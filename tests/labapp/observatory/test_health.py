"""The health report: every audit on rows and curves made by hand, where its rule is met and where it is not."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from labapp.accounts.models import Team, User
from labapp.observatory.health import groups, report, rewards, trends
from labapp.observatory.health.finding import Row
from labapp.runs.models import MetricPoint
from tests.labapp.observatory.stored import add_rollouts, make_run


def row(index: int, total: float | None = 0.0, group: int = 0, **more: Any) -> Row:
    plain: dict[str, Any] = {"step": 7, "completion": f"#{index}", "length": 4, "rewards": {"right": total}}
    return Row(index=index, group=group, total=total, **(plain | more))


def straight(slope: float, count: int = 20, start: float = 10.0, wobble: float = 0.0) -> list[tuple[int, float]]:
    return [(step, start + slope * step + wobble * (-1) ** step) for step in range(1, count + 1)]


def test_groups_without_a_difference() -> None:
    rows = [row(0, 1.0), row(1, 1.0), row(2, 0.0, 1), row(3, 1.0, 1)]
    found = groups.zero_variance(rows)
    assert (found.state, found.what[:41]) == ("seen", "1 of 2 groups in step 7 have no variance:")
    assert [(one.row.step, one.row.index) for one in found.shown] == [(7, 0)]
    assert groups.zero_variance([*rows, row(4, 0.0, 2), row(5, 1.0, 2)]).state == "clear"
    assert groups.zero_variance([row(0), row(1, group=1)]).state == "unknown"
    partly = groups.zero_variance([row(0, None), row(1, 1.0), row(2, None, 1), row(3, None, 1)])
    assert [one.words for one in partly.shown] == [
        "all 2 of its group earned 1 or nothing",
        "all 2 of its group earned nothing",
    ]


def test_repeated_completions() -> None:
    same = [row(0, completion="a"), row(1, completion="a"), row(2, completion="b"), row(3, completion="c", group=1)]
    found = groups.duplicates(same)
    assert found.what.startswith("1 of 3 completions")
    assert found.state == "clear"
    loud = groups.duplicates([row(n, completion="a") for n in range(4)])
    assert (loud.state, loud.shown[0].words) == ("seen", "said 4 times by 4 siblings")


def test_the_shares_of_the_variance_add_up() -> None:
    rows = [
        row(n, total=a + 0.5 * b, rewards={"right": a, "short": b})
        for n, (a, b) in enumerate([(0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0)])
    ]
    found = rewards.dominance(rows, {"right": 1.0, "short": 0.5})
    assert "right 80 %, short 20 %" in found.what  # independent: 1 to 0.25
    assert found.state == "clear"
    lone = [row(n, total=a, rewards={"right": a, "short": 1.0}) for n, a in enumerate([0.0, 1.0])]
    assert rewards.dominance(lone, {"right": 1.0, "short": 0.5}).state == "seen"
    assert rewards.dominance(lone, {"right": 1.0}).state == "unknown"


def test_saturation() -> None:
    rows = [row(n, 1.0) for n in range(19)]
    assert rewards.saturation([*rows, row(19, 0.0)], "right").state == "seen"
    assert "19 of 20" in rewards.saturation([*rows, row(19, 0.0)], "right").what
    assert rewards.saturation([*rows, row(19, 0.0), row(20, 0.0)], "right").state == "clear"
    assert rewards.saturation(rows, "right").state == "seen"
    assert rewards.saturation([row(0, None)], "right").state == "unknown"


def test_a_line_and_its_interval() -> None:
    found = trends.line([(1, 1.0), (2, 3.0), (3, 2.0), (4, 4.0), (5, 6.0), (6, 5.0), (7, 8.0), (8, 7.0)])
    assert found is not None
    # By hand: sum of squares of steps 42, of products 39; residual sum 42 - 39^2 / 42 = 5.785714.
    assert found.slope == pytest.approx(39 / 42)
    assert found.high - found.slope == pytest.approx(1.959964 * (5.785714 / 6 / 42) ** 0.5, rel=1e-5)
    assert trends.line(straight(1.0, count=7)) is None


@pytest.mark.parametrize(
    ("slope", "wobble", "state"), [(1.0, 0.0, "seen"), (-0.3, 0.1, "seen"), (0.05, 0.0, "clear"), (0.2, 20.0, "clear")]
)
def test_length_drift(slope: float, wobble: float, state: str) -> None:
    rows = [row(0, length=3), row(1, length=9)]
    found = trends.length_drift(straight(slope, wobble=wobble), rows)
    assert found.state == state
    assert found.shown[0].row.index == (1 if slope > 0 else 0)
    assert trends.length_drift(straight(slope, count=3), rows).state == "unknown"


def test_entropy_collapse() -> None:
    assert trends.entropy_collapse([(n, 1.0 if n < 10 else 0.1) for n in range(20)], []).state == "seen"
    assert trends.entropy_collapse([(n, 1.0 if n < 10 else 0.3) for n in range(20)], []).state == "clear"
    assert trends.entropy_collapse([(0, 1.0)], []).state == "unknown"


def test_a_reward_that_rises_while_a_held_out_one_falls() -> None:
    rows = [row(0, 0.5), row(1, 0.9)]
    up, down = straight(0.1), straight(-0.1)
    found = trends.parting(up, down, "right", rows)
    assert (found.state, found.shown[0].row.index) == ("seen", 1)
    assert trends.parting(up, up, "right", rows).state == "clear"
    assert trends.parting(up, straight(-0.1, wobble=9.0), "right", rows).state == "clear"
    assert trends.parting(up, down[:10], "right", rows).state == "unknown"


def test_the_page_of_a_run(alice_client: Client, team: Team, alice: User) -> None:
    run = make_run(team, alice)
    add_rollouts(run, [{"completion": "same"} for _ in range(4)], step=3)
    now = timezone.now()
    MetricPoint.objects.bulk_create(
        MetricPoint(run=run, name="entropy", step=step, value=1.0 / step**2, at=now) for step in range(1, 21)
    )
    html = alice_client.get(f"/runs/{run.pk}/?tab=health").content.decode()
    assert "2 of 2 groups in step 3 have no variance" in html
    assert 'href="?tab=rollouts&amp;step=3&amp;group=0&amp;index=0"' in html
    assert "Mean entropy was" in html
    states = [one.state for one in report.report(run)]
    assert states == sorted(states, key=["seen", "clear", "unknown"].index)
    assert {"seen", "unknown"} <= set(states)


def test_a_run_without_anything(alice_client: Client, team: Team, alice: User) -> None:
    html = alice_client.get(f"/runs/{make_run(team, alice).pk}/?tab=health").content.decode()
    assert 'data-audit="seen"' not in html
    assert "Not one of these audits sees what it looks for." in html
    assert "Too little to say" in html
