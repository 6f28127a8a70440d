"""How long completions are: in tokens where a tokenizer cuts them, or a run stored how many they were; in letters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from workers.contract.analysis import WORDS
from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.engine.dryrun.length import length_slope
from workers.engine.dryrun.table import Floats
from workers.engine.recorded import Cutter, make_cutter

WARM = 4  # tokenizers kept in a process
_kept = lru_cache(WARM)(make_cutter)


@dataclass(frozen=True)
class Ruler:
    """Measures completions: `cutter` cuts any text into tokens, `stored` are the samples' own numbers of tokens; either
    may be missing."""

    cutter: Cutter | None = None
    stored: Sequence[int] | None = None

    def measured(self, answers: Answers) -> Answers:
        """The answers with lengths in tokens, as a run has them, where any text can be cut; else as they are."""
        if self.cutter is None:
            return answers
        ids = [tuple(self.cutter(text).ids) for text in answers.texts]
        return replace(answers, lengths=tuple(map(len, ids)), tokens=tuple(ids))

    def samples(self, answers: Answers) -> Answers:
        """The same for the samples, whose lengths a run may have stored."""
        made = self.measured(answers)
        return made if self.cutter is None or self.stored is None else replace(made, lengths=tuple(self.stored))

    def told(self, value_N: Floats, answers: Answers) -> dict[str, Any]:
        """`{length, tokens, counts}`: the slopes over letters and over tokens, and each sample's number of tokens (None
        where those are not known)."""
        letters = [len(text) for text in answers.texts]
        counts = list(answers.lengths) if self.cutter is not None else self.stored
        return {
            "length": length_slope(value_N, letters, answers.prompts, "letters"),
            "tokens": None if counts is None else length_slope(value_N, counts, answers.prompts, "tokens"),
            "counts": None if counts is None else list(counts),
        }

    def pieces(self, text: str) -> list[str] | None:
        """The tokens' parts of a text; None where nobody cuts it."""
        return None if self.cutter is None else self.cutter(text).pieces


def ruler(tokenizer: str, own: str, stored: Sequence[int] | None) -> Ruler:
    """By the tokenizer that is asked for (RunError where it cannot be loaded), else by the samples' `own` where that
    one can be loaded; "" is none."""
    if tokenizer:
        return Ruler(_cutter(tokenizer))
    try:
        return Ruler(_cutter(own) if own else None, stored)
    except RunError:
        return Ruler(None, stored)


def _cutter(name: str) -> Cutter:
    # Words number what they meet: kept, they would grow with every text that anybody tries.
    return make_cutter(name) if name == WORDS else _kept(name)
