"""Texts scored by a reward, with the columns that a test gives."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from workers.contract.answers import FINISHED, Answers
from workers.contract.values import Values, as_values
from workers.engine.load import call, load
from workers.engine.tensors import Progress


def scored(name: str, texts: Sequence[str], **given: Any) -> list[float | None]:
    """The rewards of the texts; see `judged`."""
    return list(judged(name, texts, **given).total)


def judged(
    name: str,
    texts: Sequence[str],
    *,
    lengths: Sequence[int] | None = None,
    verdicts: Sequence[float | None] = (),
    columns: Mapping[str, Sequence[Any]] | None = None,
    groups: Sequence[int] | None = None,
    progress: Progress = Progress(1, 10),  # noqa: B008 - a frozen record
    generator: torch.Generator | None = None,
    **params: Any,
) -> Values:
    """All that a reward says of the texts; a text's length is its number of characters unless `lengths` says otherwise,
    and all are one group unless `groups` says more."""
    answers = Answers(
        texts=tuple(texts),
        prompts=("",) * len(texts),
        lengths=tuple(len(text) for text in texts) if lengths is None else tuple(lengths),
        ends=(FINISHED,) * len(texts),
        columns={key: tuple(values) for key, values in (columns or {}).items()},
        verdicts=tuple(verdicts),
    )
    numbers = tuple(groups) if groups is not None else (0,) * len(texts)
    source = torch.Generator().manual_seed(0) if generator is None else generator
    supplied = {"answers": answers, "groups": numbers, "progress": progress, "generator": source}
    return as_values(call(load("rewards", name), supplied, params))
