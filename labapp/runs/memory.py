"""How much memory a run will want, estimated from the model's files and the sizes in the form."""

import os
from dataclasses import dataclass, field
from typing import Any

from labapp.runs.modelfiles import ModelFacts
from workers.contract.catalogue import Catalogue
from workers.contract.spec import RunSpec

NUMBER = 4  # bytes of a float32; weights, gradients and AdamW's two means are kept in it
STATE = 4  # weights, gradients, two means
KEPT = 16  # hidden-sized numbers a layer keeps per token until the backward pass, counted over a Llama's layer
LOGITS = 3  # logits, their log-softmax, its gradient
USUAL_PROMPT = 64  # tokens, where nothing better is known


@dataclass(frozen=True)
class Estimate:
    """Bytes by part, what this machine has, and a fix when the parts exceed it (the worker may run elsewhere)."""

    parts: dict[str, int]
    there: int | None
    fix: dict[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Bytes in all."""
        return sum(self.parts.values())

    @property
    def tight(self) -> bool:
        """Whether it is more than this machine has."""
        return self.there is not None and self.total > self.there


def estimate(spec: RunSpec, model: ModelFacts, catalogue: Catalogue, there: int | None = None) -> Estimate:
    """The memory of one step at its fullest; `there` is what the machine has, asked from the system when not given."""
    have = _physical() if there is None else there
    plain = Estimate(_parts(spec, model, catalogue, _micro(spec)), have)
    if not plain.tight:
        return plain
    fitting = (
        groups
        for groups in range(_micro(spec), 0, -1)
        if spec.batch_prompts % groups == 0 and not Estimate(_parts(spec, model, catalogue, groups), have).tight
    )
    groups = next(fitting, None)
    return plain if groups is None else Estimate(plain.parts, have, {"optimiser.micro_groups": groups})


def _micro(spec: RunSpec) -> int:
    groups = spec.optimiser.micro_groups
    return groups if 0 < groups <= spec.batch_prompts else max(1, spec.batch_prompts)


def _parts(spec: RunSpec, model: ModelFacts, catalogue: Catalogue, groups: int) -> dict[str, int]:
    positions = USUAL_PROMPT + spec.max_new_tokens
    if model.longest is not None:
        positions = min(positions, model.longest)
    rows, micro = spec.batch_prompts * spec.siblings, groups * spec.siblings
    parts = {"weights and optimiser": model.weights * NUMBER * STATE}
    if _has_reference(spec, catalogue):
        parts["reference model"] = model.weights * NUMBER
    parts["cache while sampling"] = 2 * rows * positions * model.layers * model.kv_width * NUMBER
    kept = KEPT * model.layers * model.hidden + LOGITS * model.vocabulary
    parts["one micro-batch"] = micro * positions * kept * NUMBER
    return parts


def _has_reference(spec: RunSpec, catalogue: Catalogue) -> bool:
    found = (catalogue.methods.get(f"{pick.kind}/{pick.name}") for pick in spec.picks())
    return any(method is not None and "ref_logp_NT" in method.needs for method in found)


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
