"""The house keeps its rules."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import pytest

from tests.house import rules
from workers.contract.spec import RunSpec

ROOT = Path(__file__).resolve().parents[2]
NONE_ALLOWED = (
    rules.methods_without_tests,
    rules.tests_without_methods,
    rules.undocumented,
    rules.unknown_letters,
    rules.too_long,
    rules.heavy,
    rules.nameless_rooms,
    rules.broad_excepts,
    rules.named_methods,
    rules.strange_imports,
    rules.plain_means,
)
# A new knob belongs to a method. Whoever adds one here has to say why no method can have it.
RUN_SPEC = {
    "RunSpec": "name model prompts rewards credit objective reduction regularisers extras shaping "
    "selection weighting order companions pool lora served algorithm batch_prompts siblings max_new_tokens "
    "temperature optimiser budget precision devices sharded seed version",
    "Model": "name revision chat",
    "Prompts": "task path dataset heldout_share stock",
    "Extra": "name params weight digest source",
    "Companion": "role model learning_rate value_clip",
    "Pool": "prompts siblings rounds",
    # What becomes of a completion that a reward fails on is a question to the run, whatever the reward.
    "RewardPick": "label name params weight digest source tree on_failure",
    "Node": "kind name params digest source label of",
    "Pick": "kind name params digest source",
    "Optimiser": "learning_rate warmup_steps weight_decay beta1 beta2 clip_norm passes micro_groups decay recompute",
    # Where weights and completions live is no method's business: every method works on either.
    "Lora": "rank alpha targets",
    "Served": "url model key_variable timeout",
    "Budget": "steps eval_every eval_prompts checkpoint_every",
}


@pytest.mark.parametrize("rule", NONE_ALLOWED, ids=lambda rule: rule.__name__)
def test_nothing_breaks(rule: rules.Rule) -> None:
    assert rule(ROOT) == [], rule.__doc__


def test_the_type_checker_is_hardly_ever_switched_off() -> None:
    assert len(rules.ignores(ROOT)) <= rules.MOST_IGNORES, rules.ignores(ROOT)


def test_the_engines_own_list_of_knobs_is_frozen() -> None:
    found = {}
    waiting: list[type] = [RunSpec]
    while waiting:
        record = waiting.pop()
        if record.__name__ in found:  # a tree holds trees
            continue
        found[record.__name__] = " ".join(item.name for item in fields(record))
        for hint in get_type_hints(record).values():
            inner = (hint, *getattr(hint, "__args__", ()))
            waiting += [kind for kind in inner if is_dataclass(kind) and isinstance(kind, type)]
    assert found == RUN_SPEC
