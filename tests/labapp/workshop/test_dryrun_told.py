"""What a dry run says of rewards that give little or nothing, and of labels that show little."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from django.test import Client

from labapp.celery_app import app
from labapp.workshop.dryrun_words import fixed, number, share
from tests.labapp.workshop.conftest import QuickWorker
from tests.labapp.workshop.test_dryrun import tried
from workers.door.dryrun import dry_run_on

LABELLED = "\n".join(
    json.dumps({"prompt": f"{n}", "completion": f"{n}", "answer": "1", "label": n % 2}) for n in range(4)
)
HEAD = "def reward(completions, **columns):\n    return "


@pytest.fixture(autouse=True)
def worker(quick_worker: QuickWorker) -> Any:
    """See `quick_worker`."""
    return quick_worker(dry_run_on)


def test_where_all_fails_there_are_no_values(bob_client: Client) -> None:
    page = tried(bob_client, f"{HEAD}[int('x') for _ in completions]", pasted=LABELLED)
    assert "It failed on 4 of 4 completions: line 2: ValueError" in page
    assert page.count('class="faulty"') == 8  # in the list of failures, and in the one of all
    for part in ("<dt>mean</dt>", 'id="dry-values"', "Highest"):
        assert part not in page


def test_who_asks_for_token_ids_is_told_how_to_have_them(bob_client: Client) -> None:
    source = (
        "def reward(completions, completion_ids, **columns):\n    return [[0.5] * len(ids) for ids in completion_ids]"
    )
    hint = "completion_ids is None here"
    assert hint in tried(bob_client, source, pasted=LABELLED)
    assert hint not in tried(bob_client, source, pasted=LABELLED, tokenizer="starter")
    assert hint not in tried(bob_client, f"{HEAD}[int('x') for _ in completions]", pasted=LABELLED)


def test_many_failures_are_told_once(bob_client: Client) -> None:
    page = tried(bob_client, f"{HEAD}[int('x') for _ in completions]", pasted="text\n" * 20)
    assert page.count('class="faulty"') == 8 + 20  # the first, and all of them folded away
    assert "The first 8 of 20" in page


def test_what_applies_to_nothing_is_said(bob_client: Client) -> None:
    page = tried(bob_client, f"{HEAD}[None] * len(completions)", pasted=LABELLED)
    assert "It gave None for every completion" in page
    assert "Nothing stands out" not in page


def test_probes_that_fail_are_told_together(bob_client: Client) -> None:
    page = tried(bob_client, f"{HEAD}[float(int(text)) for text in completions]", pasted=LABELLED)
    assert page.count('data-state="warn" href="#dry-probes"') == 1
    assert "It fails on empty text, " in page
    assert ", the first with: line 2: ValueError" in page


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("[float(n == 1) for n in range(4)]", "4 labelled completions do not show whether it tells right from wrong"),
        ("[1.0] * len(completions)", "It does not tell right from wrong: AUC 0.50"),
        ("[1.0 - n % 2 for n in range(len(completions))]", "It says the opposite of the labels"),
    ],
)
def test_few_labels_are_not_a_verdict(bob_client: Client, values: str, said: str) -> None:
    assert said in tried(bob_client, HEAD + values, pasted=LABELLED, unprobed="1")


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (TimeLimitExceeded(55), "The worker could not try it: it took too long and was stopped."),
        (WorkerLostError("exitcode 9"), "its process ended before it was done"),
        (ValueError("what the worker says itself"), "could not try it: what the worker says itself"),
    ],
)
def test_work_that_is_ended_says_so_in_words(
    bob_client: Client, monkeypatch: pytest.MonkeyPatch, end: Exception, said: str
) -> None:
    monkeypatch.setattr(app, "AsyncResult", lambda number: SimpleNamespace(state="FAILURE", result=end))
    assert said in tried(bob_client, f"{HEAD}[1.0] * len(completions)", pasted=LABELLED)


def test_a_penalty_of_nothing_is_zero() -> None:
    assert (number(-0.0), number(-0.5), number(None)) == ("0", "−0.5", "–")
    assert (fixed(-0.001), fixed(-0.25), share(-0.001), share(0.666)) == ("0.00", "−0.25", "0 %", "67 %")
