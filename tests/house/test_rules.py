"""A guard that has never tripped is not a guard: each rule is broken here, in a house of a few files."""

import inspect
import sys
from pathlib import Path

import pytest

from tests.house import rules, test_house

CLEAN = '"""A module."""\n\n\ndef credit(rollouts, reward_NT):\n    """Does it."""\n    return reward_NT\n'
COMBINATION = CLEAN.replace("def credit(", "def combine(")
LEGEND = "| `N` | completions |\n| `T` | tokens |\n"


def house(tmp_path: Path, **files: str) -> Path:
    """A small house without faults, and `files` (with __ for /) put into it or over it."""
    given = {
        "workers/contract/letters.md": LEGEND,
        "workers/credit/grpo.py": CLEAN,
        "workers/engine/step.py": CLEAN,
        "tests/workers/credit/test_grpo.py": '"""Tests."""\n',
        "labapp/runs/views.py": CLEAN,
    }
    for name, text in {**given, **{name.replace("__", "/"): text for name, text in files.items()}}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def function(lines: int, name: str = "long") -> str:
    """A documented function of so many lines."""
    return f'def {name}():\n    """Long."""\n' + "    pass\n" * (lines - 2)


BROKEN: list[tuple[str, dict[str, str], list[str]]] = [
    ("methods_without_tests", {"workers/credit/rloo.py": CLEAN}, ["credit/rloo"]),
    ("methods_without_tests", {"workers/credit/deep/rloo.py": CLEAN}, ["credit/rloo"]),
    ("tests_without_methods", {"tests/workers/credit/test_gone.py": ""}, ["tests/workers/credit/test_gone.py"]),
    ("undocumented", {"labapp/a.py": "x = 1\n"}, ["labapp/a.py"]),
    ("undocumented", {"labapp/a.py": '"""M."""\ndef b(): ...\n'}, ["labapp/a.py:2 b"]),
    (
        "undocumented",
        {"labapp/a.py": '"""M."""\nclass B:\n    """D."""\n    async def c(self): ...\n'},
        ["labapp/a.py:4 c"],
    ),
    ("unknown_letters", {"workers/a.py": "value_NQ = 1\n"}, ["workers/a.py value_NQ"]),
    ("unknown_letters", {"workers/a.py": "def f(*, value_X2): ...\n"}, ["workers/a.py value_X2"]),
    ("too_long", {"workers/a.py": "x = 1\n" * 301}, ["workers/a.py 301"]),
    ("too_long", {"tests/test_a.py": function(61)}, ["tests/test_a.py:1 long 61"]),
    ("heavy", {f"workers/f{i}.py": "x = 1\n" * 80 for i in range(5)}, ["files: median 80 of 70, 90th 80 of 160"]),
    (
        "heavy",
        {"workers/f.py": function(50) + function(50, "b")},
        ["functions: median 3 of 10, 90th 50 of 30"],
    ),
    ("nameless_rooms", {"workers/credit/utils.py": CLEAN}, ["workers/credit/utils.py"]),
    ("nameless_rooms", {"labapp/common/a.py": CLEAN}, ["labapp/common/a.py"]),
    ("ignores", {"labapp/a.py": "x = 1  # type: ignore[misc]\n"}, ["labapp/a.py:1"]),
    ("broad_excepts", {"labapp/a.py": "try:\n    x = 1\nexcept Exception:\n    pass\n"}, ["labapp/a.py:3"]),
    ("broad_excepts", {"labapp/a.py": "try:\n    x = 1\nexcept (OSError, Exception):\n    pass\n"}, ["labapp/a.py:3"]),
    ("broad_excepts", {"workers/door/a.py": "try:\n    x = 1\nexcept:\n    pass\n"}, ["workers/door/a.py:3"]),
    ("named_methods", {"workers/engine/a.py": 'if name == "grpo": ...\n'}, ["workers/engine/a.py:1 grpo"]),
    ("named_methods", {"workers/engine/a.py": 'load("credit/grpo")\n'}, ["workers/engine/a.py:1 credit/grpo"]),
    (
        "named_methods",
        {"workers/combining/sum.py": COMBINATION, "workers/engine/a.py": 'load("combining/sum")\n'},
        ["workers/engine/a.py:1 combining/sum"],
    ),
    (
        "named_methods",
        {"workers/engine/a.py": "from workers.credit import grpo\n"},
        ["workers/engine/a.py:1 workers.credit.grpo"],
    ),
    (
        "strange_imports",
        {"workers/credit/grpo.py": "import numpy\n" + CLEAN},
        ["workers/credit/grpo.py:1 numpy"],
    ),
    (
        "strange_imports",
        {"workers/credit/grpo.py": "from workers.credit.rloo import credit\n" + CLEAN},
        ["workers/credit/grpo.py:1 workers.credit.rloo.credit"],
    ),
    (
        "strange_imports",
        {"workers/credit/grpo.py": "from workers.engine.load import load\n" + CLEAN},
        ["workers/credit/grpo.py:1 workers.engine.load.load"],
    ),
    (
        "plain_means",
        {"workers/credit/grpo.py": CLEAN.replace("return reward_NT", "return reward_NT.mean()")},
        ["workers/credit/grpo.py:6"],
    ),
]
FINE: list[tuple[str, dict[str, str]]] = [
    ("tests_without_methods", {"workers/credit/helper.py": '"""H."""\n', "tests/workers/credit/test_helper.py": ""}),
    ("undocumented", {"labapp/a/__init__.py": "", "labapp/migrations/b.py": "x = 1\n"}),
    ("undocumented", {"labapp/a.py": '"""M."""\ndef _b(): ...\nclass C:\n    """D."""\n    class Meta: ...\n'}),
    ("unknown_letters", {"workers/a.py": "MAX_LENGTH = 1\nvalue_NT2 = 2\nplain = 3\n"}),
    ("too_long", {"workers/a.py": "x = 1\n" * 300, "labapp/b.py": function(60)}),
    ("ignores", {"labapp/a.py": 'x = "# type: ignore"\n'}),
    ("broad_excepts", {"labapp/a.py": "try:\n    x = 1\nexcept ValueError:\n    pass\n"}),
    ("broad_excepts", {"labapp/a.py": "try:\n    x = 1\nexcept BaseException:\n    x = 2\n    raise\n"}),
    ("broad_excepts", {"workers/engine/boundary.py": "try:\n    x = 1\nexcept Exception:\n    pass\n"}),
    ("named_methods", {"workers/credit/entropy.py": CLEAN, "workers/engine/a.py": 'streams["entropy"]\n'}),
    ("named_methods", {"workers/combining/sum.py": COMBINATION, "workers/engine/a.py": 'if name == "sum": ...\n'}),
    ("strange_imports", {"workers/credit/grpo.py": "import math\nimport torch\n" + CLEAN}),
]


