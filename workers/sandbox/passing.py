"""What a reward function is passed, in the words of the form in which it is written."""

from collections.abc import Callable, Sequence
from typing import Any

from workers.contract.answers import Answers
from workers.contract.rewardcode import Signature
from workers.contract.rewardforms import HELPERS

Columns = dict[str, Sequence[Any] | None]


def request(signature: Signature, answers: Answers, step: int, steps: int) -> dict[str, Any]:
    """The message with one call for all answers; `step` of `steps` is made (0: before the first).

    ValueError when the function asks for a column that the answers do not have.
    """
    own = _FORMS[signature.form](signature, answers)
    named = {name: own[name] if name in own else answers.column(name) for name in _needed(signature, own)}
    given: Columns = {**answers.columns, **own, **named}
    return {
        "arguments": {
            name: values if values is None else list(values)
            for name, values in given.items()
            if _passed(signature, name)
        },
        "each": len(answers.texts) if signature.form == "verl" else None,
        "helpers": [name for name in signature.extras if name in HELPERS],
        "state": {"global_step": max(0, step - 1), "max_steps": steps},
    }


def _needed(signature: Signature, own: Columns) -> list[str]:
    return [name for name in signature.required if name not in HELPERS or name in own]


def _passed(signature: Signature, name: str) -> bool:
    if name in HELPERS and name in signature.extras:
        return False  # made inside
    # verl gives `**kw` what its configuration says, not the columns: those are in `extra_info`.
    return name in signature.arguments if signature.form == "verl" else signature.takes(name)


def _trl(signature: Signature, answers: Answers) -> Columns:
    prompts: Sequence[Any] = answers.prompts
    completions: Sequence[Any] = answers.texts
    if signature.messages:
        prompts = [[{"role": "user", "content": text}] for text in answers.prompts]
        completions = [[{"role": "assistant", "content": text}] for text in answers.texts]
    found: Columns = {"prompts": prompts, "completions": completions}
    if "completion_ids" in signature.extras and "completion_ids" not in answers.columns:
        found["completion_ids"] = answers.tokens or None  # where completions are not cut into tokens
    return found


def _verl(signature: Signature, answers: Answers) -> Columns:
    none = (None,) * len(answers.texts)
    columns = answers.columns
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)] or [{} for _ in none]
    return {
        "data_source": columns.get("data_source", ("",) * len(none)),
        "solution_str": answers.texts,
        "ground_truth": _answer(signature, answers, "ground_truth"),
        "extra_info": columns.get("extra_info", rows),
    }


def _openrlhf(signature: Signature, answers: Answers) -> Columns:
    whole = [prompt + text for prompt, text in zip(answers.prompts, answers.texts, strict=True)]
    return {"queries": whole, "prompts": answers.prompts, "labels": _answer(signature, answers, "labels")}


def _answer(signature: Signature, answers: Answers, name: str) -> Sequence[Any]:
    """The column of that name, else the reference answers; nothing where the function does not look at it."""
    if name in answers.columns:
        return answers.columns[name]
    if name not in signature.required and "answer" not in answers.columns:
        return (None,) * len(answers.texts)
    return answers.column("answer")


_FORMS: dict[str, Callable[[Signature, Answers], Columns]] = {"trl": _trl, "verl": _verl, "openrlhf": _openrlhf}
