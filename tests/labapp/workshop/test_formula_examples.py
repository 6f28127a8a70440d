"""The worked examples: what the page says that a formula gives is what the engine makes of it."""

from dataclasses import replace

import pytest
import torch

from labapp.workshop.formula_examples import EXAMPLES, Example, examples_for
from tests.workers.worked import outcome, rollouts
from workers.contract.formula import BOTH, NAMES, parse, streams
from workers.engine.formula import make_formula
from workers.engine.load import call
from workers.engine.tensors import Credit, Loss, Pass

ABOUT = 0.0006  # the page shows three digits


def computed(one: Example) -> torch.Tensor:
    """What the engine makes of an example's given values, one number for each of its columns."""
    given = {name: torch.tensor([values], dtype=torch.float32) for name, values in one.worked[:-1]}
    count = len(one.worked[0][1])
    whole = "r" in given  # then the columns are completions of a group, else tokens of one completion
    made = rollouts(["a"] * count if whole else ["a" * count])
    made = replace(made, reward_NT=outcome(made, given["r"][0].tolist())) if whole else made
    formula = make_formula(parse(one.text, one.kind), one.slug)
    if one.kind == "credit":
        more = {"value_NT": given.get("value"), "reward_NT": given.get("r_token", made.reward_NT)}
        found = call(formula, made.supplied(**more), {})
        assert isinstance(found, Credit)
        return found.advantage_NT.flatten()
    now = given.get("logp", torch.zeros(1, count))
    was = now - given["ratio"].log()
    mask = made.mask_NT
    passes = {"now": Pass(now, mask), "was": Pass(was, mask)}
    found = call(formula, made.supplied(**passes, advantage_NT=given["A"], ref_logp_NT=given.get("ref_logp")), {})
    assert isinstance(found, Loss)
    return found.token_NT.flatten()


@pytest.mark.parametrize("one", EXAMPLES, ids=lambda one: one.slug)
def test_the_numbers_are_those_of_the_engine(one: Example) -> None:
    expected = torch.tensor(one.worked[-1][1], dtype=torch.float32)
    torch.testing.assert_close(computed(one), expected, rtol=0, atol=ABOUT)


@pytest.mark.parametrize("one", EXAMPLES, ids=lambda one: one.slug)
def test_every_name_of_an_example_has_its_numbers(one: Example) -> None:
    assert {name for name, _ in one.worked[:-1]} == set(streams(parse(one.text, one.kind))) <= set(NAMES)
    assert len({len(values) for _, values in one.worked}) == 1


def test_there_are_two_of_each_kind() -> None:
    assert [len(examples_for(kind)) for kind in BOTH] == [2, 2]
    assert len({one.slug for one in EXAMPLES}) == len(EXAMPLES)
