"""How much memory a run will want, estimated from the model's files and the sizes in the form."""

import os
from dataclasses import dataclass, field, replace
from typing import Any

from workers.contract import memory
from workers.contract.catalogue import Catalogue
from workers.contract.memory import Sizes
from workers.contract.picking import method_of
from workers.contract.recipes import places
from workers.contract.spec import RunSpec

USUAL_PROMPT = 64  # tokens, where nothing better is known
# What methods ask for that is read from a copy of the model as it was at step 0, and from that of the round's start.
OF_REFERENCE = {"ref_logp_NT", "ref_pairs", "ref_labelled", "kl", "ref_values"}
OF_PREVIOUS = {"previous_pairs"}


@dataclass(frozen=True)
class Estimate:
    """Bytes on one device by part, what this machine has, and a fix when the parts of all `devices` exceed it (the
    worker may run elsewhere). Where there are no accelerators every device is a process in this machine's memory."""

    parts: dict[str, int]
    there: int | None
    fix: dict[str, Any] = field(default_factory=dict)
    devices: int = 1

    @property
    def each(self) -> int:
        """Bytes on one device."""
        return sum(self.parts.values())

    @property
    def total(self) -> int:
        """Bytes in all."""
        return self.devices * self.each

    @property
    def tight(self) -> bool:
        """Whether it is more than this machine has."""
        return self.there is not None and self.total > self.there


def estimate(spec: RunSpec, sizes: Sizes, catalogue: Catalogue, there: int | None = None) -> Estimate:
    """The memory of one step at its fullest; `there` is what the machine has, asked from the system when not given."""
    have = _physical() if there is None else there

    def with_groups(groups: int) -> Estimate:
        return Estimate(_parts(spec, sizes, catalogue, groups), have, devices=max(1, spec.devices))

    most = _micro(spec)
    plain = with_groups(most)
    if not plain.tight:
        return plain
    fitting = (n for n in range(most, 0, -1) if spec.batch_prompts % n == 0 and not with_groups(n).tight)
    groups = next(fitting, None)
    return plain if groups is None else replace(plain, fix={"optimiser.micro_groups": groups})


def _micro(spec: RunSpec) -> int:
    """The most groups that one device holds at once: of its share of the step, where nothing smaller is asked for."""
    groups, share = spec.optimiser.micro_groups, max(1, -(-spec.batch_prompts // max(1, spec.devices)))
    return groups if 0 < groups <= share else share


def _parts(spec: RunSpec, sizes: Sizes, catalogue: Catalogue, groups: int) -> dict[str, int]:
    """Bytes by part, without those of which there are none; sampling and learning take turns, so the larger counts."""
    micro = replace(spec, devices=max(1, spec.devices), optimiser=replace(spec.optimiser, micro_groups=groups))
    frozen, critics = copies(spec, catalogue)
    found = memory.estimate(sizes, micro, USUAL_PROMPT, references=frozen, critics=critics)
    fullest = "sampling" if found["sampling"] > found["learning"] else "learning"
    parts = {
        "weights and optimiser": found["weights"] + found["gradients"] + found["optimiser"],
        "frozen models": found["references"],
        "critic and its optimiser": found["critics"],
        fullest: found[fullest],
    }
    return {name: count for name, count in parts.items() if count}


def copies(spec: RunSpec, catalogue: Catalogue) -> tuple[int, int]:
    """(frozen models, critics) that the run holds beside its policy: the reference, the policy of the round's start, a
    guide of about its size; a critic learns, with an optimiser of its own."""
    methods = (method_of(pick, kind, catalogue) for _, pick, kind in places(spec))
    asked = {need for method in methods if method is not None for need in method.needs}
    roles = [companion.role for companion in spec.companions]
    frozen = bool(asked & OF_REFERENCE) + bool(asked & OF_PREVIOUS) + roles.count("guide")
    return frozen, roles.count("critic")


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
