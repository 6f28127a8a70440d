"""Reads a user's reward source without running it: what is wrong with it, and how its function wants to be called.

The editor's page marks with it what the sandbox would refuse, so it belongs to the contract.
"""

import ast
import warnings
from copy import copy
from dataclasses import dataclass

from workers.contract import rewardforms as forms
from workers.contract.rewardforms import Form
from workers.contract.rewardmessages import Definition, wants_messages

LONGEST_SOURCE = 200_000  # characters; more is no reward function, and the parser's memory grows with it


@dataclass(frozen=True)
class Mark:
    """Something that keeps a source from being used; line and column count from 1."""

    line: int
    column: int
    message: str


@dataclass(frozen=True)
class Signature:
    """The reward function of a source: its name and line, and what it takes by keyword.

    `required` are the arguments without a default that have to be there (an answer that nothing reads has not);
    `takes_any` says that it has `**kwargs`; `form` is whose way of writing it follows; `messages` says that prompts and
    completions are wanted as lists of messages; `extras` are what it asks for of what is given only when asked for.
    """

    name: str
    line: int
    arguments: tuple[str, ...]
    required: tuple[str, ...]
    takes_any: bool
    is_async: bool
    form: Form = "trl"
    messages: bool = False
    extras: tuple[str, ...] = ()

    def takes(self, name: str) -> bool:
        """Whether this argument can be passed."""
        return self.takes_any or name in self.arguments

    def columns(self) -> tuple[str, ...]:
        """The columns that the prompts must have."""
        given = [name for name in forms.GIVEN[self.form] if name not in forms.ANSWER]
        own = [name for name in self.required if name not in (*given, *forms.NOT_GIVEN)]
        return tuple("answer" if self.form != "trl" and name in forms.ANSWER else name for name in own)


def check(source: str) -> list[Mark]:
    """What must be mended before this source can be used; empty when it can."""
    tree = _tree(source)
    if isinstance(tree, Mark):
        return [tree]
    found = _reward_function(tree)
    if found is None:
        text = (
            "Write a function such as: def reward(prompts, completions, **columns): return [0.0 for _ in completions]"
        )
        return [Mark(1, 1, f"There is no reward function. {text}")]
    return _marks(found)


def signature_of(source: str) -> Signature:
    """How to call the reward function of a source in which `check` finds nothing."""
    tree = _tree(source)
    assert isinstance(tree, ast.Module), "check() comes first"
    found = _reward_function(tree)
    assert found is not None, "check() comes first"
    return _signature(found)


def _tree(source: str) -> ast.Module | Mark:
    if len(source) > LONGEST_SOURCE:
        return Mark(1, 1, f"The source has {len(source):,} characters; {LONGEST_SOURCE:,} are allowed.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
            compile(tree, "reward.py", "exec")  # finds what the parser lets through: `return` outside a function
            return tree
    except SyntaxError as error:
        return Mark(error.lineno or 1, error.offset or 1, str(error.msg))
    except (ValueError, RecursionError, MemoryError) as error:  # null characters; brackets nested without end
        return Mark(1, 1, f"This cannot be read as Python: {error or type(error).__name__}.")


def _reward_function(tree: ast.Module) -> Definition | None:
    """`reward` where there is one, else the first public function of a known form, else the first public. A class that
    can be called, as ms-swift's plugins have, is a function of its name."""
    found = [node if isinstance(node, Definition) else _called(node) for node in tree.body]
    functions = [node for node in found if node is not None]
    public = [node for node in functions if not node.name.startswith("_")]
    named = [node for node in functions if node.name == "reward"]
    # TRL users keep helpers without an underscore above the reward function.
    fitting = [node for node in public if forms.form_of(_arguments(node)) is not None]
    # Python keeps the last of several definitions of one name, so the last is read here too.
    if named:
        return named[-1]
    names = [node.name for node in fitting or public][:1]
    return next((node for node in reversed(public) if node.name in names), None)


def _called(node: ast.stmt) -> Definition | None:
    """The `__call__` of a class as a function with the class's name, without `self`."""
    body = node.body if isinstance(node, ast.ClassDef) else []
    calls = [each for each in body if isinstance(each, Definition) and each.name == "__call__"]
    if not calls or not isinstance(node, ast.ClassDef):
        return None
    made = copy(calls[-1])
    made.name, made.args = node.name, copy(made.args)
    if made.args.posonlyargs:
        made.args.posonlyargs = made.args.posonlyargs[1:]
    else:
        made.args.args = made.args.args[1:]
    return made


def _arguments(node: Definition) -> tuple[str, ...]:
    return tuple(each.arg for each in [*node.args.args, *node.args.kwonlyargs])


def _signature(node: Definition) -> Signature:
    plain, keyword, arguments = node.args.args, node.args.kwonlyargs, _arguments(node)
    bare = plain[: len(plain) - len(node.args.defaults)]
    bare += [each for each, default in zip(keyword, node.args.kw_defaults, strict=True) if default is None]
    form: Form = forms.form_of(arguments) or "trl"
    takes_any = node.args.kwarg is not None
    body = ast.Module(node.body, [])
    # Both forms name the right answer in every function, also where it is not looked at.
    idle = () if form == "trl" else tuple(name for name in forms.ANSWER if not forms.reads(body, name))
    wanted = ("completion_ids", *forms.HELPERS)
    return Signature(
        node.name,
        node.lineno,
        arguments,
        tuple(each.arg for each in bare if each.arg not in idle),
        takes_any,
        isinstance(node, ast.AsyncFunctionDef),
        form,
        form == "trl" and wants_messages(node),
        tuple(name for name in wanted if name in arguments or (takes_any and forms.reads(body, name))),
    )


def _marks(node: Definition) -> list[Mark]:
    signature = _signature(node)
    line, column = node.lineno, node.col_offset + 1
    marks = []
    if node.args.posonlyargs:
        marks.append(Mark(line, column, f"{node.name} is called by keyword; take the `/` out of its arguments."))
    elif not signature.takes(forms.KEY[signature.form]):
        ways = "; ".join(forms.EXAMPLES[form] for form in forms.FORMS)
        marks.append(Mark(line, column, f"{node.name} must take `completions` (a list of texts). Known are: {ways}."))
    for name in forms.NOT_GIVEN:
        if name in signature.required:
            marks.append(Mark(line, column, f"`{name}` is not given here; give it the default None, or leave it out."))
    return marks
