"""The engine's own settings as form fields: path in the document, limit, words and default. Methods bring their own."""

from dataclasses import fields

from workers.contract.addresses import KEY_PREFIX
from workers.contract.card import Choice, Flag, Limit, Real, Text, Whole
from workers.contract.checking import FAILURES, PRECISIONS
from workers.contract.limits import Param
from workers.contract.recipes import DECAYS, ORDERS, ROLES
from workers.contract.resources import Lora, Served
from workers.contract.spec import Budget, Companion, Optimiser, Pool, Prompts, RewardPick, RunSpec

_POSITIVE = Real(0, open_low=True)
_SHARE = Real(0, 1, open_low=True, open_high=True)


def _default(record: type, name: str) -> object:
    """The default as the spec has it, so that it is written in one place only."""
    return next(item.default for item in fields(record) if item.name == name)


def _of(record: type, **knobs: tuple[Limit, str]) -> tuple[Param, ...]:
    return tuple(Param(name, limit, words, _default(record, name)) for name, (limit, words) in knobs.items())


HEAD = (
    Param("name", Text(120), "names the run on every page", None),
    Param("experiment", Text(120), "the folder of runs that belong together", None),
)
MODEL = (
    Param("revision", Text(120, empty=True), "branch, tag or commit on the hub; empty for the newest", ""),
    Param("chat", Flag(), "wrap each prompt in the tokenizer's chat template", False),
)
DATASET = _of(Prompts, heldout_share=(_SHARE, "share of the rows that is only evaluated on, never trained on"))
STOCK = _of(Prompts, stock=(Whole(0), "problems that come again and again; 0 makes new ones without end"))
REWARD = (
    Param("label", Text(60), "names its curve and its column", None),
    Param("weight", Real(), "share in the sum; negative punishes", None),
)
FAILURE = _of(
    RewardPick,
    on_failure=(Choice(FAILURES), "a completion that it fails on: not learned from, 0, or stop"),
)
SIZES = _of(
    RunSpec,
    batch_prompts=(Whole(1), "prompts in a step"),
    siblings=(Whole(1), "completions for each prompt, compared with one another"),
    max_new_tokens=(Whole(1), "longest completion, tokens; longer ones are cut off"),
    temperature=(_POSITIVE, "1 samples from the model as it is; less is more decided"),
)
OPTIMISER = _of(
    Optimiser,
    learning_rate=(_POSITIVE, "size of AdamW's steps"),
    warmup_steps=(Whole(0), "steps over which the rate rises from zero"),
    weight_decay=(Real(0), "how fast weights shrink towards zero"),
    beta1=(Real(0, 1, open_high=True), "how long the mean of gradients is remembered"),
    beta2=(Real(0, 1, open_high=True), "how long the mean of squared gradients is remembered"),
    clip_norm=(_POSITIVE, "longest gradient that is applied as it is"),
    passes=(Whole(1), "times that a step's samples are learned from"),
    micro_groups=(Whole(0), "prompts in one micro-batch, less memory for less; 0 takes all at once"),
    decay=(Choice(DECAYS), "how the rate falls after the warm-up"),
    recompute=(Flag(), "run layers again on the way back: far less memory for a third more time"),
)
BUDGET = _of(
    Budget,
    steps=(Whole(1), "optimiser steps of the whole run"),
    eval_every=(Whole(0), "steps between evaluations on held-out prompts; 0 for none"),
    eval_prompts=(Whole(1), "held-out prompts in an evaluation"),
    checkpoint_every=(Whole(0), "steps between checkpoints; 0 for one at the end"),
)
MACHINE = _of(
    RunSpec,
    seed=(Whole(0), "the same seed gives the same run on the same machine"),
    precision=(Choice(PRECISIONS), "number format of weights and activations"),
    devices=(Whole(1), "accelerators that share the run"),
    sharded=(Flag(), "split weights, gradients and optimiser among the devices (FSDP), in place of a copy on each"),
)
LORA = _of(
    Lora,
    rank=(Whole(1), "size of the adapter's matrices"),
    alpha=(Whole(1), "their sum is scaled by this over the rank"),
    targets=(Text(120, empty=True), "endings of the names of layers that have one, apart by commas; empty for all"),
)
SERVED = _of(
    Served,
    url=(Text(120, empty=True), "base of an OpenAI-compatible server, such as http://host:8000/v1"),
    model=(Text(120, empty=True), "the name by which the server knows its model"),
    key_variable=(
        Text(120, empty=True),
        f"the worker's variable {KEY_PREFIX}… that holds the key; empty for none",
    ),
    timeout=(_POSITIVE, "longest wait for one answer, seconds"),
)
ORDER = _of(RunSpec, order=(Choice(ORDERS), "whether several rewards are summed before credit or their credits after"))
EXTRA = (Param("weight", Real(), "share of this loss in the sum", 1.0),)
COMPANION = (
    Param("role", Choice(ROLES), "a critic learns what states are worth, a guide is another run's model", None),
    *_of(
        Companion,
        learning_rate=(_POSITIVE, "size of its own steps (a guide takes none)"),
        value_clip=(Real(0), "how far its values may move in one step; 0 as far as they like"),
    ),
)
COMPANION_MODEL = (
    Param(
        "name", Text(400, empty=True, model=True), "id, directory or run:<number>; empty for a copy of the policy's", ""
    ),
    *MODEL,
)
POOL = _of(
    Pool,
    prompts=(Whole(0), "problems that completions are sampled for; 0 takes the completions of the prompts' file"),
    siblings=(Whole(1), "completions for each of them"),
    rounds=(Whole(1), "times that the present policy samples them anew"),
)
