"""The ways in which the field writes reward functions, told apart by their arguments.

`trl` (also ms-swift, whose plugins are classes that are called so) takes a batch as `prompts` and `completions`;
`verl` is called for each sample with its `solution_str`; `openrlhf` takes a batch as `queries` (each a prompt with its
completion).
"""

import ast
from typing import Literal

Form = Literal["trl", "verl", "openrlhf"]
FORMS: tuple[Form, ...] = ("trl", "verl", "openrlhf")
KEY: dict[Form, str] = {"trl": "completions", "verl": "solution_str", "openrlhf": "queries"}
# What each form is given beside the columns of the prompts.
GIVEN: dict[Form, tuple[str, ...]] = {
    "trl": ("prompts", "completions", "completion_ids", "trainer_state", "log_extra", "log_metric"),
    "verl": ("data_source", "solution_str", "ground_truth", "extra_info"),
    "openrlhf": ("queries", "prompts", "labels"),
}
ANSWER = ("ground_truth", "labels")  # what verl and OpenRLHF call the column `answer`
HELPERS = ("trainer_state", "log_extra", "log_metric")  # objects that are made where the function runs
NOT_GIVEN = ("reward_router_address", "reward_model_tokenizer")  # of verl: there is no second model in the sandbox
EXAMPLES: dict[Form, str] = {
    "trl": "def reward(prompts, completions, answer, **columns)",
    "verl": "def compute_score(data_source, solution_str, ground_truth, extra_info=None)",
    "openrlhf": "def reward_func(queries, prompts, labels)",
}


def form_of(arguments: tuple[str, ...]) -> Form | None:
    """The form whose own argument is among these; None where none is."""
    return next((form for form in FORMS if KEY[form] in arguments), None)


def reads(node: ast.AST, name: str) -> bool:
    """Whether code looks at the argument `name`, or at the key of that name in what it is given beyond."""
    return any(
        (isinstance(each, ast.Name) and each.id == name) or (isinstance(each, ast.Constant) and each.value == name)
        for each in ast.walk(node)
    )