@pytest.mark.parametrize(("rule", "files", "found"), BROKEN)
def test_it_trips(tmp_path: Path, rule: str, files: dict[str, str], found: list[str]) -> None:
    assert getattr(rules, rule)(house(tmp_path, **files)) == found


@pytest.mark.parametrize(("rule", "files"), FINE)
def test_it_lets_through_what_is_fine(tmp_path: Path, rule: str, files: dict[str, str]) -> None:
    assert getattr(rules, rule)(house(tmp_path, **files)) == []


def test_a_clean_house_breaks_nothing(tmp_path: Path) -> None:
    root = house(tmp_path)
    assert {rule.__name__: rule(root) for rule in test_house.NONE_ALLOWED} == {
        rule.__name__: [] for rule in test_house.NONE_ALLOWED
    }


def test_every_rule_is_asked_of_the_house_and_trips_somewhere() -> None:
    made = {
        name
        for name, found in inspect.getmembers(rules, inspect.isfunction)
        if found.__module__ == rules.__name__ and list(inspect.signature(found).parameters) == ["root"]
        and not name.startswith("_")
    }  # fmt: skip
    assert made == {rule for rule, _, _ in BROKEN}
    assert made == {rule.__name__ for rule in test_house.NONE_ALLOWED} | {"ignores"}


def test_the_frozen_list_trips(monkeypatch: pytest.MonkeyPatch) -> None:
    """A knob more in the list than in the spec, and the test of the list fails."""
    more = {**test_house.RUN_SPEC, "Budget": test_house.RUN_SPEC["Budget"] + " patience"}
    monkeypatch.setattr(sys.modules[test_house.__name__], "RUN_SPEC", more)
    with pytest.raises(AssertionError):
        test_house.test_the_engines_own_list_of_knobs_is_frozen()
