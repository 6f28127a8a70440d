"""What every shaping promises, tried on awkward rewards over the whole catalogue."""

import pytest
import torch
from torch import Tensor

from tests.workers.stage import JUNK, NAN, answers, departs, names, variants
from workers.engine.load import call, load
from workers.engine.tensors import Progress, Shaped

KIND = "shaping"
PROMISES = ("keeps order within a column",)
MOST = 6
COLUMNS = 16
EVERY = pytest.mark.parametrize(("name", "params"), variants(KIND))


def valid() -> Tensor:
    """Every third cell is missing, a whole row and a whole column too."""
    valid_NK = torch.arange(10 * COLUMNS).reshape(10, COLUMNS) % 3 > 0
    valid_NK[4], valid_NK[:, 7] = False, False
    return valid_NK


def values(junk: float = JUNK) -> Tensor:
    """Rewards of every size and sign, equal ones among them."""
    place_NK = torch.arange(10 * COLUMNS, dtype=torch.float32).reshape(10, COLUMNS)
    value_NK = torch.sin(1.3 * place_NK) * 10 ** (place_NK % 5 - 2)
    value_NK[:3] = 0.5
    return torch.where(valid(), value_NK, junk)


def references(most: int) -> Tensor:
    """Rewards of the reference's completions: some say nothing, those of a row and of a column none at all."""
    place_NKJ = torch.arange(10 * COLUMNS * most, dtype=torch.float32).reshape(10, COLUMNS, most)
    ref_NKJ = torch.where(place_NKJ % 7 == 0, NAN, 3 * torch.cos(0.7 * place_NKJ))
    ref_NKJ[2], ref_NKJ[:, 5] = NAN, NAN
    return ref_NKJ


def shape(name: str, params: dict[str, object], value_NK: Tensor, order: list[int] | None = None) -> Shaped:
    order = list(range(10)) if order is None else order

    def ref_values(most: int) -> Tensor:
        return references(most)[order]

    given = {
        "value_NK": value_NK,
        "valid_NK": valid()[order],
        "answers": answers(10).rows(order),
        "most_tokens": MOST,
    }
    asked = {"progress": Progress(3, 10), "memory": {}, "ref_values": ref_values}
    made = call(load(KIND, name), {**given, **asked}, params)
    assert isinstance(made, Shaped)
    return made


@EVERY
def test_it_is_finite_wherever_there_is_a_value(name: str, params: dict[str, object]) -> None:
    found = shape(name, params, values(NAN)).value_NK
    assert found.shape == (10, COLUMNS)
    assert found[valid()].isfinite().all()
    assert not found.requires_grad


@EVERY
def test_cells_without_a_value_do_not_matter(name: str, params: dict[str, object]) -> None:
    clean = shape(name, params, values(0.0)).value_NK[valid()]
    for junk in (JUNK, NAN):
        assert torch.equal(shape(name, params, values(junk)).value_NK[valid()], clean)


@EVERY
def test_the_order_of_rows_does_not_matter(name: str, params: dict[str, object]) -> None:
    order = [7, 3, 9, 0, 5, 1, 8, 2, 6, 4]
    torch.testing.assert_close(
        shape(name, params, values()[order], order).value_NK, shape(name, params, values()).value_NK[order]
    )


def keeps_order(name: str, params: dict[str, object]) -> bool:
    """Whether no completion overtakes another in any column."""
    before, after, there = values(), shape(name, params, values()).value_NK, valid()
    for column in range(COLUMNS):
        rows = there[:, column].nonzero().squeeze(1)
        rises = before[rows, column][:, None] < before[rows, column]
        if bool((rises & (after[rows, column][:, None] > after[rows, column])).any()):
            return False
    return True


@EVERY
def test_it_keeps_order_within_a_column_or_says_that_it_does_not(name: str, params: dict[str, object]) -> None:
    assert keeps_order(name, params) or departs(load(KIND, name), "keeps order within a column")


@pytest.mark.parametrize("name", [n for n in names(KIND) if departs(load(KIND, n), "keeps order within a column")])
def test_it_does_not_keep_order_where_it_says_so(name: str) -> None:
    assert not all(keeps_order(name, params) for other, params in variants(KIND) if other == name)


@EVERY
def test_it_leaves_what_it_was_given_as_it_was(name: str, params: dict[str, object]) -> None:
    given = values()
    shape(name, params, given)
    assert torch.equal(given, values())


@EVERY
def test_the_same_twice_is_the_same_and_memory_is_for_those_who_ask(name: str, params: dict[str, object]) -> None:
    first, second = (shape(name, params, values()) for _ in range(2))
    assert torch.equal(first.value_NK[valid()], second.value_NK[valid()])
    assert bool(first.memory) == load(KIND, name).needs("memory")
    assert all(isinstance(kept, Tensor) and kept.isfinite().all() for kept in first.memory.values())


@pytest.mark.parametrize("name", names(KIND))
def test_departures_name_promises_of_this_kind(name: str) -> None:
    assert all(departure.promise in PROMISES for departure in load(KIND, name).method.card.departs)
