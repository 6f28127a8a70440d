"""The whole of a run as one frozen document: what the page shows, the database stores and the command line takes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from workers.contract.resources import Lora, Served
from workers.contract.rewardnode import LEAF, Node

VERSION = 1


class SpecError(ValueError):
    """A document that is no run: the message names the field and what it should be."""


@dataclass(frozen=True)
class Pick:
    """A chosen method: its kind and name, its parameters where they differ from the defaults, the file's digest.

    `source` holds the text of a formula that somebody wrote (its `name` then says which version); a number may be a
    schedule `{"start": …, "end": …, "share": …}`: a straight line over that share of the run's steps, then level.
    """

    kind: str
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""
    source: str = ""


@dataclass(frozen=True)
class RewardPick:
    """One objective: a method of `rewards/` by name, or users' code by reference (`code:<id>@<version>`) and text.

    `label` names its curve and column; `weight` is its share in the sum that credit sees. `source` holds the code
    of a `code` reward, so that the document runs without the web. A reward put together from parts has them in `tree`,
    and `tree:<id>@<version>` as its name. `on_failure` says what becomes of a completion that it fails on: `skip` (it
    does not count for this reward), `zero` (the value is 0), or `stop` (the run).
    """

    label: str
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 1.0
    digest: str = ""
    source: str = ""
    tree: Node | None = None
    on_failure: str = "skip"

    def picks(self) -> list[Pick]:
        """The methods that it is made of; users' code has none."""
        whole = Node(LEAF, self.name, self.params, self.digest, self.source)
        nodes = [node for _, node in (self.tree or whole).walk()]
        return [Pick(node.kind, node.name, node.params, node.digest) for node in nodes if not node.source]


@dataclass(frozen=True)
class Model:
    """`name` is `starter`, `starter-skills`, a Hugging Face id, a local directory, or `run:<number>`: what a run of the
    lab learned, which the door turns into a directory; `chat` applies the tokenizer's chat template."""

    name: str = "starter"
    revision: str = ""
    chat: bool = False


@dataclass(frozen=True)
class Prompts:
    """Where problems come from: a task of `tasks/`, or rows of a file (JSONL of prompt, answer, columns).

    `path` is a local file for the command line; `dataset` is `<id>@<version>` of an uploaded set, which the door
    turns into a path. A data set's held-out part is `heldout_share` of its rows by hash. `stock` limits a task to so
    many training problems that come again and again (0: new ones without end).
    """

    task: Pick | None = None
    path: str = ""
    dataset: str = ""
    heldout_share: float = 0.1
    stock: int = 0


