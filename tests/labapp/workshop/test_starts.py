"""What the editor of Python offers: texts to start from that do what they say, and words to complete."""

import pytest
from django.test import Client

from labapp.accounts.models import Team
from labapp.workshop.models import DataSet, DataVersion
from labapp.workshop.starts import STARTS
from workers.contract.answers import Answers
from workers.contract.rewardcode import check, signature_of
from workers.contract.values import Span
from workers.sandbox import Scorer, Scores

TEXTS = ("1+1 = 2\n1+2 = 4", "maybe 4")
ANSWERS = Answers(TEXTS, ("p",) * 2, (7, 7), ("finished",) * 2, {"answer": ("4", "4")})
SUMS = [Span(0, 1, 1.0, "step"), Span(1, 2, -1.0, "step")]


def scores(name: str) -> Scores:
    (source,) = (one.source for one in STARTS if one.name == name)
    assert check(source) == []
    with Scorer(source) as scorer:
        found = scorer.score(ANSWERS)
    assert found.faults == []
    return found


@pytest.mark.parametrize("name", [one.name for one in STARTS])
def test_every_text_does_what_it_says(name: str) -> None:
    """Both texts say 4; the second hedges, and the first has a right and a wrong sum."""
    found = scores(name)
    wanted = {
        "Values on parts of the text": ([0.0, -0.25], {0: [], 1: [Span(0, 5, -0.25)]}),
        "Components at places": ([1.1, 1.0], {0: [Span(0, 7, 0.1, part="sums")], 1: []}),
        "Values for each line": ([0.0, 0.0], {0: SUMS, 1: []}),
    }.get(name, ([1.0, 1.0], {}))
    if name == "Components":
        assert found.values == pytest.approx([1.0985, 1.0993])
        assert found.components["right"] == [1.0, 1.0]
        assert found.components["longest"] == [15.0, 15.0]
    else:
        assert (found.values, found.spans) == wanted


def test_every_form_has_a_text() -> None:
    assert {signature_of(one.source).form for one in STARTS} == {"trl", "verl", "openrlhf"}
    assert any(signature_of(one.source).is_async for one in STARTS)


def test_it_works(alice_client: Client, team: Team) -> None:
    dataset = DataSet.objects.create(team=team, name="sums", kind="prompts")
    DataVersion.objects.create(dataset=dataset, number=1, file="f", columns=["level", "not a name"])
    found = alice_client.get("/workshop/rewards/words/").json()
    kinds = {one["label"]: one["kind"] for one in found["words"]}
    assert kinds["completion_ids"] == kinds["solution_str"] == kinds["queries"] == "argument"
    assert kinds["answer"] == kinds["level"] == "column"
    assert kinds["numpy"] == "library"
    assert "not a name" not in kinds
    assert [one["name"] for one in found["starts"]] == [one.name for one in STARTS]
    page = alice_client.get("/workshop/rewards/new/").content.decode()
    assert 'data-words="/workshop/rewards/words/"' in page


def test_columns_are_the_teams_own(charlie_client: Client, team: Team) -> None:
    dataset = DataSet.objects.create(team=team, name="sums", kind="prompts")
    DataVersion.objects.create(dataset=dataset, number=1, file="f", columns=["secret"])
    assert "secret" not in charlie_client.get("/workshop/rewards/words/").content.decode()


def test_who_is_not_signed_in_is_told_nothing(client: Client) -> None:
    assert client.get("/workshop/rewards/words/").status_code == 302
