"""Rows of a batch as the pairs or labelled completions that preference losses take."""

from torch import Tensor

from workers.engine.batch import Batch
from workers.engine.recipe import Part
from workers.engine.stock import BAD, GOOD
from workers.engine.tensors import Labelled, Pairs, Pass


def preference_loss(method: Part, part: Batch, now: Pass) -> Tensor:
    """A preference method's losses over a micro-batch, (E,)."""
    streams, mask_NT = part.rollouts.streams, part.rollouts.mask_NT

    def of(name: str) -> Pass | None:
        return Pass(streams[name], mask_NT) if name in streams else None

    reference = of("ref_logp")
    if method.asks("labelled"):
        good_N = part.tag_N == GOOD
        ref = None if reference is None else Labelled(reference, good_N)
        made: Tensor = method(labelled=Labelled(now, good_N), ref_labelled=ref, kl=part.kl)
        return made
    others = {"ref_pairs": reference, "previous_pairs": of("previous_logp"), "guide_pairs": of("guide_logp")}
    supplied = {name: None if one is None else pairs_of(one, part) for name, one in others.items()}
    made = method(pairs=pairs_of(now, part), **supplied)
    return made


def pairs_of(one: Pass, part: Batch) -> Pairs:
    """What one model says of both sides, in the order of the pairs' numbers."""
    order_N = part.rollouts.group_N.argsort(stable=True)
    good_E, bad_E = (order_N[part.tag_N[order_N] == side] for side in (GOOD, BAD))
    return Pairs(Pass(one.logp_NT[good_E], one.mask_NT[good_E]), Pass(one.logp_NT[bad_E], one.mask_NT[bad_E]))
