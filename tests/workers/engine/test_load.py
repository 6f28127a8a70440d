"""How the engine gets at methods: by kind and name, with what they name, within their limits."""

import random
import sys
from pathlib import Path

import pytest
import torch

from tests.workers.stage import catalogue, stage
from workers.contract.answers import Problem
from workers.contract.catalogue import read_catalogue
from workers.contract.method import MethodError
from workers.engine.load import call, load, settings

TINY = '''"""Twice the mask. For tests."""

from typing import Annotated

from torch import Tensor

from workers.contract.card import Card, Real, Source

CARD = Card("Twice", "2", Source("nobody", "nowhere"))


def weigh(mask_NT: Tensor, *, by: Annotated[float, Real(0, 3), "factor"]) -> Tensor:
    """The mask times a number."""
    return mask_NT * by
'''


def test_every_method_loads() -> None:
    for method in catalogue().methods.values():
        loaded = load(method.kind, method.name)
        assert callable(loaded.function)
        assert loaded.method.digest == method.digest
        assert sys.modules[f"workers.{method.kind}.{method.name}"] is loaded.module


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(MethodError, match=r"there is no credit method 'grop'; known: .*grpo"):
        load("credit", "grop")


def test_only_named_arguments_are_passed_and_parameters_go_over_defaults() -> None:
    problem = call(load("tasks", "arithmetic"), {"rng": random.Random(0), "answers": None}, {"level": 1})
    assert isinstance(problem, Problem)
    assert problem.columns["level"] == 1


def test_what_nobody_supplied_is_the_engines_mistake() -> None:
    supplied = stage().supplied()
    del supplied["ref_logp_NT"]
    with pytest.raises(AssertionError, match="regularisers/kl_k3 asks for ref_logp_NT"):
        call(load("regularisers", "kl_k3"), supplied, {})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"bta": 1.0}, "credit/reinforce has no parameter 'bta'; it has: beta"),
        ({"beta": 1.0}, "beta must be less than 1"),
        ({"beta": "1"}, "beta is a number"),
        ({"beta": None}, "beta is a number"),
    ],
)
def test_parameters_out_of_their_limits_are_refused(params: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings(load("credit", "reinforce").method, params)


def test_zero_is_a_number() -> None:
    """A parameter set to 0 stays 0, whatever the default is."""
    assert settings(load("credit", "reinforce").method, {"beta": 0})["beta"] == 0


def test_a_catalogue_elsewhere(tmp_path: Path) -> None:
    """A file outside the tree is read and loaded in the same way; a parameter without default must be given."""
    (tmp_path / "reductions").mkdir()
    (tmp_path / "reductions" / "twice.py").write_text(TINY)
    loaded = load("reductions", "twice", read_catalogue(tmp_path))
    mask_NT = torch.ones((1, 2), dtype=torch.bool)
    assert call(loaded, {"mask_NT": mask_NT}, {"by": 2.0}).tolist() == [[2.0, 2.0]]
    with pytest.raises(ValueError, match="reductions/twice: by is a number, not None"):
        call(loaded, {"mask_NT": mask_NT}, {})
    assert loaded.bounds == (float("-inf"), float("inf"))
