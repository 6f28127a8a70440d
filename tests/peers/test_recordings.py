"""What `make peers` compares with: it must see a number that has changed, and one that is gone."""

import copy
from typing import Any

import pytest
import torch

from tests.peers.recordings import differences, plain, read


@pytest.fixture
def document() -> dict[str, Any]:
    return read("preferences")


def test_what_was_recorded_equals_itself_and_rounding_is_nothing(document: dict[str, Any]) -> None:
    again = copy.deepcopy(document)
    again["cases"]["dpo"]["loss"] *= 1 + 1e-7
    assert differences(document, again) == []


def test_a_changed_number_is_named_by_its_place(document: dict[str, Any]) -> None:
    again = copy.deepcopy(document)
    again["cases"]["dpo"]["loss"] *= 1.00001
    again["inputs"]["token_NT"][1][0] += 1
    found = differences(document, again)
    assert [line.split(" ")[0] for line in found] == ["/cases/dpo/loss", "/inputs/token_NT[1][0]"]


def test_a_case_that_is_gone_or_new_is_a_difference(document: dict[str, Any]) -> None:
    again = copy.deepcopy(document)
    del again["cases"]["ipo"]
    assert len(differences(document, again)) == len(differences(again, document)) == 1


def test_float32_survives_the_file() -> None:
    numbers = torch.randn(50, generator=torch.Generator().manual_seed(0)) * 1e-3
    assert torch.equal(torch.tensor(plain(numbers)), numbers)
