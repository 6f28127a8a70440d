"""What runs learned, on the pages of the Workshop and in analyses: offered where a model is named, else refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from labapp import shelf
from labapp.workshop import analysis_form
from labapp.workshop.models import DataSet
from tests.labapp.runs.checkpointed import checkpointed
from workers.contract.analysis import AnalysisSpec
from workers.contract.spec import Pick, RewardPick

if TYPE_CHECKING:
    from labapp.accounts.models import Team
    from labapp.runs.models import Run

CATALOGUE = shelf.catalogue()


@pytest.fixture
def rows(team: Team) -> str:
    held = DataSet.objects.create(team=team, name="D", kind=DataSet.COMPLETIONS)
    return held.versions.create(number=1, original="o", filename="f", file="x", digest="d").reference


def refused(team: Team, rows: str, name: str) -> dict[str, str]:
    rewards = (RewardPick("read", "flr", {"name": name}),)
    spec = AnalysisSpec("scores", rewards, (Pick("credit", "grpo"),), dataset=rows, tokenizer=name)
    draft = analysis_form.Draft(spec, "Analyses")
    return {one.path: one.what for one in analysis_form.troubles(draft, CATALOGUE, team)}


def test_it_works(team: Team, teacher: Run, rows: str) -> None:
    assert refused(team, rows, f"run:{teacher.pk}") == {}


def test_what_is_not_there_is_refused_before_an_analysis_is_queued(team: Team, rows: str, teacher: Run) -> None:
    found = refused(team, rows, f"run:{checkpointed(team, 'new', ()).pk}")
    assert set(found) == {"tokenizer", "rewards.0.params.name"}
    assert all("the run new has no checkpoint yet" in what for what in found.values())
    assert "this team has no run" in refused(team, rows, "run:7")["tokenizer"]


@pytest.mark.parametrize("address", ["/workshop/algorithms/new/", "/workshop/rewards/new/parts/", "/data/analyse/"])
def test_pages_with_such_fields_offer_the_runs(
    alice_client: Client, charlie_client: Client, teacher: Run, rows: str, address: str
) -> None:
    html = alice_client.get(address, follow=True).content.decode()
    assert f'<datalist id="learned-models"><option value="run:{teacher.pk}">teacher · step 20 · ' in html
    assert str(teacher.pk) not in charlie_client.get(address, follow=True).content.decode()
