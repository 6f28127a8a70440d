"""What saved or half-made rewards, and each part of them, say of a few samples while somebody looks at them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workers.contract.errors import RunError
from workers.contract.rewardnode import INNER, Node
from workers.contract.spec import SpecError
from workers.contract.values import Values
from workers.door.plain import plain
from workers.door.taken import reward_of

if TYPE_CHECKING:
    from workers.contract.answers import Answers

LABEL = "reward"


def judge(
    documents: Sequence[Mapping[str, Any]],
    samples: Sequence[Mapping[str, Any]],
    owner: str = "",
    stored: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Of each reward `{values, faults, notes, error}` on samples {prompt, completion, ...}: the values of every node by
    its path, the sentences of those samples that it failed on and what it says of samples in words, by index, or why it
    could not be asked at all. Functions of the same owner stay warm. A run may have `stored` {lengths, own} of the
    samples: then rewards see its tokens, else letters."""
    # Not before somebody asks: the sweep loads this file too.
    from workers.engine.dryrun.lengths import ruler
    from workers.engine.dryrun.samples import answers_of

    known = {"own": "", "lengths": None, **(stored or {})}
    answers = ruler("", known["own"], known["lengths"]).samples(answers_of(samples))
    return [_judge(document, answers, owner) for document in documents]


def _judge(document: Mapping[str, Any], answers: "Answers", owner: str) -> dict[str, Any]:
    from workers.engine.boundary import boundary
    from workers.engine.judges import make_judge
    from workers.engine.keeping import Keeping

    facilities = Keeping(owner=owner)
    try:
        node = reward_of(document, owner)
        with boundary("reward"):
            values = make_judge(node, LABEL, facilities).judge(answers, 1)
    except (RunError, SpecError) as error:
        return {
            "values": {},
            "faults": {},
            "notes": {},
            "error": error.what if isinstance(error, RunError) else str(error),
        }
    finally:
        facilities.close()
    shown: dict[str, Any] = plain(
        {"values": _by_path(node, values), "faults": values.faults, "notes": values.notes, "error": ""}
    )
    return shown


def _by_path(node: Node, values: Values) -> dict[str, list[float | None]]:
    found = {"": list(values.total)}
    if node.kind == INNER:
        found |= {path: list(values.parts[name]) for path, name in node.labels().items() if path}
    return found
