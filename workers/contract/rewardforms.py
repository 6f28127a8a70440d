"""The ways in which the field writes reward functions, told apart by their arguments.

`trl` (also ms-swift, whose plugins are classes that are called so) takes a batch as `prompts` and `completions`;
`verl` is called for each sample with its `solution_str`; `openrlhf` takes a batch as `queries` (each a prompt with its
completion).
"""

import ast
import re
from collections.abc import Iterator
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
Definition = ast.FunctionDef | ast.AsyncFunctionDef


def form_of(arguments: tuple[str, ...]) -> Form | None:
    """The form whose own argument is among these; None where none is."""
    return next((form for form in FORMS if KEY[form] in arguments), None)


def reads(node: ast.AST, name: str) -> bool:
    """Whether code looks at the argument `name`, or at the key of that name in what it is given beyond."""
    return any(
        (isinstance(each, ast.Name) and each.id == name) or (isinstance(each, ast.Constant) and each.value == name)
        for each in ast.walk(node)
    )


def wants_messages(node: Definition) -> bool:
    """Whether a function takes prompts and completions as lists of messages {role, content}, not as texts: it says so
    in an argument's type, or reads `completion[0]["content"]` of a completion."""
    arguments = [*node.args.args, *node.args.kwonlyargs]
    for each in arguments:
        if each.arg in ("prompts", "completions") and each.annotation is not None:
            written = ast.unparse(each.annotation)
            if re.search(r"[Dd]ict|Mapping|Message", written):
                return not re.search(r"[Ll]ist\[str\]|Sequence\[str\]", written)
    singles = {name for target, source in _loops(node) for name in _bound(target, source)}
    return any(_is_content(each, singles) for each in ast.walk(node))


def _loops(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each target of a loop, a comprehension or an assignment, with what it runs over or is taken from."""
    for each in ast.walk(node):
        if isinstance(each, ast.For | ast.AsyncFor | ast.comprehension):
            yield each.target, each.iter
        elif isinstance(each, ast.Assign) and isinstance(each.value, ast.Subscript):
            yield each.targets[0], each.value.value


def _bound(target: ast.expr, source: ast.expr) -> Iterator[str]:
    """The names that stand for one prompt or completion while `target` runs over `source`."""
    if isinstance(source, ast.Name) and source.id in ("prompts", "completions") and isinstance(target, ast.Name):
        yield target.id
    if isinstance(source, ast.Call) and isinstance(source.func, ast.Name) and isinstance(target, ast.Tuple):
        places = target.elts[1:] if source.func.id == "enumerate" else target.elts if source.func.id == "zip" else []
        for place, part in zip(places, source.args, strict=False):
            yield from _bound(place, part)


def _is_content(node: ast.AST, singles: set[str]) -> bool:
    """Whether this is `one[0]["content"]` or `one[0].get("content")` of a prompt or completion `one`."""
    if isinstance(node, ast.Subscript):
        message, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        message, key = node.func.value, node.args[0]
    else:
        return False
    if not (isinstance(key, ast.Constant) and key.value == "content" and isinstance(message, ast.Subscript)):
        return False
    one = message.value
    if isinstance(one, ast.Subscript):  # completions[i][0]["content"]
        return isinstance(one.value, ast.Name) and one.value.id in ("prompts", "completions")
    return isinstance(one, ast.Name) and one.id in singles
