"""Samples as a page sends them, as answers that a reward can score."""

from collections.abc import Mapping, Sequence
from typing import Any

from workers.contract.answers import FINISHED, Answers

MOST = 200
OWN = ("prompt", "completion", "label")  # of a sample's keys those that are no column


def answers_of(samples: Sequence[Mapping[str, Any]]) -> Answers:
    """`samples` {prompt, completion, label?, columns...}; the keys that a sample lacks are None. Labels are what a
    verifier would have said, and no column: a reward that could read them would agree with them. Lengths are letters;
    `lengths.py` measures anew where tokens are known.
    """
    texts = tuple(str(sample["completion"]) for sample in samples)
    names = sorted({name for sample in samples for name in sample if name not in OWN})
    labels = labels_of(samples)
    return Answers(
        texts=texts,
        prompts=tuple(str(sample.get("prompt", "")) for sample in samples),
        lengths=tuple(map(len, texts)),
        ends=(FINISHED,) * len(texts),
        columns={name: tuple(sample.get(name) for sample in samples) for name in names},
        verdicts=tuple(labels) if any(label is not None for label in labels) else (),
    )


def labels_of(samples: Sequence[Mapping[str, Any]]) -> list[float | None]:
    """What was judged of each sample, 1 right and 0 wrong; None where nobody judged, or not by a number."""
    found = [sample.get("label") for sample in samples]
    return [float(label) if isinstance(label, int | float) else None for label in found]
