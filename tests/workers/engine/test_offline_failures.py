"""Rewards that fail on recorded completions: what becomes of those, and where they are said to stand."""

from pathlib import Path
from typing import Any

import pytest

from tests.workers.engine.test_offline import analysed
from workers.contract.errors import RunError
from workers.contract.spec import RewardPick

FAILS_LATE = """
def reward(completions):
    return [1.0 if text == "fine" else 1 / (len(text) - 4) for text in completions]
"""


def rows_of(texts: list[str]) -> list[dict[str, Any]]:
    """Completions of a prompt each, so that they are scored 64 at a time."""
    return [{"prompt": f"p {n}", "completion": text} for n, text in enumerate(texts)]


@pytest.mark.parametrize(("policy", "values"), [("skip", [1.0, None, 0.5]), ("zero", [1.0, 0.0, 0.5])])
def test_what_becomes_of_failures_is_said(tmp_path: Path, policy: str, values: list[float | None]) -> None:
    """The failing completion is in the second chunk; its place is told from the beginning of the file."""
    rows = rows_of(["fine"] * 65 + ["fail", "longer"])
    picks = (RewardPick("mine", "code:1@1", source=FAILS_LATE, on_failure=policy),)
    ledger, stored = analysed(tmp_path, rows=rows, rewards=picks, credits=())
    assert [row["reward.mine"] for row in stored[64:]] == [row["reward_total"] for row in stored[64:]] == values
    (trouble,) = ledger.kind("trouble")
    assert ("have 0 for" in trouble.data["mend"]) == (policy == "zero")
    assert (trouble.data["evidence"]["index"], trouble.data["evidence"]["completion"]) == (65, "fail")


def test_an_analysis_stops_where_it_is_asked_to(tmp_path: Path) -> None:
    rows = rows_of(["fine"] * 65 + ["fail", "longer"])
    picks = (RewardPick("mine", "code:1@1", source=FAILS_LATE, on_failure="stop"),)
    with pytest.raises(RunError, match="1 of 3") as caught:
        analysed(tmp_path, rows=rows, rewards=picks, credits=())
    assert "asked to stop" in caught.value.mend
    assert caught.value.evidence["index"] == 65


@pytest.mark.parametrize("policy", ["skip", "zero", "stop"])
def test_failing_everywhere_is_no_result_whatever_it_counts_as(tmp_path: Path, policy: str) -> None:
    picks = (RewardPick("mine", "code:1@1", source=FAILS_LATE, on_failure=policy),)
    with pytest.raises(RunError, match="division by zero"):
        analysed(tmp_path, rows=rows_of(["fail"] * 70), rewards=picks, credits=())
