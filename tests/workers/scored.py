"""Texts scored by a reward, with the columns that a test gives."""

from collections.abc import Mapping, Sequence
from typing import Any

from workers.contract.answers import FINISHED, Answers
from workers.engine.load import call, load


def scored(
    name: str,
    texts: Sequence[str],
    *,
    lengths: Sequence[int] | None = None,
    verdicts: Sequence[float | None] = (),
    columns: Mapping[str, Sequence[Any]] | None = None,
    **params: Any,
) -> list[float | None]:
    """The rewards of the texts; a text's length is its number of characters unless `lengths` says otherwise."""
    answers = Answers(
        texts=tuple(texts),
        prompts=("",) * len(texts),
        lengths=tuple(len(text) for text in texts) if lengths is None else tuple(lengths),
        ends=(FINISHED,) * len(texts),
        columns={key: tuple(values) for key, values in (columns or {}).items()},
        verdicts=tuple(verdicts),
    )
    found = call(load("rewards", name), {"answers": answers}, params)
    assert isinstance(found, list)
    return found
