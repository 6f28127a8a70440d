"""A user's reward function, tried on a few samples in the sandbox before anything is saved or trained with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from workers.contract.answers import FINISHED, Answers
from workers.door.plain import plain

GIVEN = ("prompt", "completion")


def try_reward(source: str, samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`{values, components, faults, output, seconds, unavailable}` of `source` on samples {prompt, completion, ...}.

    Further keys of a sample are its columns. A fault is {kind, sentence, sample, line, trace}; `unavailable` says why
    and what to do where the sandbox has no walls, else it is null.
    """
    from workers.sandbox import SandboxUnavailable, Scorer  # not before somebody tries: the sweep loads this too

    try:
        with Scorer(source) as scorer:
            scores = scorer.score(_answers(samples))
    except SandboxUnavailable as error:
        nothing: dict[str, Any] = {"values": [None] * len(samples), "components": {}, "faults": [], "output": ""}
        return {**nothing, "seconds": 0.0, "unavailable": error.sentence()}
    faults = [
        {"kind": one.kind, "sentence": one.what, "sample": one.sample_index, "line": one.user_line,
         "trace": one.traceback_text}
        for one in scores.faults
    ]  # fmt: skip
    found = {name: getattr(scores, name) for name in ("values", "components", "output", "seconds")}
    tried: dict[str, Any] = plain({**found, "faults": faults, "unavailable": None})
    return tried


def _answers(samples: Sequence[Mapping[str, Any]]) -> Answers:
    texts = tuple(str(sample["completion"]) for sample in samples)
    names = sorted({name for sample in samples for name in sample if name not in GIVEN})
    return Answers(
        texts=texts,
        prompts=tuple(str(sample["prompt"]) for sample in samples),
        lengths=tuple(len(text) for text in texts),
        ends=(FINISHED,) * len(texts),
        columns={name: tuple(sample.get(name) for sample in samples) for name in names},
    )
