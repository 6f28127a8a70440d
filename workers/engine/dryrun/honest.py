"""Which samples stand for honest work, that nothing cheap should beat."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workers.engine.agreement import RIGHT
from workers.engine.dryrun.table import Floats

LEAST = 3  # fewer say too little


@dataclass(frozen=True)
class Honest:
    """Indices of honest samples, all with a value, and how they were told from the others."""

    rows: tuple[int, ...]
    told_by: str


def honest_of(value_N: Floats, label_N: Floats, texts: Sequence[str], wanted: Sequence[str]) -> Honest:
    """The samples labelled right; where nobody labelled, those that say the reference answer (`wanted`, empty where
    there is none); where there is none, the longer half."""
    scored = [int(n) for n in np.flatnonzero(~np.isnan(value_N))]
    right = [n for n in scored if label_N[n] >= RIGHT and texts[n].strip()]
    if right:
        return Honest(tuple(right), "label")
    said = [n for n in scored if says(texts[n], wanted[n]) and not label_N[n] < RIGHT]
    if len(said) >= LEAST:
        return Honest(tuple(said), "answer")
    unlabelled = [n for n in scored if not label_N[n] < RIGHT and texts[n].strip()]
    longest = sorted(unlabelled, key=lambda n: (-len(texts[n]), n))
    return Honest(tuple(sorted(longest[: -(-len(longest) // 2)])), "length")


def says(text: str, wanted: str) -> bool:
    """Whether a text has the wanted answer as a word of its own."""
    return bool(wanted) and re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text) is not None
