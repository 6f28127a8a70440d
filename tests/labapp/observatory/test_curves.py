"""Curves: thinned by buckets of neighbouring steps, and whole as a download."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.test import Client
from django.utils import timezone

from labapp.observatory.curves import curves
from tests.labapp.observatory.stored import make_run

if TYPE_CHECKING:
    from labapp.accounts.models import Team, User
    from labapp.runs.models import Run


def add_points(run: Run, name: str, values: list[float]) -> None:
    from labapp.runs.models import MetricPoint

    now = timezone.now()
    points = [MetricPoint(run=run, name=name, step=step, value=value, at=now) for step, value in enumerate(values, 1)]
    MetricPoint.objects.bulk_create(points)


def test_a_bucket_gives_its_mean_at_its_last_step(team: Team, alice: User) -> None:
    """Six points in three buckets of two: (1, 3) -> 2 at step 2, (5, 7) -> 6 at 4, (9, 0) -> 4.5 at 6."""
    run = make_run(team, alice)
    add_points(run, "kl", [1, 3, 5, 7, 9, 0])
    add_points(run, "loss", [4])
    assert curves(run, most=3) == {
        "kl": {"step": [2, 4, 6], "value": [2.0, 6.0, 4.5]},
        "loss": {"step": [1], "value": [4.0]},
    }
    assert curves(run)["kl"]["value"] == [1, 3, 5, 7, 9, 0], "few points are left as they are"


def test_the_address_and_the_download(alice_client: Client, team: Team, alice: User) -> None:
    run = make_run(team, alice)
    assert alice_client.get(f"/runs/{run.pk}/curves/").json() == {"names": [], "series": {}}
    add_points(run, "kl", [0.5, float("nan")])
    data = alice_client.get(f"/runs/{run.pk}/curves/").json()
    assert data == {"names": ["kl"], "series": {"kl": {"step": [1, 2], "value": [0.5, None]}}}, "JSON has no NaN"
    answer = alice_client.get(f"/runs/{run.pk}/metrics.csv")
    lines = answer.getvalue().decode().splitlines()
    assert lines[0] == "name,step,value,at"
    assert lines[1].startswith("kl,1,0.5,")
    assert len(lines) == 3
