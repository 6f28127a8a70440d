"""The estimate of a run's memory: sizes from configurations, and each part by hand."""

import json
from pathlib import Path

import pytest

from tests.workers.contract.specs import good
from workers.contract.memory import Sizes, estimate, sizes_of
from workers.contract.resources import Lora
from workers.contract.spec import Model, Optimiser
from workers.models.loading import STARTER, locate

SMALL = Sizes(layers=2, hidden=8, inner=16, keys=4, heads=2, vocabulary=10, tied=True)


def test_weights_by_hand() -> None:
    """A layer: queries and output 2 × 8 × 8, keys and values 2 × 8 × 4, three inner matrices of 8 × 16: 576; twice
    that, and one table of 10 × 8 (two when it is not shared)."""
    assert SMALL.parameters == 2 * 576 + 80
    assert Sizes(**{**vars(SMALL), "tied": False}).parameters == 2 * 576 + 160


def test_the_starters_weights() -> None:
    """984,576 weights are in its file; the estimate leaves out nine norms of 128."""
    folder = Path(locate(Model(STARTER))[0])
    sizes = sizes_of(json.loads((folder / "config.json").read_text()))
    assert sizes.parameters == 984_576 - 9 * 128


def test_other_names_for_the_same_sizes() -> None:
    gpt2 = {"n_layer": 2, "n_embd": 32, "n_head": 4, "vocab_size": 300}
    assert sizes_of(gpt2) == Sizes(2, 32, 128, 32, 4, 300, True)
    with pytest.raises(KeyError):
        sizes_of({"vocab_size": 3})


def test_each_part_by_hand() -> None:
    spec = good(batch_prompts=4, siblings=2, max_new_tokens=6, optimiser=Optimiser(micro_groups=1))
    found = estimate(SMALL, spec, 5, references=1, critics=0)
    weights = 4 * 1232
    assert found["weights"] == found["gradients"] == found["references"] == weights
    assert found["optimiser"] == 2 * weights
    # 8 rows of 11 places hold keys and values of 4 numbers in 2 layers; each row's logits three times over.
    assert found["sampling"] == 4 * (2 * 8 * 11 * 2 * 4 + 3 * 8 * 10)
    # One group: 5 + 2 × 6 tokens keep 10 × 8 + 4 × 16 numbers a layer; 12 rows of logits four times; 12 × 11 scores.
    assert found["learning"] == 4 * (17 * 2 * 144 + 4 * 120 + 2 * 2 * 6 * 11)
    assert found["total"] == 5 * weights + max(found["sampling"], found["learning"])


def test_more_devices_and_smaller_micro_batches_take_less() -> None:
    whole = estimate(SMALL, good(optimiser=Optimiser(micro_groups=0)), 5)
    halves = estimate(SMALL, good(optimiser=Optimiser(micro_groups=0), devices=2), 5)
    micro = estimate(SMALL, good(optimiser=Optimiser(micro_groups=8)), 5)
    assert halves["learning"] == micro["learning"] == whole["learning"] // 2
    assert halves["sampling"] == whole["sampling"] // 2 == micro["sampling"] // 2


def test_adapters_splits_and_layers_run_again() -> None:
    """An adapter of rank 2 on SMALL: queries and output 2 × 16, keys and values 2 × 12, three inner ones of 24 each."""
    whole = estimate(SMALL, good(), 5, references=1)
    adapted = estimate(SMALL, good(lora=Lora(rank=2)), 5, references=1)
    assert SMALL.adapter(2) == 2 * 2 * (2 * 16 + 2 * 12 + 3 * 24)
    assert adapted["gradients"] == 4 * SMALL.adapter(2)
    assert (adapted["references"], whole["references"]) == (0, whole["weights"])
    split = estimate(SMALL, good(devices=2, sharded=True), 5)
    assert split["gradients"] == whole["gradients"] // 2
    assert split["optimiser"] == whole["optimiser"] // 2
    assert split["weights"] == whole["weights"]
    one = Sizes(**{**vars(SMALL), "layers": 1})
    many = Sizes(**{**vars(SMALL), "layers": 101})
    again = good(optimiser=Optimiser(recompute=True))
    tokens = again.batch_prompts * (5 + again.siblings * again.max_new_tokens)
    grown = estimate(many, again, 5)["learning"] - estimate(one, again, 5)["learning"]
    assert grown == 4 * 100 * tokens * SMALL.hidden, "one number of each hidden place a token and layer"
