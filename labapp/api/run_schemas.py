"""The records of runs that the API gives and takes, as the OpenAPI page describes them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Field, Schema


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
