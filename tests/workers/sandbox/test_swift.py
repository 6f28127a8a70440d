"""Rewards as ms-swift's plugins have them: classes that are called as TRL's functions are."""

from dataclasses import replace

import pytest

from tests.workers.sandbox.attempts import answers
from workers.contract.rewardcode import check, signature_of
from workers.sandbox import SandboxFault, Scorer

GIVEN = replace(answers("4", "five", answer=["4", "5"], level=[1, 2]), prompts=("2+2=", "2+3="))
PLUGIN = """
import re
from typing import Dict, List
{imports}

def clean(text):
    return re.sub(r"\\s", "", text)


class Right(ORM):
    def __init__(self, {arguments}):
        {init}
        self.worth = 2.0

    {how}def __call__(self, completions, answer, **kwargs) -> List[float]:
        assert "level" in kwargs and len(kwargs["prompts"]) == 2
        return [self.worth * (clean(c) == a) for c, a in zip(completions, answer)]


class Other(ORM):
    def __call__(self, completions, **kwargs):
        return [0.5] * len(completions)


{registered}
"""


@pytest.mark.parametrize(
    ("imports", "arguments", "init", "how", "registered"),
    [
        ("from swift.plugin import ORM, orms", "", "pass", "", "orms['external_right'] = Right"),
        ("from swift.rewards import ORM, orms", "args=None, **kwargs", "super().__init__(args, **kwargs)", "",
         "orms.update(right=Right)"),
        ("from swift.plugin.orm import AsyncORM as ORM", "", "super().__init__()", "async ", ""),
        ("ORM = object", "", "super().__init__()", "", ""),
    ],
)  # fmt: skip
def test_a_plugin_is_taken_as_it_is(imports: str, arguments: str, init: str, how: str, registered: str) -> None:
    source = PLUGIN.format(imports=imports, arguments=arguments, init=init, how=how, registered=registered)
    assert check(source) == []
    signature = signature_of(source)
    assert (signature.name, signature.form, signature.columns()) == ("Right", "trl", ("answer",))
    with Scorer(source) as scorer:
        found = scorer.score(GIVEN)
    assert (found.faults, found.values) == ([], [2.0, 0.0])


def test_a_function_named_reward_goes_before_classes() -> None:
    source = "class A:\n    def __call__(self, completions):\n        return [0.0]\n\n"
    assert signature_of(source + "def reward(completions):\n    return [1.0]\n").name == "reward"
    assert signature_of(source + "def other(texts):\n    return [1.0]\n").name == "A"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("class A:\n    def score(self, completions):\n        return [0.0]\n", "There is no reward function"),
        ("class A:\n    def __call__(self, texts):\n        return [0.0]\n", "A must take `completions`"),
        ("class A:\n    def __call__(self, completions, /):\n        return [0.0]\n", "A is called by keyword"),
    ],
)
def test_what_is_no_reward_is_marked(source: str, said: str) -> None:
    assert said in check(source)[0].message


def test_a_class_that_wants_to_be_told_more_says_so_when_it_is_made() -> None:
    source = (
        "class A:\n    def __init__(self, model):\n        pass\n\n"
        "    def __call__(self, completions):\n        return []\n"
    )
    with pytest.raises(SandboxFault, match="missing 1 required positional argument: 'model'"), Scorer(source):
        pass
