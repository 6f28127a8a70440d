"""The records of what happened in a run, as the OpenAPI page describes them."""

from datetime import datetime
from typing import Any

from ninja import Schema


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
