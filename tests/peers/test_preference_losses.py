"""Losses over pairs and over labelled completions against what TRL's own trainers said of the same (`recorded/`)."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.peers.batches import logp_of
from tests.peers.recordings import assert_equal, read, tensors
from workers.engine.load import call, load
from workers.engine.masks import masked
from workers.engine.tensors import Labelled, Pairs, Pass

RECORDED = read("preferences")
GIVEN = tensors(RECORDED["inputs"])

HALF = len(GIVEN["mask_NT"]) // 2
# By the name of the recording: the method, and its parameters.
PAIRED: dict[str, tuple[str, dict[str, Any]]] = {
    "dpo": ("dpo", {"beta": 0.1}),
    "dpo_strong": ("dpo", {"beta": 0.7}),
    "ipo": ("ipo", {"beta": 0.1}),
}
UNPAIRED: dict[str, tuple[str, dict[str, Any]]] = {
    "kto": ("kto", {"beta": 0.1}),
    "kto_weighted": ("kto", {"beta": 0.3, "good_weight": 1.2, "bad_weight": 0.8}),
}


def passes(leaf: Tensor) -> tuple[Pass, Pass]:
    """The policy's log-probabilities of all rows, and the reference's: of these only the sums are recorded, and each
    stands on its row's first token."""
    mask_NT = GIVEN["mask_NT"]
    ref_NT = torch.zeros(mask_NT.shape)
    ref_NT[:, 0] = GIVEN["ref_logp_N"]
    return Pass(masked(logp_of(leaf, GIVEN["token_NT"]), mask_NT), mask_NT), Pass(ref_NT, mask_NT)


def cut(whole: Pass) -> Pairs:
    """Chosen rows come first, then the rejected ones in the same order."""
    halves = [slice(0, HALF), slice(HALF, None)]
    return Pairs(*(Pass(whole.logp_NT[half], whole.mask_NT[half]) for half in halves))


def check(loss_E: Tensor, leaf: Tensor, case: dict[str, Any]) -> None:
    loss = loss_E.mean()
    torch.autograd.backward(loss)
    assert leaf.grad is not None
    assert_equal(loss.detach(), case["loss"])
    assert_equal(leaf.grad, case["grad_NTV"])


@pytest.mark.parametrize("name", PAIRED)
def test_a_loss_over_pairs_equals_trl(name: str) -> None:
    method, params = PAIRED[name]
    leaf = GIVEN["logits_NTV"].clone().requires_grad_()
    now, reference = passes(leaf)
    supplied = {"pairs": cut(now), "ref_pairs": cut(reference)}
    check(call(load("preferences", method), supplied, params), leaf, RECORDED["cases"][name])


@pytest.mark.parametrize("name", UNPAIRED)
def test_a_loss_over_labelled_completions_equals_trl(name: str) -> None:
    """The estimate of KL is TRL's own, from its mismatched completions; it must not be at its lower bound."""
    method, params = UNPAIRED[name]
    case = RECORDED["cases"][name]
    leaf = GIVEN["logits_NTV"].clone().requires_grad_()
    now, reference = passes(leaf)
    assert case["kl"] > 0.1
    supplied = {
        "labelled": Labelled(now, GIVEN["label_N"]),
        "ref_labelled": Labelled(reference, GIVEN["label_N"]),
        "kl": torch.tensor(case["kl"]),
    }
    check(call(load("preferences", method), supplied, params), leaf, case)
