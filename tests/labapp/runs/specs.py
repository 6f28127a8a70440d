"""Runs for tests, drawn from the catalogue: every method may appear, with any parameters within its limits."""

from typing import Any

from hypothesis import strategies as st

from labapp import shelf
from labapp.workshop.forms import FIXED, differing
from workers.contract.card import Choice, Flag, Limit, Real, Text, Whole
from workers.contract.checking import PRECISIONS
from workers.contract.limits import problem_with
from workers.contract.method import Method
from workers.contract.recipes import DECAYS, ORDERS, ROLES
from workers.contract.resources import Lora, Served
from workers.contract.spec import (
    Budget,
    Companion,
    Extra,
    Model,
    Optimiser,
    Pick,
    Pool,
    Prompts,
    RewardPick,
    RunSpec,
)

# Browsers send line breaks as two characters, so a form cannot tell them apart; surrogates are no text at all.
WORDS = st.text(
    st.characters(exclude_characters="\r\x00", categories=("L", "M", "N", "P", "S", "Z", "Cc")), max_size=20
)
LABELS = WORDS.filter(bool)
POSITIVE = st.floats(1e-12, 1e6)
COUNTS = st.integers(1, 10_000)


def values(limit: Limit) -> st.SearchStrategy[object]:
    """Values that `limit` allows."""
    if isinstance(limit, Flag):
        return st.booleans()
    if isinstance(limit, Choice):
        return st.sampled_from(limit.options)
    if isinstance(limit, Text):
        return WORDS.map(lambda text: text[: limit.longest])
    if isinstance(limit, Whole):
        return st.integers(limit.low, limit.high)
    assert isinstance(limit, Real)
    return st.floats(limit.low, limit.high, allow_nan=False, allow_infinity=False)


@st.composite
def picks(draw: st.DrawFn, kind: str) -> Pick:
    """A pick of any method of the kind, holding what differs from its defaults."""
    method = draw(st.sampled_from(shelf.catalogue().of(kind)))
    return Pick(kind, method.name, draw(params(method)), draw(st.sampled_from(["", method.digest, "0123456789ab"])))


@st.composite
def params(draw: st.DrawFn, method: Method) -> dict[str, object]:
    """Parameters of the method that its limits allow, without those at their defaults."""
    drawn = {one.name: draw(values(one.limit)) for one in method.params if draw(st.booleans())}
    for one in method.params:
        if isinstance(one.limit, Real) and method.kind not in FIXED and draw(st.integers(0, 4)) == 0:
            ends = values(one.limit)
            drawn[one.name] = {"start": draw(ends), "end": draw(ends), "share": draw(st.floats(0, 1))}
    allowed = {one.name: drawn[one.name] for one in method.params if one.name in drawn}
    right = {one.name for one in method.params if one.name in allowed and problem_with(one, allowed[one.name]) is None}
    return differing(method, {name: value for name, value in allowed.items() if name in right})


CODE = "def reward(completions):\n    # é\n    return [0.0 for _ in completions]\n"


@st.composite
def rewards(draw: st.DrawFn) -> RewardPick:
    """A reward of the library or a team's code."""
    label, weight = draw(LABELS), draw(st.floats(-1e6, 1e6))
    if draw(st.booleans()):
        source = draw(st.sampled_from([CODE, CODE + "\n\n", " " + CODE, "\t" + CODE, "\n" + CODE]) | LABELS)
        reference = f"code:{draw(COUNTS)}@{draw(COUNTS)}"
        return RewardPick(label, reference, draw(st.sampled_from([{}, {"a": [1, None]}])), weight, "", source)
    pick = draw(picks("rewards"))
    return RewardPick(label, pick.name, pick.params, weight, pick.digest)


@st.composite
def prompts(draw: st.DrawFn) -> Prompts:
    """A task, a data set, or a file."""
    share, stock = draw(st.floats(0.01, 0.99)), draw(st.sampled_from([0, 96]))
    place = draw(st.sampled_from(["task", "dataset", "path"]))
    if place == "task":
        return Prompts(task=draw(picks("tasks")), heldout_share=share, stock=stock)
    return (
        Prompts(dataset="3@1", heldout_share=share)
        if place == "dataset"
        else Prompts(path="/a b.jsonl", heldout_share=share)
    )


