"""Which parts go together: a recipe that makes no sense is refused with the reason and the mend."""

from collections.abc import Iterator
from dataclasses import asdict

from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.method import Method
from workers.contract.picking import method_of, pick_troubles
from workers.contract.spec import Pick, RunSpec

ORDERS = ("weigh first", "credit first")
ROLES = ("critic", "guide")
DECAYS = ("none", "linear", "cosine")
# What a part may ask for that somebody must have put into the run: the role, and why.
OF_COMPANIONS = {
    "value_NT": ("critic", "needs a critic, which learns what each token's state is worth"),
    "guide_pairs": ("guide", "needs a guide: the model of another run that was trained on the same pairs"),
}


def recipe_troubles(spec: RunSpec, catalogue: Catalogue) -> Iterator[Trouble]:
    """What is wrong with the parts of a run, each by itself and together."""
    for path, pick, kind in places(spec):
        yield from pick_troubles(path, pick, kind, catalogue)
    found = [(path, method_of(pick, kind, catalogue)) for path, pick, kind in places(spec)]
    methods = [(path, method) for path, method in found if method is not None]
    yield from _credit(spec, dict(methods))
    yield from _partners(methods)
    yield from _companions(spec, methods)
    yield from _of_groups(spec, methods)
    yield from _offline(spec, methods)
    if spec.order not in ORDERS:
        yield Trouble("order", f"is one of {', '.join(ORDERS)}, not {spec.order!r}", {"order": ORDERS[0]})
    if spec.optimiser.decay not in DECAYS:
        yield Trouble("optimiser.decay", f"is one of {', '.join(DECAYS)}", {"optimiser.decay": DECAYS[0]})


def places(spec: RunSpec) -> Iterator[tuple[str, Pick, str]]:
    """(path in the document, pick, kind that must stand there) of every part of the recipe."""
    for kind in ("selection", "shaping"):
        for index, pick in enumerate(getattr(spec, kind)):
            yield f"{kind}.{index}", pick, kind
    if spec.credit is not None:
        yield "credit", spec.credit, "credit"
    if spec.weighting is not None:
        yield "weighting", spec.weighting, "weighting"
    yield "objective", spec.objective, "preferences" if spec.objective.kind == "preferences" else "objectives"
    for index, extra in enumerate(spec.extras):
        pick = Pick("objectives", extra.name, extra.params, extra.digest, extra.source)
        yield f"extras.{index}", pick, "objectives"
    for index, pick in enumerate(spec.regularisers):
        yield f"regularisers.{index}", pick, "regularisers"
    yield "reduction", spec.reduction, "reductions"


def _credit(spec: RunSpec, methods: dict[str, Method]) -> Iterator[Trouble]:
    """Credit where somebody asks for advantages, and siblings where it compares them."""
    asking = [method.name for method in methods.values() if "advantage_NT" in method.needs]
    objective = methods.get("objective")
    compares = objective is not None and objective.card.unit == "group" and "reward_N" in objective.needs
    if objective is not None and compares and spec.siblings <= 1 and spec.pool is None:
        what = f"{objective.name} compares completions of one prompt; with one there is nothing to compare"
        yield Trouble("siblings", what, {"siblings": 8})
    if spec.credit is None:
        if spec.weighting is not None:
            what = f"{spec.weighting.name} sets what each reward counts in the credit, and this recipe has no credit"
            yield Trouble("weighting", what, {"weighting": None})
        if asking or spec.objective.source:
            what = f"{', '.join(asking) or spec.objective.name} needs advantages, and no credit method makes any"
            yield Trouble("credit", what, {"credit": {"kind": "credit", "name": "grpo"}})
        return
    if objective is not None and not asking:
        what = f"no part of this recipe asks for advantages, so {spec.credit.name} would do nothing"
        yield Trouble("credit", what, {"credit": None})
    method = methods.get("credit")
    if method is not None and spec.order == "credit first" and "value_NT" in method.needs:
        what = f"{method.name} compares with a critic, which learns what the sum of the rewards is worth; credit of"
        yield Trouble("order", f"{what} each reward by itself needs a critic of its own", {"order": "weigh first"})
    if method is not None and spec.siblings <= 1 and spec.pool is None and _compares_siblings(method):
        what = f"{method.name} compares completions of one prompt; with one completion there is nothing to compare"
        yield Trouble("siblings", what, {"siblings": 8})


