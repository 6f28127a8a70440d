"""The records that the API gives and takes, as its OpenAPI page describes them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Field, Schema


class ErrorBody(Schema):
    """What was refused: the place in the request, a sentence, and what to do."""

    where: str
    what: str
    mend: str = ""


class Error(Schema):
    """Every refusal has this shape."""

    error: ErrorBody


class ParamOut(Schema):
    """One parameter of a method."""

    name: str
    words: str
    limit: str
    default: Any


class MethodRow(Schema):
    """A method of the library in one line; `address` is `kind/name`."""

    address: str
    kind: str
    name: str
    title: str
    purpose: str
    digest: str


class MethodOut(MethodRow):
    """A method with its formula (LaTeX), parameters, needs, relatives, source and code."""

    formula: str
    symbols: dict[str, str]
    params: list[ParamOut]
    needs: list[str]
    relatives: list[str]
    source: dict[str, str]
    doubts: str
    code: str


class Methods(Schema):
    """All methods, and one digest of all their files."""

    digest: str
    methods: list[MethodRow]


class RunRow(Schema):
    """A run in one line."""

    id: UUID
    name: str
    kind: str
    state: str
    experiment: str
    owner: str | None
    step: int
    steps: int
    created: datetime
    started: datetime | None
    ended: datetime | None
    deleted: datetime | None


class Runs(Schema):
    """One page of runs, newest first; `total` counts all that match."""

    total: int
    runs: list[RunRow]


class RunOut(RunRow):
    """A run with its document, the reason of its failure, and the newest value of each metric."""

    spec: dict[str, Any]
    reason: dict[str, Any] | None
    parent: UUID | None
    last_seq: int
    latest: dict[str, float | None]


class NewRun(Schema):
    """A run to make: its document (as the new-run page shows it) and the experiment it belongs to."""

    spec: dict[str, Any]
    experiment: str = Field("Experiments", max_length=120)
    launch: bool = Field(True, description="queue it at once; otherwise it stays a draft")


class Clone(Schema):
    """What a clone changes: field paths of the document and their values, such as `{"seed": 1}`."""

    changes: dict[str, Any] = Field(default_factory=dict)
    experiment: str | None = Field(None, max_length=120)
    launch: bool = True


class EventOut(Schema):
    """One numbered thing that happened in a run."""

    seq: int
    attempt: int
    step: int
    kind: str
    data: dict[str, Any]
    at: datetime


class Events(Schema):
    """Events in order; ask again after `last_seq` for those that follow."""

    last_seq: int
    events: list[EventOut]


class Curve(Schema):
    """One metric: parallel lists of the last step, mean, least and greatest value of each bucket of `width` steps."""

    width: int
    step: list[int]
    mean: list[float | None]
    low: list[float | None]
    high: list[float | None]


class Metrics(Schema):
    """Curves by metric name."""

    metrics: dict[str, Curve]


class RolloutOut(Schema):
    """One completion of one step; its tokens and streams are in the Parquet file `file`."""

    step: int
    index: int
    group: int
    prompt: str
    completion: str
    answer: str
    end: str
    length: int
    rewards: dict[str, float | None]
    total: float | None
    advantage: float | None
    label: float | None
    file: str


class Rollouts(Schema):
    """One page of completions, by step and index."""

    total: int
    rollouts: list[RolloutOut]


class DataSetOut(Schema):
    """One version of an uploaded set; `reference` names it in a run's document."""

    reference: str
    name: str
    version: int
    kind: str
    rows: int
    bad: int
    columns: list[Any]
    created: datetime


class DataSets(Schema):
    """The team's data sets, newest first."""

    datasets: list[DataSetOut]


class RewardOut(Schema):
    """One version of a reward written as code; `reference` names it in a run's document."""

    reference: str
    name: str
    version: int
    message: str
    source: str
    created: datetime


class Rewards(Schema):
    """The team's code rewards, newest first."""

    rewards: list[RewardOut]