FORMULAS = st.sampled_from(["r - mean(r, group)", "r\n  - mean(r, group)", "what <b>nobody</b> can read"])


@st.composite
def formulas(draw: st.DrawFn, kind: str) -> Pick:
    """A part that somebody wrote as a formula."""
    given = draw(st.sampled_from([{}, {"a": [1, None]}]))
    return Pick(kind, draw(st.sampled_from(["formula", "formula:3@1", "mine"])), given, "", draw(FORMULAS))


@st.composite
def extras(draw: st.DrawFn) -> Extra:
    """A further objective, or a formula."""
    one = draw(picks("objectives") | formulas("objectives"))
    return Extra(one.name, one.params, draw(st.floats(-1e6, 1e6)), one.digest, one.source)


@st.composite
def companions(draw: st.DrawFn) -> Companion:
    """A further model."""
    model = Model(
        draw(st.sampled_from(["", "starter", "starter-skills", "a/b", "/m/n"])),
        draw(st.sampled_from(["", "main"])),
        draw(st.booleans()),
    )
    return Companion(draw(st.sampled_from(ROLES)), model, draw(POSITIVE), draw(st.floats(0, 10)))


def several(kind: str) -> st.SearchStrategy[tuple[Pick, ...]]:
    """Up to three methods of a kind; none while the catalogue has none."""
    known = bool(shelf.catalogue().of(kind))
    return st.lists(picks(kind), max_size=3).map(tuple) if known else st.just(())


@st.composite
def recipes(draw: st.DrawFn) -> dict[str, Any]:
    """The fields of a run that are its recipe, in any combination."""
    objective = picks("objectives") | formulas("objectives")
    return {
        "credit": draw(st.none() | picks("credit") | formulas("credit")),
        "objective": draw(objective | picks("preferences") if shelf.catalogue().of("preferences") else objective),
        "reduction": draw(picks("reductions")),
        "regularisers": draw(several("regularisers")),
        "selection": draw(several("selection")),
        "shaping": draw(several("shaping")),
        "weighting": draw(st.none() | picks("weighting")),
        "extras": tuple(draw(st.lists(extras(), max_size=2))),
        "companions": tuple(draw(st.lists(companions(), max_size=3))),
        "pool": draw(st.none() | st.builds(Pool, st.integers(0, 999), COUNTS, COUNTS)),
        "order": draw(st.sampled_from(ORDERS)),
        "algorithm": draw(st.sampled_from(["", "3@1"])),
    }


KEYS = st.sampled_from(["", "MERIT_KEY_A"])


@st.composite
def specs(draw: st.DrawFn) -> RunSpec:
    """Any run that the new-run page can show."""
    places = ["starter", "starter-skills", "Qwen/Qwen2.5-0.5B", "gpt2", "/models/mine", "./mine", "~/mine", "a/b/c"]
    name = draw(st.sampled_from([*places, "run:1"]))
    return RunSpec(
        name=draw(LABELS),
        model=Model(name, draw(st.sampled_from(["", "main"])), draw(st.booleans())),
        prompts=draw(prompts()),
        rewards=tuple(draw(st.lists(rewards(), max_size=12))),
        **draw(recipes()),
        batch_prompts=draw(COUNTS),
        siblings=draw(COUNTS),
        max_new_tokens=draw(COUNTS),
        temperature=draw(POSITIVE),
        optimiser=Optimiser(
            draw(POSITIVE),
            draw(COUNTS),
            draw(POSITIVE),
            draw(st.floats(0, 0.9)),
            0.99,
            draw(POSITIVE),
            draw(COUNTS),
            0,
            draw(st.sampled_from(DECAYS)),
            draw(st.booleans()),
        ),
        lora=draw(st.none() | st.builds(Lora, COUNTS, COUNTS, st.sampled_from(["", "q_proj, v_proj"]))),
        served=draw(st.none() | st.builds(Served, st.just("http://a:1/v1"), st.just("m"), KEYS, POSITIVE)),
        budget=Budget(draw(COUNTS), 0, draw(COUNTS), draw(COUNTS)),
        precision=draw(st.sampled_from(PRECISIONS)),
        devices=draw(COUNTS),
        sharded=draw(st.booleans()),
        seed=draw(st.integers(0, 2**40)),
    )