def _partners(methods: list[tuple[str, Method]]) -> Iterator[Trouble]:
    """Methods that make no sense by themselves."""
    there = {method.address for _, method in methods}
    for path, method in methods:
        if method.card.partners and not there.intersection(method.card.partners):
            known = " or ".join(method.card.partners)
            first = method.card.partners[0].partition("/")
            fix = {"objective": {"kind": first[0], "name": first[2]}} if first[0] == "objectives" else {}
            yield Trouble(path, f"{method.name} does nothing without {known}; add it", fix)


def _compares_siblings(credit: Method) -> bool:
    """Whether a credit method has nothing but its group to judge a completion by: no critic, no wider baseline."""
    if "value_NT" in credit.needs:
        return False
    return not any(departure.promise == "stays in its group" for departure in credit.card.departs)


def _companions(spec: RunSpec, methods: list[tuple[str, Method]]) -> Iterator[Trouble]:
    there = [companion.role for companion in spec.companions]
    known = [asdict(companion) for companion in spec.companions]
    for path, method in methods:
        for need in method.needs:
            role, why = OF_COMPANIONS.get(need, ("", ""))
            if role and role not in there:
                what = f"{method.name} {why}; the run has none: add a companion"
                yield Trouble(path, what, {"companions": [*known, {"role": role}]})
    asked = {OF_COMPANIONS[need][0] for _, method in methods for need in method.needs if need in OF_COMPANIONS}
    for index, companion in enumerate(spec.companions):
        without = {"companions": known[:index] + known[index + 1 :]}
        if companion.role not in ROLES:
            yield Trouble(f"companions.{index}.role", f"is one of {', '.join(ROLES)}, not {companion.role!r}")
        elif there.count(companion.role) > 1:
            yield Trouble(f"companions.{index}.role", f"there is more than one {companion.role}; keep one", without)
        elif companion.role not in asked:
            what = f"no part of the recipe asks for a {companion.role}; take it out"
            yield Trouble(f"companions.{index}", what, without)
        elif companion.role == "guide" and not companion.model.name:
            yield Trouble(
                f"companions.{index}.model",
                "a guide is the model of another run: give `run:` with that run's number, or a directory",
            )


def _of_groups(spec: RunSpec, methods: list[tuple[str, Method]]) -> Iterator[Trouble]:
    """A loss of a whole group sees which completions are left, and no weight of a token."""
    groups = [
        one.name for path, one in methods if path.startswith(("objective", "extras")) and one.card.unit == "group"
    ]
    weighing = [(path, one.name) for path, one in methods if "credited" in one.needs and one.card.unit == "token"]
    for path, name in weighing if groups else ():
        others = [asdict(pick) for pick in spec.selection if pick.name != name]
        what = f"{name} weighs single tokens, and {groups[0]} gives one loss for a whole group; take one of them out"
        yield Trouble(path, what, {"selection": others})


def _offline(spec: RunSpec, methods: list[tuple[str, Method]]) -> Iterator[Trouble]:
    """Preferences learn from a stock of completions, whose pairs are ordered when it is filled; selections ask for new
    ones."""
    pool = spec.pool
    if pool is None:
        if spec.objective.kind == "preferences":
            what = f"{spec.objective.name} learns from pairs or labelled completions, and the run has no stock of them"
            yield Trouble("pool", what, {"pool": {"prompts": 256, "siblings": 4, "rounds": 1}})
        return
    if spec.shaping and spec.objective.kind == "preferences":
        what = "shaping changes rewards when they are credited; the pairs of a stock are ordered before. Take it out"
        yield Trouble("shaping.0", what, {"shaping": []})
    if spec.selection:
        what = "a selection asks for new completions, and this run learns from a stock of them; take one of them out"
        yield Trouble("selection.0", what, {"selection": []})
    if pool.prompts and pool.siblings < 2:
        what = "there is nothing to compare with fewer than two completions of a prompt"
        yield Trouble("pool.siblings", what, {"pool.siblings": 4})
    if pool.prompts < 0 or not 1 <= pool.rounds <= spec.budget.steps:
        yield Trouble("pool.rounds", "a pool has 0 or more prompts, and between one round and one a step")
    if pool.prompts == 0 and pool.rounds > 1:
        yield Trouble("pool.rounds", "stored completions do not change between rounds", {"pool.rounds": 1})
    if pool.prompts == 0 and spec.prompts.task is not None:
        yield Trouble("pool.prompts", "a task stores no completions: sample some", {"pool.prompts": 256})