@dataclass(frozen=True)
class Extra:
    """A further objective on the same batch, with its weight in the sum of losses."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 1.0
    digest: str = ""
    source: str = ""


@dataclass(frozen=True)
class Companion:
    """A further model of the run. `role` is `critic` (it learns what states are worth) or `guide` (frozen; another
    run's model); an empty model name is a copy of the policy's. The critic's own learning rate, and how far its values
    may move in one step (0: as far as they like)."""

    role: str
    model: Model = field(default_factory=lambda: Model(""))
    learning_rate: float = 1e-4
    value_clip: float = 0.2


@dataclass(frozen=True)
class Pool:
    """A stock of completions instead of new ones at each step: offline learning.

    `siblings` completions of each of `prompts` problems, sampled by the present policy when each of `rounds` equal
    parts of the run begins; with `prompts` 0 they are the completions of the rows of the prompts' file.
    """

    prompts: int = 256
    siblings: int = 4
    rounds: int = 1


@dataclass(frozen=True)
class Optimiser:
    """AdamW: learning rate, warm-up steps, weight decay, gradient norm bound, passes over a batch, groups a micro-batch
    (0: all of them), and how the rate falls after the warm-up: none, linear, cosine. With `recompute` what layers keep
    for the way back is made again there: far less memory for a third more time."""

    learning_rate: float = 1e-4
    warmup_steps: int = 0
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    clip_norm: float = 1.0
    passes: int = 1
    micro_groups: int = 0
    decay: str = "none"
    recompute: bool = False


@dataclass(frozen=True)
class Budget:
    """How long: optimiser steps; a held-out evaluation and a checkpoint every so many steps, on so many prompts."""

    steps: int = 60
    eval_every: int = 5
    eval_prompts: int = 64
    checkpoint_every: int = 10


@dataclass(frozen=True)
class RunSpec:
    """Everything that determines a run's numbers. See `Pick` and its neighbours for the parts.

    `objective` is one of `objectives/` or, with a pool, one of `preferences/`; only where nothing asks for advantages
    may `credit` be missing. `order` says whether rewards are weighed before credit or their credits after it.
    `algorithm` is the saved recipe `<id>@<version>` that the parts were taken from. `lora` learns in place of the
    model's own weights. `served` fills the pool and is evaluated at step 0: other models as teachers and measures.
    `sharded` splits weights, gradients and optimiser state among several devices (FSDP), in place of a copy on each.
    """

    name: str
    model: Model
    prompts: Prompts
    rewards: tuple[RewardPick, ...]
    credit: Pick | None
    objective: Pick
    reduction: Pick
    regularisers: tuple[Pick, ...] = ()
    extras: tuple[Extra, ...] = ()
    shaping: tuple[Pick, ...] = ()
    selection: tuple[Pick, ...] = ()
    weighting: Pick | None = None
    order: str = "weigh first"
    companions: tuple[Companion, ...] = ()
    pool: Pool | None = None
    lora: Lora | None = None
    served: Served | None = None
    algorithm: str = ""
    batch_prompts: int = 16
    siblings: int = 8
    max_new_tokens: int = 48
    temperature: float = 1.0
    optimiser: Optimiser = field(default_factory=Optimiser)
    budget: Budget = field(default_factory=Budget)
    precision: str = "float32"
    devices: int = 1
    sharded: bool = False
    seed: int = 0
    version: int = VERSION

    def picks(self) -> list[Pick]:
        """Every method that the run uses, rewards and task included (users' code and formulas have none)."""
        rewards = [pick for reward in self.rewards for pick in reward.picks()]
        tasks = [self.prompts.task] if self.prompts.task is not None else []
        return [*tasks, *rewards, *(pick for pick in self.parts() if not pick.source)]

    def parts(self) -> list[Pick]:
        """The recipe: every part between rewards and the change of the policy, in the order in which they work."""
        single = [one for one in (self.credit, self.weighting) if one is not None]
        extras = [Pick("objectives", e.name, e.params, e.digest, e.source) for e in self.extras]
        return [
            *self.selection,
            *self.shaping,
            *single,
            self.objective,
            *extras,
            *self.regularisers,
            self.reduction,
        ]


def to_dict(spec: RunSpec) -> dict[str, Any]:
    """The document as JSON values."""
    document: dict[str, Any] = json.loads(json.dumps(asdict(spec)))
    return document


def to_json(spec: RunSpec) -> str:
    """The document as indented JSON text."""
    return json.dumps(to_dict(spec), indent=2, ensure_ascii=False)


def from_dict(document: object) -> RunSpec:
    """A spec from JSON values; SpecError names the field that is missing, unknown or of the wrong type."""
    if isinstance(document, Mapping) and document.get("version", VERSION) != VERSION:
        raise SpecError(f"version: this lab reads version {VERSION}, the document says {document['version']!r}")
    spec = build(RunSpec, document, "")
    assert isinstance(spec, RunSpec)
    return spec


def from_json(text: str) -> RunSpec:
    """A spec from JSON text; SpecError says the line when the text is not JSON."""
    try:
        return from_dict(json.loads(text))
    except json.JSONDecodeError as error:
        raise SpecError(f"line {error.lineno}, column {error.colno}: not JSON ({error.msg})") from None


def build(kind: Any, value: object, path: str) -> Any:
    """`value` as the annotated type `kind`; `path` is where we are, for the SpecError when it cannot be."""
    if is_dataclass(kind):
        return _build_record(kind, value, path)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise SpecError(f"{path}: a list is needed, not {_named(value)}")
        return tuple(build(arguments[0], item, f"{path}.{index}") for index, item in enumerate(value))
    if type(None) in arguments:
        return None if value is None else build(arguments[0], value, path)
    if origin is not None:
        if not isinstance(value, Mapping):
            raise SpecError(f"{path}: a mapping is needed, not {_named(value)}")
        return dict(value)
    return _build_plain(kind, value, path)


def _build_plain(kind: Any, value: object, path: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise SpecError(f"{path}: {kind.__name__} is needed, not {_named(value)}")
    return value


def _build_record(kind: Any, value: object, path: str) -> Any:
    if not isinstance(value, Mapping):
        raise SpecError(f"{path or 'document'}: a mapping is needed, not {_named(value)}")
    hints = get_type_hints(kind)
    known = {item.name: item for item in fields(kind)}
    for name in value:
        if name not in known:
            raise SpecError(f"{_join(path, str(name))}: unknown field; known here: {', '.join(known)}")
    made = {name: build(hints[name], item, _join(path, str(name))) for name, item in value.items()}
    try:
        return kind(**made)
    except TypeError:
        missing = [name for name, item in known.items() if name not in made and _required(item)]
        raise SpecError(f"{path or 'document'}: missing {', '.join(missing)}") from None


def _required(item: Any) -> bool:
    from dataclasses import MISSING

    return item.default is MISSING and item.default_factory is MISSING


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _named(value: object) -> str:
    return f"{type(value).__name__} {value!r:.60}"
