"""Prefix trees of a batch against trees of dictionaries, on rows with holes, empty ones, duplicates and prefixes."""

import random
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from tests.workers.worked import rollouts
from workers.contract.radix import grow as grow_radix
from workers.engine.tensors import Rollouts
from workers.engine.tree import grow


def by_dictionaries(batch: Rollouts, value_N: Tensor) -> tuple[list[list[float]], list[list[float]]]:
    """Values along each row and their changes: one dictionary entry a prefix."""
    paths: list[list[tuple[int, ...]]] = []
    for row in range(len(value_N)):
        chosen = batch.mask_NT[row].tolist()
        length = max((place + 1 for place, here in enumerate(chosen) if here), default=0)
        steps = list(zip(batch.token_NT[row].tolist(), chosen, strict=True))[:length]
        path: tuple[int, ...] = (int(batch.group_N[row]),)
        paths.append([path, *(path := (*path, *step) for step in steps)])
    through: dict[tuple[int, ...], list[int]] = {}
    for row, prefixes in enumerate(paths):
        for prefix in prefixes:
            through.setdefault(prefix, []).append(row)
    mean = {prefix: sum(float(value_N[row]) for row in rows) / len(rows) for prefix, rows in through.items()}
    values = [[mean[prefix] for prefix in prefixes] for prefixes in paths]
    changes = [[after - before for before, after in pairwise(row)] for row in values]
    return [row[1:] for row in values], changes


def padded(rows: list[list[float]], width: int) -> Tensor:
    return torch.tensor([row + [0.0] * (width - len(row)) for row in rows], dtype=torch.float64)


def batch_of(seed: int, letters: str, rows: int = 60) -> Rollouts:
    """Random rows over a few letters, some empty, some twice, some with holes; junk where nothing was chosen."""
    dice = random.Random(seed)
    texts = ["".join(dice.choice(letters) for _ in range(dice.randint(1, 12))) for _ in range(rows)]
    texts[3], texts[4] = texts[5], texts[6]
    groups = [dice.randrange(4) for _ in texts]
    holes = [[place for place in range(len(text)) if dice.random() < 0.15] for text in texts]
    holes[7], holes[8] = list(range(len(texts[7]))), list(range(len(texts[8])))
    batch = rollouts(texts, groups, holes).rollouts
    behind_NT = batch.mask_NT.flip(1).cumsum(1).flip(1) == 0
    junk_NT = torch.randint(0, 10**6, behind_NT.shape, generator=torch.Generator().manual_seed(seed))
    return replace(batch, token_NT=torch.where(behind_NT, junk_NT, batch.token_NT))


@pytest.mark.parametrize("letters", ["A", "AB", "ABCDEFGH"])
@pytest.mark.parametrize("seed", range(4))
def test_values_and_jumps_are_those_of_dictionaries(seed: int, letters: str) -> None:
    batch = batch_of(seed, letters)
    value_N = torch.rand(60, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    values, changes = by_dictionaries(batch, value_N)
    tree, width = grow(batch), batch.token_NT.shape[1]
    torch.testing.assert_close(tree.values(value_N), padded(values, width), rtol=0, atol=1e-12)
    torch.testing.assert_close(tree.jumps(value_N), padded(changes, width), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_each_token_lies_on_one_branch_and_branches_are_few(seed: int) -> None:
    batch = batch_of(seed, "AB")
    tree = grow(batch)
    count = torch.zeros(tree.shape, dtype=torch.long)
    for low, high, start, end in zip(tree.low, tree.high, tree.start, tree.end, strict=True):
        assert low < high
        assert start <= end
        count[tree.order[low:high], start:end] += 1
    has_later_NT = batch.mask_NT.flip(1).cumsum(1).flip(1) > 0
    assert torch.equal(count, has_later_NT.long())
    assert len(tree.low) <= 2 * len(tree.order) - 1
    assert int((tree.parent < 0).sum()) == len(torch.unique(batch.group_N))


def test_the_same_tokens_in_another_group_share_nothing() -> None:
    tree = grow(rollouts(["ABC", "ABC"], [0, 1]).rollouts)
    assert torch.equal(tree.values(torch.tensor([1.0, 0.0])), torch.tensor([[1.0] * 3, [0.0] * 3]))


def test_rows_that_are_equal_to_the_end_are_one_branch() -> None:
    tree = grow(rollouts(["ABC", "ABC", "ABC"]).rollouts)
    assert (tree.low.tolist(), tree.high.tolist(), tree.start.tolist(), tree.end.tolist()) == ([0], [3], [0], [3])


def test_large_token_ids_stay_apart() -> None:
    """Ids beyond sixteen bits that agree in their low halves."""
    batch = rollouts(["AB", "AC"]).rollouts
    batch = replace(batch, token_NT=torch.tensor([[7, 5 + 2**16], [7, 5 + 2**17]]))
    assert torch.equal(grow(batch).jumps(torch.tensor([1.0, 0.0])), torch.tensor([[0.0, 0.5], [0.0, -0.5]]))


def test_a_batch_of_one_row_and_one_without_any_token() -> None:
    alone, empty = rollouts(["ABC"]).rollouts, rollouts(["A"], holes=[[0]]).rollouts
    assert torch.equal(grow(alone).values(torch.tensor([0.7])), torch.full((1, 3), 0.7))
    assert torch.equal(grow(empty).values(torch.tensor([0.7])), torch.zeros(1, 1))


def test_the_tree_that_people_see_has_the_same_means() -> None:
    """`contract/radix.py` draws the very tree that credit is computed on."""
    texts, rewards = ["ABC", "ABD", "AEF", "GHI", "AB", "ABC"], [1.0, 0.0, 1.0, 0.0, 0.5, 0.25]
    tree = grow(rollouts(texts).rollouts)
    ours = {
        (int(start), int(end), tuple(sorted(tree.order[low:high].tolist()))): float(mean)
        for low, high, start, end, mean in zip(
            tree.low, tree.high, tree.start, tree.end, tree.means(torch.tensor(rewards)), strict=True
        )
    }
    pending, theirs = [grow_radix(texts, rewards)], {}
    while pending:
        node = pending.pop()
        theirs[node.start, node.end, tuple(sorted(node.rows))] = node.mean
        pending += node.children
    assert ours == pytest.approx(theirs)
