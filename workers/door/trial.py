"""A user's reward function, tried on a few samples in the sandbox before anything is saved or trained with it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workers.contract.answers import FINISHED, Answers
from workers.door.plain import plain

if TYPE_CHECKING:
    from workers.sandbox import SandboxFault

GIVEN = ("prompt", "completion")
SECONDS = 5.0  # for all samples; somebody waits, and the worker has others to serve


def try_reward(source: str, samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`{values, components, faults, output, seconds, unavailable}` of `source` on samples {prompt, completion, ...}.

    Further keys of a sample are its columns. A fault is {kind, sentence, sample, line, trace}; `unavailable` says why
    and what to do where the sandbox has no walls, else it is null.
    """
    # Not before somebody tries: the sweep loads this file too.
    from workers.sandbox import SandboxFault, SandboxUnavailable, Scorer

    nothing: dict[str, Any] = {"values": [None] * len(samples), "components": {}, "faults": [], "output": "",
                               "seconds": 0.0, "unavailable": None}  # fmt: skip
    try:
        with Scorer(source) as scorer:
            scores = scorer.score(answers_of(samples), SECONDS)
    except SandboxUnavailable as error:
        return {**nothing, "unavailable": error.sentence()}
    except SandboxFault as fault:  # the source cannot be used, or fails before it sees a sample
        return {**nothing, "faults": [_fault(fault)]}
    except ValueError as error:  # it asks for a column that the samples do not have
        return {**nothing, "faults": [{"kind": "wrong_columns", "sentence": str(error), "sample": None, "line": None,
                                       "trace": ""}]}  # fmt: skip
    found = {name: getattr(scores, name) for name in ("values", "components", "output", "seconds")}
    tried: dict[str, Any] = plain({**nothing, **found, "faults": [_fault(one) for one in scores.faults]})
    return tried


def _fault(one: "SandboxFault") -> dict[str, Any]:
    return {"kind": one.kind, "sentence": one.what, "sample": one.sample_index, "line": one.user_line,
            "trace": one.traceback_text}  # fmt: skip


def answers_of(samples: Sequence[Mapping[str, Any]]) -> Answers:
    """Samples {prompt, completion, ...} as finished completions; further keys are their columns."""
    texts = tuple(str(sample["completion"]) for sample in samples)
    names = sorted({name for sample in samples for name in sample if name not in GIVEN})
    return Answers(
        texts=texts,
        prompts=tuple(str(sample["prompt"]) for sample in samples),
        lengths=tuple(len(text) for text in texts),
        ends=(FINISHED,) * len(texts),
        columns={name: tuple(sample.get(name) for sample in samples) for name in names},
    )
